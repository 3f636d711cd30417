/*
 * The unified accelerator interface of Heng, version 1.
 *
 * One header is the whole contract between those who use accelerators and those who make them. A maker's library
 * exports one symbol, heng_accelerator_get, which returns a table of functions; a C program, Heng itself and
 * Heng's checking layer all call through that table. Nothing else crosses the boundary: no exceptions, no
 * longjmp, no exit, no thread-local "last error".
 *
 * The groups follow our reading of GB/T 45280-2025; "R280-xx" at a function names the requirement, as numbered
 * in our notes on public material about that standard. Return codes carry our own names and numbers.
 *
 * Versions. The major number must match exactly. Within a major number everything is append-only: functions are
 * added at the end of the table, fields at the end of structs, codes with new numbers. Every struct that crosses
 * starts with a heng_header whose struct_size the side that allocates it sets to sizeof; a reader touches no
 * byte beyond struct_size, and a missing tail reads as zero, which is always the default. A function missing
 * from a shorter or partly filled table is one the maker does not offer.
 *
 * Extensions. `next` chains further structs. An extension whose kind has HENG_KIND_MUST_UNDERSTAND set makes the
 * call fail with HENG_ERROR_UNSUPPORTED where it is not known; others are skipped where not known.
 *
 * Ownership. Who creates, destroys. What a call is given (strings, arrays, structs) is borrowed for that call
 * only, unless the function says otherwise. Strings that come out live as long as the object they describe.
 *
 * Threads. Calls on different objects may come from any threads at once. Calls on one object are the caller's
 * to serialise, except where a function says "any thread". No call may come after or during finalize.
 *
 * Synchrony. "Synchronous": done when it returns. "Asynchronous": it returns once the work is in the stream, and
 * the work counts as done only after a synchronize call or an event says so (R280-63).
 *
 * Errors. Each function returns HENG_OK (0) or a negative code, and, where `error` is not NULL, also stores an
 * error object there (or NULL if even that failed); the caller destroys it. On failure nothing else is written,
 * and the state of the objects is as before the call.
 */
#ifndef HENG_ACCELERATOR_H
#define HENG_ACCELERATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HENG_ACCELERATOR_MAJOR 1u
#define HENG_ACCELERATOR_MINOR 0u

/* ---- Return codes: one class each (R280-60, R280-61). A number, once given, never changes its meaning. ---- */

enum {
    HENG_OK = 0,
    HENG_ERROR_GENERAL = -1,                /* what fits no other class; native_code may say more */
    HENG_ERROR_NOT_INITIALIZED = -2,        /* before initialize or after finalize (R280-05) */
    HENG_ERROR_REPEATED_INITIALIZE = -3,    /* R280-01 */
    HENG_ERROR_REPEATED_FINALIZE = -4,      /* R280-02 */
    HENG_ERROR_VERSION = -5,                /* the major number or a struct_size is not one the maker serves */
    HENG_ERROR_INVALID_DEVICE = -6,         /* not a device, or one that is gone (R280-12) */
    HENG_ERROR_INVALID_DEVICE_INDEX = -7,   /* at or above the count (R280-12) */
    HENG_ERROR_INVALID_ARGUMENT = -8,       /* null, out of its range, or contradictory */
    HENG_ERROR_INVALID_HANDLE = -9,         /* never made, already destroyed, or of another kind */
    HENG_ERROR_WRONG_OWNER = -10,           /* an object of another context, device or maker */
    HENG_ERROR_UNSUPPORTED = -11,           /* an optional feature this device lacks (R280-62) */
    HENG_ERROR_OUT_OF_DEVICE_MEMORY = -12,  /* R280-36 */
    HENG_ERROR_OUT_OF_HOST_MEMORY = -13,
    HENG_ERROR_OUT_OF_STREAMS = -14,        /* R280-21 */
    HENG_ERROR_OUT_OF_EVENTS = -15,
    HENG_ERROR_OUT_OF_RANGE = -16,          /* bytes beyond a buffer or above a stated capacity (R280-32) */
    HENG_ERROR_ALIGNMENT = -17,             /* R280-33 */
    HENG_ERROR_TIMEOUT = -18,               /* not done in the given time; nothing was cancelled (R280-18) */
    HENG_ERROR_EVENT_NOT_RECORDED = -19,    /* waiting for, or timing, an event that no stream records */
    HENG_ERROR_EVENT_TIME = -20,            /* a time that is not there yet or not kept (R280-29) */
    HENG_ERROR_NOT_RELEASED = -21,          /* an owner is destroyed before what it owns */
    HENG_ERROR_MISUSE = -22,                /* an order of calls that can never work, such as a self-wait */
    HENG_ERROR_EXECUTION = -23,             /* work in a stream failed after its submission returned */
    HENG_ERROR_DEVICE_LOST = -24,           /* the device answers no more; all its objects are dead */
    HENG_ERROR_PERMISSION = -25,
    HENG_ERROR_CANCELLED = -26
};

/* How far an error reaches. */
enum {
    HENG_SCOPE_CALL = 0,   /* only this call failed; everything else goes on */
    HENG_SCOPE_STREAM = 1, /* the stream runs nothing any more; destroy it and make another */
    HENG_SCOPE_DEVICE = 2  /* the device and all its objects are unusable in this process */
};

/* ---- Structs ---- */

/* Kinds name structs. The top bit says that a reader who does not know the kind must refuse. */
enum {
    HENG_KIND_INITIALIZE_ARGUMENTS = 1,
    HENG_KIND_DEVICE_DESCRIPTION = 2,
    HENG_KIND_STREAM_ARGUMENTS = 3,
    HENG_KIND_BUFFER_ARGUMENTS = 4,
    HENG_KIND_MEMORY_INFO = 5,
    HENG_KIND_ERROR_DESCRIPTION = 6,
    HENG_KIND_TABLE = 7
};
#define HENG_KIND_MUST_UNDERSTAND 0x80000000u

typedef struct heng_header {
    uint32_t struct_size; /* sizeof the struct that starts with this header */
    uint32_t struct_kind; /* HENG_KIND_... */
    const void *next;     /* another struct that starts with a heng_header, or NULL */
} heng_header;

typedef struct heng_device heng_device;
typedef struct heng_context heng_context;
typedef struct heng_stream heng_stream;
typedef struct heng_event heng_event;
typedef struct heng_buffer heng_buffer;
typedef struct heng_error heng_error;

typedef struct heng_initialize_arguments {
    heng_header header;
    uint32_t abi_major; /* the caller's HENG_ACCELERATOR_MAJOR and _MINOR */
    uint32_t abi_minor;
    const char *configuration_path; /* a maker's own file, or NULL for defaults */
} heng_initialize_arguments;

typedef struct heng_device_description {
    heng_header header;
    const char *kind;          /* "cpu", "gpu", ...: lower case, the first half of the device's name */
    const char *name;          /* the maker's product name, R280-04 */
    const char *vendor;
    uint64_t memory_bytes;     /* what buffers can be made of; 0: unknown */
    int32_t numa_node;         /* the operating system's number of the closest node; -1: unknown */
    uint32_t compute_units;    /* cores, multiprocessors, ...: what the maker counts */
    uint32_t buffer_alignment; /* every buffer starts at a multiple of this */
    uint32_t copy_alignment;   /* copies must start at multiples of this; 1: anywhere (R280-33) */
    const char *cpus;          /* the CPUs that run or are closest to it, as "0-3,8"; NULL: unknown */
    uint8_t host_addressable;  /* 1: buffer_host_address works, host code may read and write buffers */
    uint8_t reserved[7];
} heng_device_description;

typedef struct heng_stream_arguments {
    heng_header header;
    /* CPUs this stream may use, a subset of the device's "cpus", for devices that run on CPUs; count 0: all. */
    const uint32_t *cpus;
    uint64_t cpu_count;
} heng_stream_arguments;

/* What pages a buffer is made of (R280-30). */
enum {
    HENG_PAGES_DEFAULT = 0,    /* the maker chooses */
    HENG_PAGES_NORMAL = 1,     /* only the smallest pages */
    HENG_PAGES_HUGE_FIRST = 2, /* huge pages where there are some */
    HENG_PAGES_HUGE_ONLY = 3   /* huge pages or failure */
};

typedef struct heng_buffer_arguments {
    heng_header header;
    uint64_t size;     /* bytes, at least 1 */
    int32_t numa_node; /* the operating system's number; -1: the device's own node */
    int32_t pages;     /* HENG_PAGES_... */
} heng_buffer_arguments;

typedef struct heng_memory_info {
    heng_header header;
    uint64_t in_use;     /* bytes of living buffers, with their rounding */
    uint64_t high_water; /* the most in_use ever was in this context */
    uint64_t reserved;   /* bytes held from the device: in use, and kept for reuse */
    uint64_t limit;      /* the most this context may have in use; 0: only what the device has */
    uint64_t reuses;     /* allocations served from kept memory */
} heng_memory_info;

/*
 * A range of bytes that a copy or fill reads or writes: `size` bytes from `offset` on, either in a buffer
 * (`host` is NULL) or in ordinary memory of the process (`buffer` is NULL). `size` is the capacity: asking for
 * more than it is HENG_ERROR_OUT_OF_RANGE.
 */
typedef struct heng_range {
    heng_buffer *buffer;
    void *host;
    uint64_t offset;
    uint64_t size;
} heng_range;

typedef struct heng_error_description {
    heng_header header;
    int32_t code;           /* HENG_ERROR_... */
    int32_t scope;          /* HENG_SCOPE_... */
    int64_t native_code;    /* the maker's or the system's own number; 0: none */
    uint64_t requested;     /* bytes asked for, for the memory classes */
    uint64_t available;     /* bytes there were, for the memory classes */
    const char *operation;  /* what was tried, as "buffer_allocate" */
    const char *text;       /* one sentence for a person; UTF-8 */
    uint8_t retriable;      /* 1: the same call may succeed later or smaller */
    uint8_t reserved[7];
} heng_error_description;

/*
 * Functions of the host that run in stream order. They get a pointer to the stream's own copy of the argument
 * bytes, 16-byte aligned, valid until they return. They run on a thread of the maker's, one at a time per
 * stream, with no lock held. They may call the table, but must not wait for their own stream. The second form
 * returns 0 or a number of its own that makes the stream fail with HENG_ERROR_EXECUTION and that native_code.
 */
typedef void (*heng_host_function)(const void *arguments);
typedef int32_t (*heng_fallible_host_function)(const void *arguments);

/* The most argument bytes a host function gets. */
#define HENG_ARGUMENT_LIMIT 256u

/* ---- The table ---- */

typedef struct heng_accelerator_table {
    heng_header header; /* kind HENG_KIND_TABLE */
    uint32_t abi_major;
    uint32_t abi_minor;
    const char *name; /* of the backend, as "cpu"; lives as long as the library */

    /*
     * Starts the maker's library for this process (R280-01). Synchronous. Once; a second call is
     * HENG_ERROR_REPEATED_INITIALIZE, a major number that differs HENG_ERROR_VERSION.
     */
    int32_t (*initialize)(const heng_initialize_arguments *arguments, heng_error **error);

    /*
     * Ends it (R280-02). Synchronous. Refuses with HENG_ERROR_NOT_RELEASED while contexts live; their objects
     * stay usable then. Error objects outlive it.
     */
    int32_t (*finalize)(heng_error **error);

    /* How many devices there are; fixed from initialize to finalize (R280-06). Synchronous, any thread. */
    int32_t (*device_count)(uint32_t *count, heng_error **error);

    /*
     * The device of that index, from 0. Synchronous, any thread. The maker owns it; the same index gives the same
     * pointer until finalize.
     */
    int32_t (*device_get)(uint32_t index, heng_device **device, heng_error **error);

    /* Fills the description, up to its struct_size. Synchronous, any thread. Strings live until finalize. */
    int32_t (*device_describe)(heng_device *device, heng_device_description *description, heng_error **error);

    /*
     * Waits until all work submitted before the call, in all streams of the device, is done (R280-11).
     * Synchronous, any thread but one that runs a host function. Fails with the first failed stream's error.
     */
    int32_t (*device_synchronize)(heng_device *device, heng_error **error);

    /* Makes a context: the owner of streams, events and buffers (R280-13). Synchronous, any thread. */
    int32_t (*context_create)(heng_device *device, heng_context **context, heng_error **error);

    /*
     * Destroys it (R280-14). Synchronous. Refuses with HENG_ERROR_NOT_RELEASED while it owns something: events
     * and buffers go first, then streams, then the context.
     */
    int32_t (*context_destroy)(heng_context *context, heng_error **error);

    /* The context's memory account (R280-35). Synchronous, any thread. */
    int32_t (*context_memory_info)(heng_context *context, heng_memory_info *info, heng_error **error);

    /*
     * Sets how many bytes the context may have in use; 0: only what the device has. Living buffers stay, even
     * above the limit. Synchronous, any thread.
     */
    int32_t (*context_limit_memory)(heng_context *context, uint64_t limit, heng_error **error);

    /* Gives memory kept for reuse back to the system. `released` may be NULL. Synchronous, any thread. */
    int32_t (*context_trim_memory)(heng_context *context, uint64_t *released, heng_error **error);

    /* Makes an ordered lane of work (R280-17). `arguments` may be NULL. Synchronous, any thread. */
    int32_t (*stream_create)(
        heng_context *context, const heng_stream_arguments *arguments, heng_stream **stream, heng_error **error);

    /*
     * Waits for the stream's work, then destroys it. Synchronous. Always destroys, except from the stream's own
     * host function (HENG_ERROR_MISUSE); another error returned is the one the stream's work had failed with.
     */
    int32_t (*stream_destroy)(heng_stream *stream, heng_error **error);

    /*
     * Waits until all work submitted to the stream before the call is done, at most `milliseconds`: -1 for ever,
     * 0 only looks (R280-18). Synchronous, any thread but the stream's own host function (HENG_ERROR_MISUSE).
     * HENG_ERROR_TIMEOUT when it is not done; a failed stream's error, every time, until it is destroyed.
     */
    int32_t (*stream_synchronize)(heng_stream *stream, int32_t milliseconds, heng_error **error);

    /*
     * Makes later work of the stream wait for the event's latest record before this call (R280-19).
     * Asynchronous, any thread. When the work before that record failed, this stream fails too.
     */
    int32_t (*stream_wait_event)(heng_stream *stream, heng_event *event, heng_error **error);

    /*
     * Runs a host function in stream order (R280-23). Asynchronous, any thread; returns at once, or waits for a
     * place when the stream's ring is full. `size` bytes (at most HENG_ARGUMENT_LIMIT) are copied before it
     * returns; what they point to must live until the function has run.
     */
    int32_t (*stream_launch)(
        heng_stream *stream, heng_host_function function, const void *arguments, uint32_t size, heng_error **error);

    /* The same for a function that can fail. */
    int32_t (*stream_launch_fallible)(
        heng_stream *stream, heng_fallible_host_function function, const void *arguments, uint32_t size,
        heng_error **error);

    /*
     * Copies `bytes` bytes between two ranges that do not overlap (R280-32, R280-33). Asynchronous, any thread.
     * Both ranges must stay alive and untouched by others until it has run. A capacity below `bytes` is
     * HENG_ERROR_OUT_OF_RANGE, and nothing is copied.
     */
    int32_t (*stream_copy)(
        heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
        heng_error **error);

    /* Sets `bytes` bytes of a range to `value` (R280-34). Asynchronous, any thread; as stream_copy otherwise. */
    int32_t (*stream_fill)(
        heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, heng_error **error);

    /* Makes an event, not recorded yet (R280-25). Synchronous, any thread. */
    int32_t (*event_create)(heng_context *context, heng_event **event, heng_error **error);

    /* Destroys it; records and waits already in streams still happen. Synchronous. */
    int32_t (*event_destroy)(heng_event *event, heng_error **error);

    /*
     * Records the event when the stream's work so far is done (R280-26). Asynchronous. It may be recorded again,
     * also in another stream; a record waits for the event's record before it.
     */
    int32_t (*event_record)(heng_event *event, heng_stream *stream, heng_error **error);

    /* Whether the latest record has happened: 1 or 0 (R280-27). Synchronous, any thread. */
    int32_t (*event_query)(heng_event *event, uint8_t *complete, heng_error **error);

    /*
     * Waits for the latest record, with the timeouts of stream_synchronize (R280-28). Synchronous, any thread.
     * Fails with the stream's error when the work before the record failed.
     */
    int32_t (*event_synchronize)(heng_event *event, int32_t milliseconds, heng_error **error);

    /*
     * The time from one record to another in milliseconds, negative when `end` came first (R280-29).
     * Synchronous, any thread. Both records must have happened, else HENG_ERROR_EVENT_TIME.
     */
    int32_t (*event_elapsed)(heng_event *start, heng_event *end, double *milliseconds, heng_error **error);

    /*
     * Makes a buffer (R280-30). Synchronous, any thread. Its bytes are undefined. HENG_ERROR_OUT_OF_DEVICE_MEMORY
     * names what was asked for and what there was.
     */
    int32_t (*buffer_allocate)(
        heng_context *context, const heng_buffer_arguments *arguments, heng_buffer **buffer, heng_error **error);

    /* Frees it. Synchronous. The caller makes sure that no stream still uses it. */
    int32_t (*buffer_free)(heng_buffer *buffer, heng_error **error);

    /*
     * Where host code reads and writes the buffer; it lives as long as the buffer. Synchronous, any thread.
     * HENG_ERROR_UNSUPPORTED where the host cannot.
     */
    int32_t (*buffer_host_address)(heng_buffer *buffer, void **address, heng_error **error);

    /* Fills the description, up to its struct_size. Synchronous, any thread. Strings live as long as the error. */
    int32_t (*error_describe)(const heng_error *error, heng_error_description *description);

    /* Destroys an error; NULL is allowed. Synchronous, any thread, also after finalize. */
    void (*error_destroy)(heng_error *error);
} heng_accelerator_table;

/*
 * The one symbol a maker's library exports. Returns its table for that major number, or NULL where it does not
 * serve it. Does no work, starts no thread, and may be called from any thread at any time; the table lives as
 * long as the library.
 */
typedef const heng_accelerator_table *(*heng_accelerator_getter)(uint32_t abi_major);
#define HENG_ACCELERATOR_GETTER_NAME "heng_accelerator_get"

#ifdef __cplusplus
}
#endif

#endif
