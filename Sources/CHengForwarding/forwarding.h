/* What the files of the forwarding layer share. */
#ifndef FORWARDING_H
#define FORWARDING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "heng_forwarding.h"

/* A maker as the layer calls it: the table in our size, with NULL for what is missing, and its groups. */
typedef struct maker {
    heng_accelerator_table table; /* first, so that a maker's address is its table's */
    const heng_accelerator_table *original;
    const heng_operator_table *operators;
    const heng_kernel_table *kernels;
    const heng_recording_table *recordings;
    const heng_profile_table *profiles;
    const heng_interchange_table *interchange;
    const heng_collective_table *collectives;
    const heng_media_table *media;
    struct maker *next;
} maker;

typedef struct object object;
struct object {
    _Atomic uint32_t tag; /* TAG(kind) while it lives */
    uint32_t index;       /* of a device */
    maker *maker;
    void *inner;
    object *owner; /* a context's device, a kernel's module, anything else's context */
    /* The children of a context, under the lock of the layer. */
    object *first_child, *previous, *next;
    union {
        struct {
            object *defaults; /* the device's default context */
            uint64_t selection; /* counts its deselections */
            bool is_part;
        } device;
        struct {
            object *stream; /* the default stream */
            struct host_block *blocks;
            struct late_buffer *late;
        } context;
        struct {
            struct subscription *subscription;
        } stream;
        struct {
            struct hidden_wait *waits;
        } event;
        struct {
            uint64_t size;
            void *host;
            bool is_foreign, is_read_only;
            void (*drop)(void *user); /* for foreign memory */
            void *user;
        } buffer;
    } of;
};

#define TAG(kind) (0x4e470000u | (uint32_t)(kind))
#define DEAD_TAG 0xdead4e47u

/* The object behind a handle, or NULL: destroyed objects keep their memory, so that their tag can be read. */
static inline object *living(const void *handle, int32_t kind) {
    object *candidate = (object *)handle;
    if (!candidate || ((uintptr_t)handle & 15) != 0) return NULL;
    return atomic_load_explicit(&candidate->tag, memory_order_relaxed) == TAG(kind) ? candidate : NULL;
}

/* -- objects.c -- */

object *make_object(int32_t kind, maker *maker, void *inner, object *owner);
void end_object(object *ended);
const char *kind_name(int32_t kind);
object *device_of(const object *any);
int32_t count_children(object *owner);
/* A child of that kind, to be ended next; NULL where none is left. */
object *child_of_kind(object *owner, int32_t kind);
extern pthread_mutex_t layer_lock;

/* -- errors.c -- */

int32_t fail(heng_error **error, int32_t code, const char *operation, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));
/* Why a handle is not one of that kind. */
int32_t bad_handle(heng_error **error, const void *handle, int32_t kind, const char *operation)
    __attribute__((cold));
int32_t missing(heng_error **error, const maker *maker, const char *operation) __attribute__((cold));
/* Hands a maker's status on, with its error as one of ours. */
int32_t hand_on(heng_error **error, const maker *maker, int32_t status, heng_error *inner, const char *operation)
    __attribute__((cold));
void drop_error(const maker *maker, heng_error *inner);
int32_t describe_error(const heng_error *error, heng_error_description *description);
void destroy_error(heng_error *error);

/* Calls a maker's function and hands a failure on; `call` may use the variable `inner`. */
#define CALL(of_maker, operation, call)                                                    \
    do {                                                                                   \
        heng_error *inner = NULL;                                                          \
        const int32_t status_ = (call);                                                    \
        if (status_ != HENG_OK) return hand_on(error, (of_maker), status_, inner, operation); \
    } while (0)

/* Finds an object in a function that returns a status, or returns the error. */
#define FIND(name, handle, kind, operation)          \
    object *const name = living((handle), (kind));   \
    if (!name) return bad_handle(error, (handle), (kind), operation)

#define NEED(of_maker, function, operation) \
    if (!(function)) return missing(error, (of_maker), operation)

#define NEED_PLACE(place, operation) \
    if (!(place)) return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, operation " has no place for its result.")

/* -- ranges.c -- */

/* A range in its maker's terms, after the checks that the layer can make. */
int32_t translate(
    const object *device, const heng_range *range, heng_range *inner, const char *operation, heng_error **error);
/* The same for a range that is written to. */
int32_t translate_target(
    const object *device, const heng_range *range, heng_range *inner, const char *operation, heng_error **error);
/* Where host code reaches the bytes of a range, NULL where it cannot. */
void *host_address(const heng_range *range);
int32_t same_device(const object *one, const object *other, const char *operation, heng_error **error);
/* Many ranges at once, into room of the caller's or, where there are more, memory to free. */
int32_t translate_all(
    const object *device, const heng_range *ranges, uint32_t count, heng_range *room, uint32_t capacity,
    heng_range **inner, const char *operation, heng_error **error);

/* -- process.c -- */

extern const heng_forwarding_services *services;
bool is_initialized(void);
int32_t not_initialized(heng_error **error, const char *operation);
object *device_object(uint32_t index);
void fill_struct(void *place, const void *full, size_t size);
object *adopt_device(maker *maker, heng_device *device);

/* -- the parts of the table -- */

void add_process_functions(heng_accelerator_table *table);
void add_device_functions(heng_accelerator_table *table);
void add_context_functions(heng_accelerator_table *table);
void add_stream_functions(heng_accelerator_table *table);
void add_event_functions(heng_accelerator_table *table);
void add_buffer_functions(heng_accelerator_table *table);

int32_t context_end(object *context, bool with_children, const char *operation, heng_error **error);
/* Frees what give_up_later noted and no work uses any more; with `wait`, all of it. */
void free_late_buffers(object *context, bool wait);
/* Ends a buffer and destroys an operator when the stream's work so far is done; either may be NULL. */
int32_t give_up_later(
    object *stream, object *buffer, heng_operator *prepared, const char *operation, heng_error **error);
void forget_waits(object *event);
void end_subscription(object *stream);
void free_subscriptions(struct subscription *known);

/* The groups. */
extern const heng_operator_table operator_group;
extern const heng_kernel_table kernel_group;
extern const heng_recording_table recording_group;
extern const heng_profile_table profile_group;
extern const heng_selection_table selection_group;
extern const heng_callback_table callback_group;
extern const heng_interchange_table interchange_group;
extern const heng_collective_table collective_group;
extern const heng_media_table media_group;

#define HEADER(type, kind_of) {.struct_size = (uint32_t)sizeof(type), .struct_kind = (kind_of), .next = NULL}

#endif
