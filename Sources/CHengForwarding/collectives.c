/* The collective group, handed on to makers that have one. */
#include "forwarding.h"

#define TABLE(of) ((of)->maker->collectives)

static int32_t communicator_identity(heng_device *device, void *identity, uint64_t *size, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "communicator_identity");
    NEED(found->maker, TABLE(found) && TABLE(found)->communicator_identity, "communicator_identity");
    CALL(found->maker, "communicator_identity",
        TABLE(found)->communicator_identity(found->inner, identity, size, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t communicator_create(
    heng_context *context, const heng_communicator_arguments *arguments, heng_communicator **communicator,
    heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "communicator_create");
    NEED_PLACE(communicator, "communicator_create");
    NEED(found->maker, TABLE(found) && TABLE(found)->communicator_create, "communicator_create");
    heng_communicator *made = NULL;
    CALL(found->maker, "communicator_create",
        TABLE(found)->communicator_create(found->inner, arguments, &made, error ? &inner : NULL));
    object *object = make_object(HENG_OBJECT_COMMUNICATOR, found->maker, made, found);
    if (!object) {
        TABLE(found)->communicator_destroy(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "communicator_create", "There is no memory for a handle.");
    }
    *communicator = (heng_communicator *)object;
    return HENG_OK;
}

static int32_t communicator_destroy(heng_communicator *communicator, heng_error **error) {
    FIND(found, communicator, HENG_OBJECT_COMMUNICATOR, "communicator_destroy");
    NEED(found->maker, TABLE(found)->communicator_destroy, "communicator_destroy");
    CALL(found->maker, "communicator_destroy",
        TABLE(found)->communicator_destroy(found->inner, error ? &inner : NULL));
    end_object(found);
    return HENG_OK;
}

/* What all six have at their start: a communicator, a stream of its device, and up to two ranges. */
#define BEGIN(function)                                                                   \
    FIND(group, communicator, HENG_OBJECT_COMMUNICATOR, #function);                       \
    FIND(lane, stream, HENG_OBJECT_STREAM, #function);                                    \
    NEED(group->maker, TABLE(group)->function, #function);                                \
    int32_t status = same_device(group, lane, #function, error);                          \
    if (status != HENG_OK) return status

#define TRANSLATE(function, range, name)                                                  \
    heng_range name;                                                                      \
    status = translate(device_of(lane), range, &name, #function, error);                  \
    if (status != HENG_OK) return status

static int32_t all_reduce(
    heng_communicator *communicator, heng_stream *stream, const heng_range *destination, const heng_range *source,
    uint64_t count, int32_t type, int32_t reduction, uint64_t correlation, heng_error **error) {
    BEGIN(all_reduce);
    TRANSLATE(all_reduce, destination, to);
    TRANSLATE(all_reduce, source, from);
    CALL(group->maker, "all_reduce",
        TABLE(group)->all_reduce(group->inner, lane->inner, &to, &from, count, type, reduction, correlation,
            error ? &inner : NULL));
    return HENG_OK;
}

static int32_t broadcast(
    heng_communicator *communicator, heng_stream *stream, const heng_range *range, uint64_t bytes, uint32_t root,
    uint64_t correlation, heng_error **error) {
    BEGIN(broadcast);
    TRANSLATE(broadcast, range, at);
    CALL(group->maker, "broadcast",
        TABLE(group)->broadcast(
            group->inner, lane->inner, &at, bytes, root, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t all_gather(
    heng_communicator *communicator, heng_stream *stream, const heng_range *destination, const heng_range *source,
    uint64_t bytes, uint64_t correlation, heng_error **error) {
    BEGIN(all_gather);
    TRANSLATE(all_gather, destination, to);
    TRANSLATE(all_gather, source, from);
    CALL(group->maker, "all_gather",
        TABLE(group)->all_gather(
            group->inner, lane->inner, &to, &from, bytes, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t reduce_scatter(
    heng_communicator *communicator, heng_stream *stream, const heng_range *destination, const heng_range *source,
    uint64_t count, int32_t type, int32_t reduction, uint64_t correlation, heng_error **error) {
    BEGIN(reduce_scatter);
    TRANSLATE(reduce_scatter, destination, to);
    TRANSLATE(reduce_scatter, source, from);
    CALL(group->maker, "reduce_scatter",
        TABLE(group)->reduce_scatter(group->inner, lane->inner, &to, &from, count, type, reduction, correlation,
            error ? &inner : NULL));
    return HENG_OK;
}

static int32_t send(
    heng_communicator *communicator, heng_stream *stream, const heng_range *source, uint64_t bytes, uint32_t peer,
    uint64_t correlation, heng_error **error) {
    BEGIN(send);
    TRANSLATE(send, source, from);
    CALL(group->maker, "send",
        TABLE(group)->send(group->inner, lane->inner, &from, bytes, peer, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t receive(
    heng_communicator *communicator, heng_stream *stream, const heng_range *destination, uint64_t bytes,
    uint32_t peer, uint64_t correlation, heng_error **error) {
    BEGIN(receive);
    TRANSLATE(receive, destination, to);
    CALL(group->maker, "receive",
        TABLE(group)->receive(group->inner, lane->inner, &to, bytes, peer, correlation, error ? &inner : NULL));
    return HENG_OK;
}

const heng_collective_table collective_group = {
    .header = HEADER(heng_collective_table, HENG_KIND_COLLECTIVE_TABLE),
    .communicator_identity = communicator_identity,
    .communicator_create = communicator_create,
    .communicator_destroy = communicator_destroy,
    .all_reduce = all_reduce,
    .broadcast = broadcast,
    .all_gather = all_gather,
    .reduce_scatter = reduce_scatter,
    .send = send,
    .receive = receive,
};
