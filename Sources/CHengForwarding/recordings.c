/* The recording and profiling groups, handed on to makers that have them. */
#include "forwarding.h"

/* -- Recordings -- */

static int32_t recording_begin(heng_stream *stream, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "recording_begin");
    const heng_recording_table *table = found->maker->recordings;
    NEED(found->maker, table && table->recording_begin, "recording_begin");
    CALL(found->maker, "recording_begin", table->recording_begin(found->inner, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t recording_end(heng_stream *stream, heng_recording **recording, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "recording_end");
    NEED_PLACE(recording, "recording_end");
    const heng_recording_table *table = found->maker->recordings;
    NEED(found->maker, table && table->recording_end, "recording_end");
    heng_recording *made = NULL;
    CALL(found->maker, "recording_end", table->recording_end(found->inner, &made, error ? &inner : NULL));
    object *object = make_object(HENG_OBJECT_RECORDING, found->maker, made, found->owner);
    if (!object) {
        table->recording_destroy(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "recording_end", "There is no memory for a handle.");
    }
    *recording = (heng_recording *)object;
    return HENG_OK;
}

static int32_t recording_count(heng_recording *recording, uint64_t *count, heng_error **error) {
    FIND(found, recording, HENG_OBJECT_RECORDING, "recording_count");
    const heng_recording_table *table = found->maker->recordings;
    NEED(found->maker, table->recording_count, "recording_count");
    CALL(found->maker, "recording_count", table->recording_count(found->inner, count, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t recording_submit(
    heng_recording *recording, heng_stream *stream, uint64_t correlation, heng_error **error) {
    FIND(found, recording, HENG_OBJECT_RECORDING, "recording_submit");
    FIND(lane, stream, HENG_OBJECT_STREAM, "recording_submit");
    const int32_t status = same_device(found, lane, "recording_submit", error);
    if (status != HENG_OK) return status;
    const heng_recording_table *table = found->maker->recordings;
    NEED(found->maker, table->recording_submit, "recording_submit");
    CALL(found->maker, "recording_submit",
        table->recording_submit(found->inner, lane->inner, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t recording_destroy(heng_recording *recording, heng_error **error) {
    FIND(found, recording, HENG_OBJECT_RECORDING, "recording_destroy");
    const heng_recording_table *table = found->maker->recordings;
    NEED(found->maker, table->recording_destroy, "recording_destroy");
    CALL(found->maker, "recording_destroy", table->recording_destroy(found->inner, error ? &inner : NULL));
    end_object(found);
    return HENG_OK;
}

const heng_recording_table recording_group = {
    .header = HEADER(heng_recording_table, HENG_KIND_RECORDING_TABLE),
    .recording_begin = recording_begin,
    .recording_end = recording_end,
    .recording_count = recording_count,
    .recording_submit = recording_submit,
    .recording_destroy = recording_destroy,
};

/* -- Profiling -- */

static int32_t profile_start(
    heng_context *context, const heng_profile_arguments *arguments, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "profile_start");
    const heng_profile_table *table = found->maker->profiles;
    NEED(found->maker, table && table->profile_start, "profile_start");
    CALL(found->maker, "profile_start", table->profile_start(found->inner, arguments, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t profile_stop(heng_context *context, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "profile_stop");
    const heng_profile_table *table = found->maker->profiles;
    NEED(found->maker, table && table->profile_stop, "profile_stop");
    CALL(found->maker, "profile_stop", table->profile_stop(found->inner, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t profile_read(
    heng_context *context, heng_profile_record *records, uint64_t capacity, uint64_t *count, uint64_t *dropped,
    heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "profile_read");
    const heng_profile_table *table = found->maker->profiles;
    NEED(found->maker, table && table->profile_read, "profile_read");
    CALL(found->maker, "profile_read",
        table->profile_read(found->inner, records, capacity, count, dropped, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t range_begin(heng_stream *stream, const char *name, uint64_t correlation, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "range_begin");
    const heng_profile_table *table = found->maker->profiles;
    NEED(found->maker, table && table->range_begin, "range_begin");
    CALL(found->maker, "range_begin",
        table->range_begin(found->inner, name, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t range_end(heng_stream *stream, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "range_end");
    const heng_profile_table *table = found->maker->profiles;
    NEED(found->maker, table && table->range_end, "range_end");
    CALL(found->maker, "range_end", table->range_end(found->inner, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t mark(heng_stream *stream, const char *name, uint64_t correlation, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "mark");
    const heng_profile_table *table = found->maker->profiles;
    NEED(found->maker, table && table->mark, "mark");
    CALL(found->maker, "mark", table->mark(found->inner, name, correlation, error ? &inner : NULL));
    return HENG_OK;
}

const heng_profile_table profile_group = {
    .header = HEADER(heng_profile_table, HENG_KIND_PROFILE_TABLE),
    .profile_start = profile_start,
    .profile_stop = profile_stop,
    .profile_read = profile_read,
    .range_begin = range_begin,
    .range_end = range_end,
    .mark = mark,
};
