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
 * Contexts own and account; they do not separate. Work in a stream may use buffers, events and operators of any
 * context of the same device; those of another device are HENG_ERROR_WRONG_OWNER.
 *
 * Threads. Calls on different objects may come from any threads at once. Calls on one object are the caller's
 * to serialise, except where a function says "any thread". No call may come after or during finalize.
 *
 * Synchrony. "Synchronous": done when it returns. "Asynchronous": it returns once the work is in the stream, and
 * the work counts as done only after a synchronize call or an event says so (R280-63).
 *
 * Groups. A maker must offer the functions marked "required"; every other one may be NULL, and the capability bits
 * of a device say which of them work on it. Larger parts (operators, kernels, models, graphs, recordings,
 * profiling, collectives, media, ...) are tables of their own, fetched with `group`, which may all be absent.
 * A library that serves other makers' devices, as libheng.so does, fills in what they leave out.
 *
 * Correlation. Whoever submits work may give it a number, `correlation`, 0 for none. It comes back in errors that
 * the work causes and in every profile record of it, so that both name the work and not just a point in time.
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
    HENG_ERROR_CANCELLED = -26,             /* the work was aborted, or lay behind work that was */
    HENG_ERROR_FILE = -27,                  /* no such file, or not one of the expected kind */
    HENG_ERROR_FILE_SIZE = -28,             /* empty, cut short, or larger than what is allowed */
    HENG_ERROR_FILE_ATTRIBUTE = -29,        /* a folder, a device, unsafe permissions */
    HENG_ERROR_FILE_READ = -30,
    HENG_ERROR_FILE_WRITE = -31,
    HENG_ERROR_FILE_PARSE = -32,
    HENG_ERROR_MODEL = -33,                 /* not a model this maker can load (R280-57) */
    HENG_ERROR_MODEL_SIZE = -34,            /* the memory given for a model is too small */
    HENG_ERROR_MODEL_ATTRIBUTE = -35,       /* a load argument is unknown or contradictory */
    HENG_ERROR_MODEL_INPUT = -36,           /* number, type or size of inputs */
    HENG_ERROR_MODEL_OUTPUT = -37,          /* number, type or size of outputs */
    HENG_ERROR_MODEL_DYNAMIC = -38,         /* a shape is not known, and has to be given first */
    HENG_ERROR_MODEL_DESERIALIZE = -39,     /* the bytes are damaged */
    HENG_ERROR_OUT_OF_MODELS = -40,
    HENG_ERROR_OPERATOR_NAME = -41,         /* there is no operator of that domain, name and version (R280-49) */
    HENG_ERROR_OPERATOR_INPUT = -42,
    HENG_ERROR_OPERATOR_OUTPUT = -43,
    HENG_ERROR_OPERATOR_ATTRIBUTE = -44,
    HENG_ERROR_OPERATOR_LOAD = -45,
    HENG_ERROR_OPERATOR_COMPILE = -46,
    HENG_ERROR_OPERATOR_STATIC_ONLY = -47,  /* shapes must be known before it is prepared */
    HENG_ERROR_OPERATOR_OVERFLOW = -48,
    HENG_ERROR_DATA_TYPE = -49,             /* not an element type, or not one that fits here */
    HENG_ERROR_FORMAT = -50,                /* not a layout, or not one that fits here */
    HENG_ERROR_REPEATED_SUBSCRIPTION = -51, /* R280-22 */
    HENG_ERROR_SUBSCRIPTION_THREAD = -52,   /* the thread serves no stream's callbacks, or another one's */
    HENG_ERROR_NOT_SUBSCRIBED = -53,        /* nobody serves the stream's callbacks */
    HENG_ERROR_COMPILER = -54,              /* the maker's compiler library is missing or broken */
    HENG_ERROR_MEMORY_TYPE = -55,           /* host memory where the device's is needed, or the reverse */
    HENG_ERROR_FREE = -56,                  /* memory could not be given back */
    HENG_ERROR_CONTEXT = -57,               /* a context that is unusable: its device was reset */
    HENG_ERROR_NEEDS_REBUILD = -58,         /* an earlier error broke the context; context_rebuild makes it usable */
    HENG_ERROR_OUT_OF_RESOURCES = -59,      /* another countable thing has run out; the text names it and its holder */
    HENG_ERROR_DATA_CORRUPTED = -60,        /* memory that its error correction could not repair */
    HENG_ERROR_GRAPH = -61                  /* a graph that cannot be: a cycle, a missing value, a name used twice */
};

/* How far an error reaches. */
enum {
    HENG_SCOPE_CALL = 0,   /* only this call failed; everything else goes on */
    HENG_SCOPE_STREAM = 1, /* the stream runs nothing any more; destroy it and make another */
    HENG_SCOPE_CONTEXT = 2, /* nothing in the context runs any more, until context_rebuild */
    HENG_SCOPE_DEVICE = 3  /* the device and all its objects are unusable until device_reset, where there is one */
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
    HENG_KIND_TABLE = 7,
    HENG_KIND_DEVICE_STATUS = 8,
    HENG_KIND_HOST_SERVICES = 9,
    HENG_KIND_PARTITION_ARGUMENTS = 10,
    HENG_KIND_TENSOR_DESCRIPTION = 16,
    HENG_KIND_QUANTIZATION = 17,
    HENG_KIND_ATTRIBUTE = 18,
    HENG_KIND_OPERATOR_DESCRIPTION = 19,
    HENG_KIND_REFUSAL = 20,
    HENG_KIND_OPERATOR_INFO = 21,
    HENG_KIND_OPERATOR_LISTING = 22,
    HENG_KIND_INFERRED_TENSOR = 23,
    HENG_KIND_MODEL_ARGUMENTS = 32,
    HENG_KIND_MODEL_INFO = 33,
    HENG_KIND_NODE_INFO = 34,
    HENG_KIND_MODULE_ARGUMENTS = 40,
    HENG_KIND_KERNEL_INFO = 41,
    HENG_KIND_GRID = 42,
    HENG_KIND_PROFILE_ARGUMENTS = 48,
    HENG_KIND_COMMUNICATOR_ARGUMENTS = 56,
    HENG_KIND_IMAGE_DESCRIPTION = 64,
    HENG_KIND_OPERATOR_TABLE = 100,
    HENG_KIND_KERNEL_TABLE = 101,
    HENG_KIND_MODEL_TABLE = 102,
    HENG_KIND_GRAPH_TABLE = 103,
    HENG_KIND_RECORDING_TABLE = 104,
    HENG_KIND_PROFILE_TABLE = 105,
    HENG_KIND_SELECTION_TABLE = 106,
    HENG_KIND_CALLBACK_TABLE = 107,
    HENG_KIND_INTERCHANGE_TABLE = 108,
    HENG_KIND_COLLECTIVE_TABLE = 109,
    HENG_KIND_MEDIA_TABLE = 110
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
typedef struct heng_operator heng_operator;
typedef struct heng_module heng_module;
typedef struct heng_kernel heng_kernel;
typedef struct heng_model heng_model;
typedef struct heng_graph heng_graph;
typedef struct heng_recording heng_recording;
typedef struct heng_communicator heng_communicator;

typedef struct heng_initialize_arguments {
    heng_header header;
    uint32_t abi_major; /* the caller's HENG_ACCELERATOR_MAJOR and _MINOR */
    uint32_t abi_minor;
    const char *configuration_path; /* a maker's own file, or NULL for defaults */
} heng_initialize_arguments;

enum { HENG_LOG_ERROR = 0, HENG_LOG_WARNING = 1, HENG_LOG_INFORMATION = 2, HENG_LOG_DEBUG = 3 };

/*
 * What the host offers a maker, as an extension of heng_initialize_arguments; any field may be NULL. Both may be
 * called from any thread until finalize returns, and never with a lock held that a table function takes.
 */
typedef struct heng_host_services {
    heng_header header;
    void *user; /* passed back as the first argument */
    /* One line for the host's log, instead of stderr; `correlation` is 0 where no work is meant. */
    void (*log)(void *user, int32_t level, uint64_t correlation, const char *text);
    /* Runs body(argument, begin, end) over [0, count) in pieces of about `grain` on the host's threads, and waits. */
    void (*parallel_for)(
        void *user, uint64_t count, uint64_t grain, void (*body)(void *argument, uint64_t begin, uint64_t end),
        void *argument);
} heng_host_services;

/*
 * What a device can do beyond the required functions. A function whose bit is not set may be missing, or returns
 * HENG_ERROR_UNSUPPORTED.
 */
#define HENG_CAN_RUN_HOST_FUNCTIONS (1ull << 0)  /* stream_launch, stream_launch_fallible */
#define HENG_CAN_ADDRESS_BUFFERS (1ull << 1)     /* buffer_host_address */
#define HENG_CAN_COUNT_MEMORY (1ull << 2)        /* context_memory_info */
#define HENG_CAN_LIMIT_MEMORY (1ull << 3)        /* context_limit_memory */
#define HENG_CAN_TRIM_MEMORY (1ull << 4)         /* context_trim_memory, context_keep_memory */
#define HENG_CAN_TIME_EVENTS (1ull << 5)         /* event_elapsed */
#define HENG_CAN_ALLOCATE_HOST_MEMORY (1ull << 6) /* host_allocate, host_free */
#define HENG_CAN_ALLOCATE_IN_STREAMS (1ull << 7) /* stream_allocate, stream_free */
#define HENG_CAN_COPY_BLOCKS (1ull << 8)         /* stream_copy_block */
#define HENG_CAN_ABORT (1ull << 9)               /* stream_abort */
#define HENG_CAN_LIMIT_WORK_TIME (1ull << 10)    /* heng_stream_arguments.work_milliseconds */
#define HENG_CAN_RESET (1ull << 11)              /* device_reset */
#define HENG_CAN_REBUILD (1ull << 12)            /* context_rebuild */
#define HENG_CAN_PARTITION (1ull << 13)          /* device_partition, device_release */
#define HENG_CAN_REPORT_STATUS (1ull << 14)      /* device_status */
#define HENG_CAN_CORRELATE_CLOCKS (1ull << 15)   /* device_clock */
#define HENG_CAN_ORDER_STREAMS (1ull << 16)      /* heng_stream_arguments.priority */
#define HENG_CAN_CONTINUE_AFTER_FAILURE (1ull << 17) /* heng_stream_arguments.continues */

/* Sixteen bytes that name a device; never changes. */
typedef struct heng_uuid {
    uint8_t bytes[16];
} heng_uuid;

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
    uint8_t simulated;         /* 1: not a real device; its times and sizes are made up */
    uint8_t reserved[6];
    uint64_t capabilities;     /* HENG_CAN_... */
    heng_uuid uuid;            /* the same for the same device in every process; all 0: none */
    const char *pci_address;   /* as "0000:3b:00.0"; NULL: not on that bus, or unknown */
    uint32_t stream_limit;     /* the most streams, events and contexts at once; 0: only memory limits them */
    uint32_t event_limit;
    uint32_t context_limit;
    uint32_t determinism;      /* the strictest HENG_DETERMINISM_... that all operators of the device meet */
} heng_device_description;

/* What is true of a device at this moment. A number that is not known is negative, NaN or the named value. */
enum {
    HENG_HEALTH_UNKNOWN = 0,
    HENG_HEALTH_GOOD = 1,
    HENG_HEALTH_DEGRADED = 2, /* it works, but something needs a person: throttling, repaired memory errors */
    HENG_HEALTH_BROKEN = 3    /* work fails until context_rebuild, device_reset, or for good */
};

typedef struct heng_device_status {
    heng_header header;
    int32_t health;              /* HENG_HEALTH_... */
    int32_t last_error;          /* the code of the error that broke it; 0: none */
    double temperature_celsius;  /* NaN: unknown, as for the next three */
    double power_watts;
    double energy_joules;        /* since some fixed moment; differences count */
    double utilization;          /* 0 to 1, over the maker's own short window */
    int64_t memory_free;         /* bytes; -1: unknown, as for all that follow */
    int64_t memory_total;
    int64_t corrected_errors;    /* memory errors since some fixed moment */
    int64_t uncorrected_errors;
    int64_t contexts;            /* living ones of this process, as for the next three */
    int64_t streams;
    int64_t events;
    int64_t buffers;
} heng_device_status;

/* A part of a device as a device of its own. */
typedef struct heng_partition_arguments {
    heng_header header;
    uint32_t compute_units; /* how many of the device's compute units; at least 1 */
    uint32_t reserved;
    uint64_t memory_bytes;  /* the most it may have in use; 0: no limit of its own */
} heng_partition_arguments;

typedef struct heng_stream_arguments {
    heng_header header;
    /* CPUs this stream may use, a subset of the device's "cpus", for devices that run on CPUs; count 0: all. */
    const uint32_t *cpus;
    uint64_t cpu_count;
    int32_t priority;           /* above 0: before others of the device, below 0: after them */
    uint32_t work_milliseconds; /* how long one piece of work may run before the stream fails; 0: for ever (R280-20) */
    uint8_t continues;          /* 1: work behind a failed piece still runs; each failure is reported once */
    uint8_t reserved[7];
} heng_stream_arguments;

/* What pages a buffer is made of (R280-30). */
enum {
    HENG_PAGES_DEFAULT = 0,    /* the maker chooses */
    HENG_PAGES_NORMAL = 1,     /* only the smallest pages */
    HENG_PAGES_HUGE_FIRST = 2, /* huge pages where there are some */
    HENG_PAGES_HUGE_ONLY = 3,  /* huge pages or failure */
    HENG_PAGES_PEER = 0x100    /* added to one of these: other devices reach the memory directly */
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
 * A range of bytes that work reads or writes: `size` bytes from `offset` on, either in a buffer
 * (`host` is NULL) or in ordinary memory of the process (`buffer` is NULL). `size` is the capacity: asking for
 * more than it is HENG_ERROR_OUT_OF_RANGE. A range whose buffer and host are both NULL and whose size is 0 stands
 * for an operand that is left out. This struct and heng_block never change, so they have no header.
 */
typedef struct heng_range {
    heng_buffer *buffer;
    void *host;
    uint64_t offset;
    uint64_t size;
} heng_range;

/* A block of rows and planes inside a range, for copies that keep a distance between rows. */
typedef struct heng_block {
    heng_range range;
    uint64_t row_pitch;   /* bytes from a row to the next; at least the width, where there are several rows */
    uint64_t plane_pitch; /* bytes from a plane to the next; at least row_pitch times the height, for several planes */
} heng_block;

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
    uint64_t correlation;   /* of the work that failed; 0: not about work, or work without a number */
    const char *node;       /* the name of the model's node that failed (R280-56); NULL: not about a model */
    const char *operator_name; /* the operator that failed, as "MatMul"; NULL: not about an operator */
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
    const char *name;    /* of the backend, as "cpu"; lower case; lives as long as the library, as the next two */
    const char *vendor;  /* who makes the library; NULL: unknown */
    const char *version; /* of the library, as "1.4.2"; NULL: unknown */

    /* -- Process -- */

    /*
     * Starts the maker's library for this process (R280-01). Required. Synchronous. Once; a second call is
     * HENG_ERROR_REPEATED_INITIALIZE, a major number that differs HENG_ERROR_VERSION. It may come again after
     * finalize.
     */
    int32_t (*initialize)(const heng_initialize_arguments *arguments, heng_error **error);

    /*
     * Ends it (R280-02). Required. Synchronous. Refuses with HENG_ERROR_NOT_RELEASED while contexts live; their
     * objects stay usable then. Error objects outlive it.
     */
    int32_t (*finalize)(heng_error **error);

    /* -- Devices -- */

    /* How many devices there are; fixed from initialize to finalize (R280-06). Required. Synchronous, any thread. */
    int32_t (*device_count)(uint32_t *count, heng_error **error);

    /*
     * The device of that index, from 0. Required. Synchronous, any thread. The maker owns it; the same index gives
     * the same pointer until finalize.
     */
    int32_t (*device_get)(uint32_t index, heng_device **device, heng_error **error);

    /*
     * Fills the description, up to its struct_size. Required. Synchronous, any thread. Strings live until
     * finalize.
     */
    int32_t (*device_describe)(heng_device *device, heng_device_description *description, heng_error **error);

    /*
     * Waits until all work submitted before the call, in all streams of the device, is done (R280-11). Required.
     * Synchronous, any thread but one that runs a host function. Fails with the first failed stream's error.
     */
    int32_t (*device_synchronize)(heng_device *device, heng_error **error);

    /* -- Contexts -- */

    /* Makes a context: the owner of streams, events and buffers (R280-13). Required. Synchronous, any thread. */
    int32_t (*context_create)(heng_device *device, heng_context **context, heng_error **error);

    /*
     * Destroys it (R280-14). Required. Synchronous. Refuses with HENG_ERROR_NOT_RELEASED while it owns something:
     * events and buffers go first, then streams, then the context.
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

    /* -- Streams -- */

    /* Makes an ordered lane of work (R280-17). Required. `arguments` may be NULL. Synchronous, any thread. */
    int32_t (*stream_create)(
        heng_context *context, const heng_stream_arguments *arguments, heng_stream **stream, heng_error **error);

    /*
     * Waits for the stream's work, then destroys it. Required. Synchronous. Always destroys, except from the
     * stream's own host function (HENG_ERROR_MISUSE); another error returned is the one the stream's work had
     * failed with.
     */
    int32_t (*stream_destroy)(heng_stream *stream, heng_error **error);

    /*
     * Waits until all work submitted to the stream before the call is done, at most `milliseconds`: -1 for ever,
     * 0 only looks (R280-18). Required. Synchronous, any thread but the stream's own host function
     * (HENG_ERROR_MISUSE). HENG_ERROR_TIMEOUT when it is not done; a failed stream's error, every time, until it
     * is destroyed.
     */
    int32_t (*stream_synchronize)(heng_stream *stream, int32_t milliseconds, heng_error **error);

    /*
     * Makes later work of the stream wait for the event's latest record before this call (R280-19). Required.
     * Asynchronous, any thread. When the work before that record failed, this stream fails too.
     */
    int32_t (*stream_wait_event)(heng_stream *stream, heng_event *event, uint64_t correlation, heng_error **error);

    /*
     * Runs a host function in stream order (R280-23). Asynchronous, any thread; returns at once, or waits for a
     * place when the stream is full. `size` bytes (at most HENG_ARGUMENT_LIMIT) are copied before it returns; what
     * they point to must live until the function has run.
     */
    int32_t (*stream_launch)(
        heng_stream *stream, heng_host_function function, const void *arguments, uint32_t size,
        uint64_t correlation, heng_error **error);

    /* The same for a function that can fail. */
    int32_t (*stream_launch_fallible)(
        heng_stream *stream, heng_fallible_host_function function, const void *arguments, uint32_t size,
        uint64_t correlation, heng_error **error);

    /*
     * Copies `bytes` bytes between two ranges that do not overlap (R280-32, R280-33). Required. Asynchronous, any
     * thread. Both ranges must stay alive and untouched by others until it has run. A capacity below `bytes` is
     * HENG_ERROR_OUT_OF_RANGE, and nothing is copied. 0 bytes are allowed and do nothing.
     */
    int32_t (*stream_copy)(
        heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
        uint64_t correlation, heng_error **error);

    /* Sets `bytes` bytes of a range to `value` (R280-34). Required. Asynchronous, any thread; as stream_copy otherwise. */
    int32_t (*stream_fill)(
        heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, uint64_t correlation,
        heng_error **error);

    /* -- Events -- */

    /* Makes an event, not recorded yet (R280-25). Required. Synchronous, any thread. */
    int32_t (*event_create)(heng_context *context, heng_event **event, heng_error **error);

    /* Destroys it; records and waits already in streams still happen. Required. Synchronous. */
    int32_t (*event_destroy)(heng_event *event, heng_error **error);

    /*
     * Records the event when the stream's work so far is done (R280-26). Required. Asynchronous. It may be
     * recorded again, also in another stream; a record waits for the event's record before it.
     */
    int32_t (*event_record)(heng_event *event, heng_stream *stream, uint64_t correlation, heng_error **error);

    /* Whether the latest record has happened: 1 or 0 (R280-27). Required. Synchronous, any thread. */
    int32_t (*event_query)(heng_event *event, uint8_t *complete, heng_error **error);

    /*
     * Waits for the latest record, with the timeouts of stream_synchronize (R280-28). Required. Synchronous, any
     * thread. Fails with the stream's error when the work before the record failed.
     */
    int32_t (*event_synchronize)(heng_event *event, int32_t milliseconds, heng_error **error);

    /*
     * The time from one record to another in milliseconds, negative when `end` came first (R280-29).
     * Synchronous, any thread. Both records must have happened, else HENG_ERROR_EVENT_TIME.
     */
    int32_t (*event_elapsed)(heng_event *start, heng_event *end, double *milliseconds, heng_error **error);

    /* -- Buffers -- */

    /*
     * Makes a buffer (R280-30). Required. Synchronous, any thread. Its bytes are undefined.
     * HENG_ERROR_OUT_OF_DEVICE_MEMORY names what was asked for and what there was.
     */
    int32_t (*buffer_allocate)(
        heng_context *context, const heng_buffer_arguments *arguments, heng_buffer **buffer, heng_error **error);

    /* Frees it. Required. Synchronous. The caller makes sure that no stream still uses it. */
    int32_t (*buffer_free)(heng_buffer *buffer, heng_error **error);

    /*
     * Where host code reads and writes the buffer; it lives as long as the buffer. Synchronous, any thread.
     * HENG_ERROR_UNSUPPORTED where the host cannot.
     */
    int32_t (*buffer_host_address)(heng_buffer *buffer, void **address, heng_error **error);

    /* -- Errors -- */

    /*
     * Fills the description, up to its struct_size. Required. Synchronous, any thread. Strings live as long as the
     * error.
     */
    int32_t (*error_describe)(const heng_error *error, heng_error_description *description);

    /* Destroys an error; NULL is allowed. Required. Synchronous, any thread, also after finalize. */
    void (*error_destroy)(heng_error *error);

    /* -- What may be missing from here on, all of it -- */

    /*
     * The table of a group, by its HENG_KIND_..._TABLE; it starts with a heng_header and lives as long as the
     * library. HENG_ERROR_UNSUPPORTED where the maker has none. Synchronous, any thread, also before initialize.
     */
    int32_t (*group)(uint32_t kind, const heng_header **table, heng_error **error);

    /*
     * A function that is not in a table yet, by a name that ends in its version, as "heng_copy_peers_1".
     * HENG_ERROR_UNSUPPORTED where there is none. What proves itself is appended to a table. Synchronous, any thread.
     */
    int32_t (*procedure)(const char *name, void (**function)(void), heng_error **error);

    /*
     * The device's further facts by name, in the maker's own words, from index 0 until HENG_ERROR_OUT_OF_RANGE.
     * Synchronous, any thread. Strings live until finalize.
     */
    int32_t (*device_attribute)(
        heng_device *device, uint32_t index, const char **key, const char **value, heng_error **error);

    /* Fills the status, up to its struct_size. Synchronous, any thread. */
    int32_t (*device_status)(heng_device *device, heng_device_status *status, heng_error **error);

    /*
     * Ends all work of this process on the device and gives its memory back (R280-09). Synchronous. The objects
     * of all its contexts are dead: they can only be destroyed, all else is HENG_ERROR_CONTEXT. New contexts work.
     */
    int32_t (*device_reset)(heng_device *device, heng_error **error);

    /* The device's clock and CLOCK_MONOTONIC at one moment, both in nanoseconds. Synchronous, any thread. */
    int32_t (*device_clock)(
        heng_device *device, int64_t *device_nanoseconds, int64_t *host_nanoseconds, heng_error **error);

    /* Makes a part of the device a device of its own; the caller releases it. Synchronous, any thread. */
    int32_t (*device_partition)(
        heng_device *device, const heng_partition_arguments *arguments, heng_device **part, heng_error **error);

    /* Releases what device_partition made; HENG_ERROR_NOT_RELEASED while contexts on it live. Synchronous. */
    int32_t (*device_release)(heng_device *part, heng_error **error);

    /* How much freed memory the context keeps for reuse at most; the default is the maker's. Synchronous, any thread. */
    int32_t (*context_keep_memory)(heng_context *context, uint64_t bytes, heng_error **error);

    /*
     * Whether the context works: `cause` gets NULL, or the error that broke it, which the caller destroys. `epoch`
     * counts the rebuilds; either may be NULL. Synchronous, any thread.
     */
    int32_t (*context_state)(heng_context *context, uint64_t *epoch, heng_error **cause, heng_error **error);

    /*
     * Makes a broken context work again, in a new epoch. Synchronous. What was made before in it is dead and can
     * only be destroyed; bytes of its buffers are lost.
     */
    int32_t (*context_rebuild)(heng_context *context, heng_error **error);

    /* Whether all work submitted to the stream is done: 1 or 0; fails as stream_synchronize. Synchronous, any thread. */
    int32_t (*stream_query)(heng_stream *stream, uint8_t *idle, heng_error **error);

    /*
     * Drops the work that has not begun, and stops what runs where the device can. Synchronous, any thread but the
     * stream's own host function. Waits until nothing runs any more. The stream has failed then, with
     * HENG_ERROR_CANCELLED; events behind the dropped work count as recorded, with that failure.
     */
    int32_t (*stream_abort)(heng_stream *stream, heng_error **error);

    /*
     * Copies `height` rows of `width` bytes in each of `depth` planes (R280-32 for blocks). Asynchronous, any thread;
     * as stream_copy otherwise. The ranges must hold the whole blocks, else HENG_ERROR_OUT_OF_RANGE.
     */
    int32_t (*stream_copy_block)(
        heng_stream *stream, const heng_block *destination, const heng_block *source, uint64_t width,
        uint64_t height, uint64_t depth, uint64_t correlation, heng_error **error);

    /*
     * Makes a buffer that exists for work behind this call in the stream, and for others behind an event recorded
     * there. Asynchronous, any thread.
     */
    int32_t (*stream_allocate)(
        heng_stream *stream, const heng_buffer_arguments *arguments, heng_buffer **buffer, heng_error **error);

    /* Frees any buffer of the context when the stream's work so far is done. Asynchronous, any thread. */
    int32_t (*stream_free)(heng_stream *stream, heng_buffer *buffer, heng_error **error);

    /* Forgets the latest record: the event is as newly made (R280-26). Its record must have happened. Synchronous. */
    int32_t (*event_reset)(heng_event *event, heng_error **error);

    /* Whether all waits submitted for the event are over: 1 or 0 (R280-27). Synchronous, any thread. */
    int32_t (*event_query_waits)(heng_event *event, uint8_t *complete, heng_error **error);

    /*
     * Memory of the host that the device copies from and to at full speed (R280-31). Synchronous, any thread. Only
     * host_free of the same context frees it.
     */
    int32_t (*host_allocate)(
        heng_context *context, const heng_buffer_arguments *arguments, void **address, heng_error **error);
    int32_t (*host_free)(heng_context *context, void *address, heng_error **error);
} heng_accelerator_table;

/* ---- Tensors (R280-37 to R280-42) ---- */

/*
 * Element types; the numbers are those of ONNX's TensorProto.DataType. Elements of fewer than 8 bits take one byte
 * each in memory. Strings lie in no buffer.
 */
enum {
    HENG_TYPE_UNDEFINED = 0,
    HENG_TYPE_FLOAT32 = 1,
    HENG_TYPE_UINT8 = 2,
    HENG_TYPE_INT8 = 3,
    HENG_TYPE_UINT16 = 4,
    HENG_TYPE_INT16 = 5,
    HENG_TYPE_INT32 = 6,
    HENG_TYPE_INT64 = 7,
    HENG_TYPE_STRING = 8,
    HENG_TYPE_BOOL = 9,
    HENG_TYPE_FLOAT16 = 10,
    HENG_TYPE_FLOAT64 = 11,
    HENG_TYPE_UINT32 = 12,
    HENG_TYPE_UINT64 = 13,
    HENG_TYPE_COMPLEX64 = 14,
    HENG_TYPE_COMPLEX128 = 15,
    HENG_TYPE_BFLOAT16 = 16,
    HENG_TYPE_FLOAT8E4M3FN = 17,
    HENG_TYPE_FLOAT8E4M3FNUZ = 18,
    HENG_TYPE_FLOAT8E5M2 = 19,
    HENG_TYPE_FLOAT8E5M2FNUZ = 20,
    HENG_TYPE_UINT4 = 21,
    HENG_TYPE_INT4 = 22,
    HENG_TYPE_FLOAT4E2M1 = 23,
    HENG_TYPE_FLOAT8E8M0 = 24,
    HENG_TYPE_UINT2 = 25,
    HENG_TYPE_INT2 = 26
};

/* What the axes of a tensor mean. */
enum { HENG_FORMAT_UNDEFINED = 0, HENG_FORMAT_ND = 1, HENG_FORMAT_NCHW = 2, HENG_FORMAT_NHWC = 3 };

/* Where a tensor's bytes lie. */
enum { HENG_PLACE_DEVICE = 0, HENG_PLACE_HOST = 1 };

#define HENG_RANK_UNKNOWN 0xffffffffu /* as a rank: the shape is not known at all */
#define HENG_RANK_LIMIT 128u          /* the highest rank */
#define HENG_NAME_LIMIT 128u          /* the longest name of a tensor in bytes, without its end */
#define HENG_DIM_UNKNOWN (-1)         /* as an extent: not known yet */

/* How the integers of a quantized tensor stand for real numbers: real = scale * (integer - zero_point). */
typedef struct heng_quantization {
    heng_header header;
    const float *scales;        /* one, or one for each index of the axis, or one for each block along it */
    const int32_t *zero_points; /* as many, or NULL for all 0 */
    uint64_t count;
    int32_t axis;               /* -1: one scale for the whole tensor */
    uint32_t block_size;        /* elements of the axis that share a scale; 0: no blocks */
} heng_quantization;

typedef struct heng_tensor_description {
    heng_header header;
    int32_t type;                /* HENG_TYPE_... */
    int32_t format;              /* HENG_FORMAT_... */
    int32_t placement;           /* HENG_PLACE_... */
    uint32_t rank;               /* or HENG_RANK_UNKNOWN; 0 is a scalar */
    const int64_t *dims;         /* `rank` extents, outermost first, or HENG_DIM_UNKNOWN */
    const int64_t *strides;      /* in elements; NULL: row-major without gaps */
    const int64_t *dim_ranges;   /* `rank` pairs of the least and the most extent; NULL: not limited */
    const char *name;            /* NULL: none */
    const void *constant;        /* the bytes on the host where they are the same in every run; NULL: not constant */
    uint64_t constant_size;
    const heng_quantization *quantization; /* NULL: plain numbers */
} heng_tensor_description;

/* What a named parameter of an operator is; `data` points to `count` of these. */
enum {
    HENG_ATTRIBUTE_INT = 1,        /* one int64_t; also for yes (1) and no (0), and for element types */
    HENG_ATTRIBUTE_FLOAT = 2,      /* one double */
    HENG_ATTRIBUTE_STRING = 3,     /* `count` bytes, not ended by 0 */
    HENG_ATTRIBUTE_INTS = 4,       /* int64_t */
    HENG_ATTRIBUTE_FLOATS = 5,     /* double */
    HENG_ATTRIBUTE_STRINGS = 6,    /* const char *, each ended by 0 */
    HENG_ATTRIBUTE_TENSOR = 7,     /* one heng_tensor_description with a constant */
    HENG_ATTRIBUTE_INT_LISTS = 8   /* int64_t: for each list its length, then its elements; `count` is that of lists */
};

typedef struct heng_attribute {
    heng_header header;
    const char *name;
    int32_t kind; /* HENG_ATTRIBUTE_... */
    uint32_t reserved;
    const void *data;
    uint64_t count;
} heng_attribute;

/* ---- Operators (R280-43 to R280-49) ---- */

/* How repeatable results are; each level includes those before it. */
enum {
    HENG_DETERMINISM_NONE = 0,
    HENG_DETERMINISM_RUN = 1,      /* the same bits when run again on the same device */
    HENG_DETERMINISM_THREADS = 2,  /* ... on any number of threads or compute units */
    HENG_DETERMINISM_BATCH = 3,    /* ... whatever else is in the batch */
    HENG_DETERMINISM_DEVICES = 4   /* ... on every device that claims it */
};

/* What sums of products and of elements are added up in. */
enum {
    HENG_ACCUMULATION_DEFAULT = 0, /* the maker chooses, at least as exact as the type of the output */
    HENG_ACCUMULATION_FLOAT32 = 1, /* at least */
    HENG_ACCUMULATION_FLOAT64 = 2, /* at least */
    HENG_ACCUMULATION_FAST = 3     /* less exact products are welcome, such as TF32 for float32 */
};

/*
 * One use of an operator. The name, version and attributes are those of ONNX ("" is its own domain, "ai.heng" ours).
 * Pointers to inputs that are left out are NULL. Outputs' types and shapes are known to the caller, who had them from
 * operator_infer or a shape rule of its own.
 */
typedef struct heng_operator_description {
    heng_header header;
    const char *domain;
    const char *name;
    int32_t version;      /* of the domain's operator set; 0: the newest that is known */
    int32_t determinism;  /* at least this HENG_DETERMINISM_... */
    int32_t accumulation; /* HENG_ACCUMULATION_... */
    uint32_t input_count;
    uint32_t output_count;
    uint32_t attribute_count;
    const heng_tensor_description *const *inputs;
    const heng_tensor_description *const *outputs;
    const heng_attribute *const *attributes;
    const char *node; /* the name of the model's node, for errors; NULL: none */
} heng_operator_description;

/* Why an operator is not taken. */
enum {
    HENG_REFUSAL_OTHER = 0,
    HENG_REFUSAL_OPERATOR = 1,    /* never heard of, or never to be offered */
    HENG_REFUSAL_VERSION = 2,
    HENG_REFUSAL_TYPE = 3,
    HENG_REFUSAL_RANK = 4,
    HENG_REFUSAL_SHAPE = 5,
    HENG_REFUSAL_ATTRIBUTE = 6,
    HENG_REFUSAL_LAYOUT = 7,
    HENG_REFUSAL_SIZE = 8,
    HENG_REFUSAL_DETERMINISM = 9,
    HENG_REFUSAL_CONSTANT = 10,   /* an input had to be constant, or known */
    HENG_REFUSAL_ACCUMULATION = 11
};
#define HENG_REFUSAL_TEXT 200u

typedef struct heng_refusal {
    heng_header header;
    int32_t reason;               /* HENG_REFUSAL_... */
    int32_t argument;             /* the index of the input it is about; -1: none */
    char text[HENG_REFUSAL_TEXT]; /* one sentence, UTF-8, ended by 0, written by the maker */
} heng_refusal;

/* What is true of a prepared operator. */
typedef struct heng_operator_info {
    heng_header header;
    uint64_t workspace_bytes; /* scratch memory that operator_execute needs, from a buffer; 0: none */
    uint64_t kept_inputs;     /* bit i: the constant input i is kept inside, and its range may be left out */
    const char *algorithm;    /* how it computes; lives as long as the operator */
    int32_t determinism;      /* HENG_DETERMINISM_... that it meets */
    int32_t in_place_input;   /* output 0 may be written over this input, whose bytes are then gone; -1: none */
} heng_operator_info;

/* An operator as a maker offers it. */
typedef struct heng_operator_listing {
    heng_header header;
    const char *domain; /* these live until finalize */
    const char *name;
    int32_t since;      /* the versions of the operator set that it serves, both ends included; 0: no end */
    int32_t until;
    uint64_t types;     /* bit HENG_TYPE_...: types of the first input that it takes */
    uint8_t trainable;  /* 1: meant for training; the operators of its gradient are offered too */
    uint8_t pattern;    /* 1: a fused form; `name` is the maker's own */
    uint8_t reserved[6];
} heng_operator_listing;

/* An inferred output; the caller gives room for extents. */
typedef struct heng_inferred_tensor {
    heng_header header;
    int64_t *dims;     /* the caller's, written by the callee */
    uint32_t capacity; /* how many extents there is room for */
    uint32_t rank;     /* written; if above the capacity, only that many extents were */
    int32_t type;      /* written */
    uint32_t reserved;
} heng_inferred_tensor;

typedef struct heng_operator_table {
    heng_header header; /* kind HENG_KIND_OPERATOR_TABLE */

    /* What the device offers, from index 0 until HENG_ERROR_OUT_OF_RANGE. Synchronous, any thread. */
    int32_t (*operator_list)(
        heng_device *device, uint32_t index, heng_operator_listing *listing, heng_error **error);

    /*
     * Whether the device takes this use of an operator: HENG_OK, or HENG_ERROR_UNSUPPORTED with `refusal` filled,
     * where it is not NULL. Asks no hardware and allocates nothing. Synchronous, any thread.
     */
    int32_t (*operator_supports)(
        heng_device *device, const heng_operator_description *description, heng_refusal *refusal,
        heng_error **error);

    /*
     * The types and shapes of the outputs, without running anything (R280-48); the description's outputs are not
     * looked at. `outputs` points to `count` structs of the caller. Synchronous, any thread.
     */
    int32_t (*operator_infer)(
        heng_device *device, const heng_operator_description *description, heng_inferred_tensor *const *outputs,
        uint32_t count, heng_error **error);

    /*
     * Makes an operator ready to run many times (R280-44, R280-47): checks, the choice of an algorithm, packing of
     * constant inputs. Fills `info`, where it is not NULL. Synchronous, any thread. Refusals come as
     * HENG_ERROR_UNSUPPORTED with the same sentence.
     */
    int32_t (*operator_prepare)(
        heng_context *context, const heng_operator_description *description, heng_operator **prepared,
        heng_operator_info *info, heng_error **error);

    /*
     * Runs it (R280-46). Asynchronous, any thread, and any number of times at once with different memory. The ranges
     * follow the description's inputs and outputs, name buffers of the stream's device, and hold at least the
     * tensors' bytes; `workspace` may be NULL where none is needed. The arrays are borrowed for the call; the
     * operator must live until the work is done. Allocates nothing.
     */
    int32_t (*operator_execute)(
        heng_operator *prepared, heng_stream *stream, const heng_range *inputs, uint32_t input_count,
        const heng_range *outputs, uint32_t output_count, const heng_range *workspace, uint64_t correlation,
        heng_error **error);

    /* Destroys it, after its work is done. Synchronous. */
    int32_t (*operator_destroy)(heng_operator *prepared, heng_error **error);

    /*
     * Prepares, runs and, after the work, destroys in one call (R280-46). May be absent. Asynchronous; makers keep
     * what they prepared for the next call of the same description.
     */
    int32_t (*operator_run)(
        heng_stream *stream, const heng_operator_description *description, const heng_range *inputs,
        uint32_t input_count, const heng_range *outputs, uint32_t output_count, uint64_t correlation,
        heng_error **error);
} heng_operator_table;

/* ---- Kernels: code of the caller's for the device ---- */

enum {
    HENG_CODE_BINARY = 0,        /* what module_binary gave, for the same device and driver */
    HENG_CODE_OPENCL_C = 1,      /* source text */
    HENG_CODE_CUDA_C = 2,        /* source text */
    HENG_CODE_PTX = 3,
    HENG_CODE_SHARED_OBJECT = 4  /* a shared library of host code, for devices that run host functions */
};

typedef struct heng_module_arguments {
    heng_header header;
    int32_t code; /* HENG_CODE_... */
    uint32_t reserved;
    const void *bytes;
    uint64_t size;
    const char *options; /* of the compiler; NULL: none */
} heng_module_arguments;

typedef struct heng_kernel_info {
    heng_header header;
    uint32_t group_limit;   /* the most work items in a group */
    uint32_t group_multiple; /* sizes of groups are best multiples of this */
    uint64_t local_bytes;   /* memory that a group shares, besides what a launch adds */
    uint64_t private_bytes; /* memory of one work item */
} heng_kernel_info;

/* One argument of a kernel: a range of a buffer (`bytes` is NULL), or `size` bytes by value. Never changes. */
typedef struct heng_kernel_argument {
    heng_range range;
    const void *bytes;
    uint64_t size;
} heng_kernel_argument;

/* How a kernel is launched: how many groups, and how many work items in each, along three axes. */
typedef struct heng_grid {
    heng_header header;
    uint32_t groups[3];
    uint32_t items[3];
    uint64_t local_bytes; /* memory that a group shares, besides the kernel's own */
} heng_grid;

typedef struct heng_kernel_table {
    heng_header header; /* kind HENG_KIND_KERNEL_TABLE */

    /* Whether the device takes such code: 1 or 0. Synchronous, any thread. */
    int32_t (*code_supported)(heng_device *device, int32_t code, uint8_t *supported, heng_error **error);

    /* Loads or compiles code. The compiler's messages are the error's text. Synchronous, any thread. */
    int32_t (*module_load)(
        heng_context *context, const heng_module_arguments *arguments, heng_module **module, heng_error **error);

    /* Destroys it and its kernels, after their work is done. Synchronous. */
    int32_t (*module_unload)(heng_module *module, heng_error **error);

    /* The module as bytes that HENG_CODE_BINARY takes; they live as long as the module. Synchronous. */
    int32_t (*module_binary)(heng_module *module, const void **bytes, uint64_t *size, heng_error **error);

    /* The kernel of that name; the module owns it. Synchronous, any thread. */
    int32_t (*kernel_get)(heng_module *module, const char *name, heng_kernel **kernel, heng_error **error);

    /* Fills the info, up to its struct_size. Synchronous, any thread. */
    int32_t (*kernel_describe)(heng_kernel *kernel, heng_kernel_info *info, heng_error **error);

    /* Runs a kernel over a grid. Asynchronous, any thread. Arguments are copied before it returns. */
    int32_t (*kernel_launch)(
        heng_kernel *kernel, heng_stream *stream, const heng_grid *grid, const heng_kernel_argument *arguments,
        uint32_t count, uint64_t correlation, heng_error **error);
} heng_kernel_table;

/* ---- Models (R280-50 to R280-57) ---- */

typedef struct heng_model_arguments {
    heng_header header;
    const char *path;       /* a file, or NULL; then */
    const void *bytes;      /* ... its bytes, borrowed for the call */
    uint64_t size;
    heng_range weights;     /* the caller's memory for the weights; size 0: the maker's own */
    heng_range working;     /* the caller's memory for intermediate values; size 0: the maker's own */
    /* The shapes of inputs with unknown extents, in the inputs' order; NULL or count 0: as in the file. */
    const heng_tensor_description *const *inputs;
    uint32_t input_count;
    int32_t priority;       /* as a stream's */
    int32_t determinism;    /* at least this HENG_DETERMINISM_... */
    int32_t accumulation;   /* HENG_ACCUMULATION_... */
} heng_model_arguments;

typedef struct heng_model_info {
    heng_header header;
    uint64_t weight_bytes;  /* the memory that weights and intermediate values need */
    uint64_t working_bytes;
    uint32_t input_count;   /* 0 where the model is only asked about and they are not known */
    uint32_t output_count;
    uint32_t node_count;    /* of the prepared model */
    uint8_t dynamic;        /* 1: extents of inputs are unknown; it must be loaded with shapes */
    uint8_t reserved[3];
} heng_model_info;

/* A node of a loaded model, to locate what failed (R280-56). */
typedef struct heng_node_info {
    heng_header header;
    const char *name;      /* these live as long as the model */
    const char *operator_name;
    const char *algorithm;
    uint32_t input_count;
    uint32_t output_count;
    const heng_tensor_description *const *inputs;
    const heng_tensor_description *const *outputs;
} heng_node_info;

/* What a device says to a model that was saved by model_save. */
enum {
    HENG_COMPATIBILITY_READY = 0,    /* loads as it is */
    HENG_COMPATIBILITY_REBUILD = 1,  /* loads, but has to be prepared anew */
    HENG_COMPATIBILITY_NEVER = 2     /* for another kind of device or a version that is not served */
};

typedef struct heng_model_table {
    heng_header header; /* kind HENG_KIND_MODEL_TABLE */

    /* What loading would need, without loading (R280-52). Synchronous, any thread. */
    int32_t (*model_query)(
        heng_device *device, const heng_model_arguments *arguments, heng_model_info *info, heng_error **error);

    /* Loads a model (R280-50, R280-51). Synchronous, any thread. */
    int32_t (*model_load)(
        heng_context *context, const heng_model_arguments *arguments, heng_model **model, heng_error **error);

    /* Unloads it, after its work is done (R280-53). Synchronous. */
    int32_t (*model_unload)(heng_model *model, heng_error **error);

    /* Fills the info, up to its struct_size (R280-55). Synchronous, any thread. */
    int32_t (*model_describe)(heng_model *model, heng_model_info *info, heng_error **error);

    /* Input or output number `index`, from 0; it lives as long as the model. Synchronous, any thread. */
    int32_t (*model_input)(
        heng_model *model, uint32_t index, const heng_tensor_description **description, heng_error **error);
    int32_t (*model_output)(
        heng_model *model, uint32_t index, const heng_tensor_description **description, heng_error **error);

    /*
     * Runs the model and waits (R280-53). The ranges are the dataset (R280-54): in the order of inputs and outputs, in
     * buffers of the model's device or in host memory. Synchronous; one call at a time per model.
     */
    int32_t (*model_run)(
        heng_model *model, const heng_range *inputs, uint32_t input_count, const heng_range *outputs,
        uint32_t output_count, heng_error **error);

    /* Runs the model in a stream of its device. Asynchronous; runs of one model follow each other. */
    int32_t (*model_submit)(
        heng_model *model, heng_stream *stream, const heng_range *inputs, uint32_t input_count,
        const heng_range *outputs, uint32_t output_count, uint64_t correlation, heng_error **error);

    /* Fills the info of node number `index`, from 0 (R280-56). Synchronous, any thread. */
    int32_t (*model_node)(heng_model *model, uint32_t index, heng_node_info *info, heng_error **error);

    /* Writes the prepared model to a file that model_load takes. Synchronous. */
    int32_t (*model_save)(heng_model *model, const char *path, heng_error **error);

    /* What the device says to such a file: HENG_COMPATIBILITY_... Synchronous, any thread. */
    int32_t (*model_compatibility)(
        heng_device *device, const heng_model_arguments *arguments, int32_t *compatibility, heng_error **error);

    /*
     * What a model that is not loaded declares of input number `index`, or with `output` 1 of that output: `tensor`
     * gives room for extents, which are HENG_DIM_UNKNOWN where open, and its rank is HENG_RANK_UNKNOWN where that is
     * open too; `name` has room for `capacity` bytes with its end, and is cut to fit. HENG_ERROR_OUT_OF_RANGE behind
     * the last. Synchronous, any thread.
     */
    int32_t (*model_signature)(
        heng_device *device, const heng_model_arguments *arguments, uint8_t output, uint32_t index,
        heng_inferred_tensor *tensor, char *name, uint64_t capacity, heng_error **error);
} heng_model_table;

/* ---- Graphs (R280-58, R280-59) ---- */

typedef struct heng_graph_table {
    heng_header header; /* kind HENG_KIND_GRAPH_TABLE */

    /* Makes an empty graph, or a copy of `origin`. Synchronous, any thread. The caller destroys it. */
    int32_t (*graph_create)(const heng_graph *origin, heng_graph **graph, heng_error **error);

    /* Reads a model file into a graph. Synchronous, any thread. */
    int32_t (*graph_read)(const heng_model_arguments *arguments, heng_graph **graph, heng_error **error);

    /* Writes it as an ONNX file. Synchronous. */
    int32_t (*graph_write)(const heng_graph *graph, const char *path, heng_error **error);

    int32_t (*graph_destroy)(heng_graph *graph, heng_error **error);

    /* Adds an input, or a constant where the description has one, and gives the value's number. Synchronous. */
    int32_t (*graph_add_value)(
        heng_graph *graph, const heng_tensor_description *description, uint32_t *value, heng_error **error);

    /*
     * Adds a node. Of the description only the operator, its attributes and the node's name count; `inputs` holds
     * the numbers of `input_count` values, HENG_VALUE_NONE for one left out, and `outputs` gets those of
     * `output_count` new ones, whose types and shapes are inferred. Synchronous.
     */
    int32_t (*graph_add_node)(
        heng_graph *graph, const heng_operator_description *description, const uint32_t *inputs,
        uint32_t input_count, uint32_t *outputs, uint32_t output_count, uint32_t *node, heng_error **error);

    /* Says which values are the outputs, in order. Synchronous. */
    int32_t (*graph_set_outputs)(
        heng_graph *graph, const uint32_t *values, uint32_t count, heng_error **error);

    /* How many nodes there are. Synchronous. */
    int32_t (*graph_count)(const heng_graph *graph, uint32_t *nodes, heng_error **error);

    /* The number of the node of that name; HENG_ERROR_OUT_OF_RANGE where there is none. Synchronous. */
    int32_t (*graph_find)(const heng_graph *graph, const char *name, uint32_t *node, heng_error **error);

    /* Fills the info of a node; it lives until the graph is next changed. Synchronous. */
    int32_t (*graph_node)(const heng_graph *graph, uint32_t node, heng_node_info *info, heng_error **error);

    /* Gives a node another operator or other attributes; its outputs must keep their number. Synchronous. */
    int32_t (*graph_change_node)(
        heng_graph *graph, uint32_t node, const heng_operator_description *description, heng_error **error);

    /* Removes a node whose outputs nobody reads; later nodes keep their numbers. Synchronous. */
    int32_t (*graph_remove_node)(heng_graph *graph, uint32_t node, heng_error **error);

    /* Makes the graph a model of a context; of the arguments only memory, shapes and levels count. Synchronous. */
    int32_t (*graph_compile)(
        const heng_graph *graph, heng_context *context, const heng_model_arguments *arguments,
        heng_model **model, heng_error **error);

    /* Whether the graph has changed since it was compiled to the model: 1 or 0. Synchronous. */
    int32_t (*graph_needs_compile)(
        const heng_graph *graph, const heng_model *model, uint8_t *needed, heng_error **error);
} heng_graph_table;

#define HENG_VALUE_NONE 0xffffffffu

/* ---- Recordings: work submitted once and run many times ---- */

typedef struct heng_recording_table {
    heng_header header; /* kind HENG_KIND_RECORDING_TABLE */

    /*
     * From now on the stream keeps what is submitted to it instead of running it: launches, copies, fills, kernels,
     * operators, models. Waits, synchronizing and allocating are HENG_ERROR_MISUSE meanwhile. Synchronous.
     */
    int32_t (*recording_begin)(heng_stream *stream, heng_error **error);

    /* Ends that and gives the recording, which the caller destroys. Synchronous. */
    int32_t (*recording_end)(heng_stream *stream, heng_recording **recording, heng_error **error);

    /* How many pieces of work it holds. Synchronous, any thread. */
    int32_t (*recording_count)(heng_recording *recording, uint64_t *count, heng_error **error);

    /* Runs it all in a stream of the same device, in order. Asynchronous, any thread. */
    int32_t (*recording_submit)(
        heng_recording *recording, heng_stream *stream, uint64_t correlation, heng_error **error);

    /* Destroys it, after its work is done. Synchronous. */
    int32_t (*recording_destroy)(heng_recording *recording, heng_error **error);
} heng_recording_table;

/* ---- Profiling ---- */

enum {
    HENG_RECORD_LAUNCH = 1,
    HENG_RECORD_COPY = 2,
    HENG_RECORD_FILL = 3,
    HENG_RECORD_OPERATOR = 4,
    HENG_RECORD_KERNEL = 5,
    HENG_RECORD_WAIT = 6,
    HENG_RECORD_RANGE = 7, /* from range_begin to range_end, in stream order */
    HENG_RECORD_MARK = 8
};

/* One piece of work as it ran. Never changes. Times are of CLOCK_MONOTONIC, in nanoseconds. */
typedef struct heng_profile_record {
    uint64_t correlation;
    uint64_t stream; /* a number of the stream's own, unique in the process */
    int64_t begin;
    int64_t end;
    uint64_t bytes;  /* moved, where that is known */
    int32_t kind;    /* HENG_RECORD_... */
    uint32_t reserved;
    char name[48];   /* ended by 0, cut to fit */
} heng_profile_record;

typedef struct heng_profile_arguments {
    heng_header header;
    uint64_t capacity; /* how many records may wait to be read; later ones are dropped and counted */
} heng_profile_arguments;

typedef struct heng_profile_table {
    heng_header header; /* kind HENG_KIND_PROFILE_TABLE */

    /* Begins to keep records of all work of a context; HENG_ERROR_MISUSE where it does already. Synchronous. */
    int32_t (*profile_start)(
        heng_context *context, const heng_profile_arguments *arguments, heng_error **error);

    /* Ends it; what has not been read is dropped. Synchronous. */
    int32_t (*profile_stop)(heng_context *context, heng_error **error);

    /*
     * Takes up to `capacity` records of work that is done, oldest first. `dropped` gets how many were lost since
     * the last call. Synchronous, any thread.
     */
    int32_t (*profile_read)(
        heng_context *context, heng_profile_record *records, uint64_t capacity, uint64_t *count,
        uint64_t *dropped, heng_error **error);

    /* Names the work from here on, up to the matching end; ranges nest. Asynchronous, any thread. */
    int32_t (*range_begin)(heng_stream *stream, const char *name, uint64_t correlation, heng_error **error);
    int32_t (*range_end)(heng_stream *stream, heng_error **error);

    /* Names a point. Asynchronous, any thread. */
    int32_t (*mark)(heng_stream *stream, const char *name, uint64_t correlation, heng_error **error);
} heng_profile_table;

/* ---- The thread's selected device (R280-07 to R280-10, R280-15) ----
 *
 * For programs written in that style. Makers need not offer it: a library that serves several makers does.
 */

enum { HENG_RUN_MODE_HOST = 0, HENG_RUN_MODE_DEVICE = 1 };

/* Which way a copy goes (R280-32). */
enum {
    HENG_COPY_HOST_TO_HOST = 0,
    HENG_COPY_HOST_TO_DEVICE = 1,
    HENG_COPY_DEVICE_TO_HOST = 2,
    HENG_COPY_DEVICE_TO_DEVICE = 3
};

typedef struct heng_selection_table {
    heng_header header; /* kind HENG_KIND_SELECTION_TABLE */

    /*
     * Makes the device the calling thread's, with its default context, which is made when it is first selected in
     * the process (R280-07). Synchronous, any thread.
     */
    int32_t (*device_select)(uint32_t index, heng_error **error);

    /*
     * Waits for the default context's work, then frees the default context and all under it (R280-08, R280-09); one
     * call undoes any number of selections. Threads that have it selected must select again. Synchronous.
     */
    int32_t (*device_deselect)(uint32_t index, heng_error **error);

    /* The thread's device; HENG_ERROR_INVALID_DEVICE where none is selected (R280-10). Synchronous. */
    int32_t (*device_selected)(uint32_t *index, heng_error **error);

    /* Where the calling program runs: HENG_RUN_MODE_... (R280-10). Synchronous. */
    int32_t (*run_mode)(int32_t *mode, heng_error **error);

    /* The thread's context: the last one set or selected (R280-15). Synchronous. */
    int32_t (*context_set_current)(heng_context *context, heng_error **error);
    int32_t (*context_get_current)(heng_context **context, heng_error **error);

    /* The default stream of a context, NULL for the thread's; made when first asked for, and not to be destroyed. */
    int32_t (*stream_default)(heng_context *context, heng_stream **stream, heng_error **error);

    /* Copies and waits; `direction` must fit the ranges, else HENG_ERROR_MEMORY_TYPE (R280-32). Synchronous. */
    int32_t (*copy)(
        const heng_range *destination, const heng_range *source, uint64_t bytes, int32_t direction,
        heng_error **error);

    /* Fills and waits (R280-34). Synchronous. */
    int32_t (*fill)(const heng_range *destination, uint8_t value, uint64_t bytes, heng_error **error);
} heng_selection_table;

/* ---- Callbacks on a thread of the caller's (R280-22 to R280-24) ---- */

typedef void (*heng_callback)(void *user);

typedef struct heng_callback_table {
    heng_header header; /* kind HENG_KIND_CALLBACK_TABLE */

    /* Makes the calling thread the one that runs the stream's callbacks. Synchronous. */
    int32_t (*callback_subscribe)(heng_stream *stream, heng_error **error);

    /* Ends that; waiting callbacks are dropped, and a stream that one of them holds goes on. Synchronous. */
    int32_t (*callback_unsubscribe)(heng_stream *stream, heng_error **error);

    /*
     * Lets the subscribed thread run the callback when the stream's work so far is done; with `blocking` 1 later
     * work waits until it has run. Asynchronous, any thread. HENG_ERROR_NOT_SUBSCRIBED where nobody is.
     */
    int32_t (*callback_launch)(
        heng_stream *stream, heng_callback callback, void *user, uint8_t blocking, uint64_t correlation,
        heng_error **error);

    /*
     * Waits on the subscribed thread for one callback, with the timeouts of stream_synchronize, and runs it.
     * HENG_ERROR_SUBSCRIPTION_THREAD from a thread that serves no stream. Synchronous.
     */
    int32_t (*callback_process)(int32_t milliseconds, heng_error **error);
} heng_callback_table;

/* ---- Interchange with DLPack 1 ---- */

struct DLManagedTensorVersioned;

typedef struct heng_interchange_table {
    heng_header header; /* kind HENG_KIND_INTERCHANGE_TABLE */

    /*
     * Wraps a range of a buffer, without a copy. The consumer calls the tensor's own deleter once; the buffer must
     * live until then. Strides are always given. Synchronous, any thread.
     */
    int32_t (*tensor_export)(
        heng_device *device, const heng_range *range, const heng_tensor_description *description,
        struct DLManagedTensorVersioned **tensor, heng_error **error);

    /*
     * Makes a buffer over a tensor of another library, without a copy; buffer_free calls the tensor's deleter.
     * HENG_ERROR_MEMORY_TYPE where the device cannot reach the memory. The description's arrays live as long as the
     * buffer. Synchronous, any thread.
     */
    int32_t (*tensor_import)(
        heng_context *context, struct DLManagedTensorVersioned *tensor, heng_buffer **buffer,
        heng_tensor_description *description, heng_error **error);
} heng_interchange_table;

/* ---- Collectives: declared now, filled as devices need them ---- */

enum { HENG_REDUCE_SUM = 0, HENG_REDUCE_PRODUCT = 1, HENG_REDUCE_MINIMUM = 2, HENG_REDUCE_MAXIMUM = 3, HENG_REDUCE_MEAN = 4 };

typedef struct heng_communicator_arguments {
    heng_header header;
    uint32_t rank;
    uint32_t count;
    const void *identity; /* the bytes that rank 0 had from communicator_identity, the same for all ranks */
    uint64_t identity_size;
} heng_communicator_arguments;

typedef struct heng_collective_table {
    heng_header header; /* kind HENG_KIND_COLLECTIVE_TABLE */

    /* A new identity for one communicator; `size` holds the room on entry and the length on return. Synchronous. */
    int32_t (*communicator_identity)(heng_device *device, void *identity, uint64_t *size, heng_error **error);

    /* Joins; returns when all ranks have. Synchronous. */
    int32_t (*communicator_create)(
        heng_context *context, const heng_communicator_arguments *arguments, heng_communicator **communicator,
        heng_error **error);
    int32_t (*communicator_destroy)(heng_communicator *communicator, heng_error **error);

    /* `count` elements of HENG_TYPE_... each; source and destination may be the same range. Asynchronous. */
    int32_t (*all_reduce)(
        heng_communicator *communicator, heng_stream *stream, const heng_range *destination,
        const heng_range *source, uint64_t count, int32_t type, int32_t reduction, uint64_t correlation,
        heng_error **error);
    int32_t (*broadcast)(
        heng_communicator *communicator, heng_stream *stream, const heng_range *range, uint64_t bytes,
        uint32_t root, uint64_t correlation, heng_error **error);
    int32_t (*all_gather)(
        heng_communicator *communicator, heng_stream *stream, const heng_range *destination,
        const heng_range *source, uint64_t bytes, uint64_t correlation, heng_error **error);
    int32_t (*reduce_scatter)(
        heng_communicator *communicator, heng_stream *stream, const heng_range *destination,
        const heng_range *source, uint64_t count, int32_t type, int32_t reduction, uint64_t correlation,
        heng_error **error);
    int32_t (*send)(
        heng_communicator *communicator, heng_stream *stream, const heng_range *source, uint64_t bytes,
        uint32_t peer, uint64_t correlation, heng_error **error);
    int32_t (*receive)(
        heng_communicator *communicator, heng_stream *stream, const heng_range *destination, uint64_t bytes,
        uint32_t peer, uint64_t correlation, heng_error **error);
} heng_collective_table;

/* ---- Media: declared now, filled as devices need them ---- */

enum { HENG_PIXELS_RGB = 0, HENG_PIXELS_BGR = 1, HENG_PIXELS_GRAY = 2, HENG_PIXELS_NV12 = 3 };

typedef struct heng_image_description {
    heng_header header;
    uint32_t width;
    uint32_t height;
    uint32_t row_pitch; /* bytes; 0: no gaps */
    int32_t pixels;     /* HENG_PIXELS_..., 8 bits a channel */
} heng_image_description;

typedef struct heng_media_table {
    heng_header header; /* kind HENG_KIND_MEDIA_TABLE */

    /* The size and form of a compressed image. Synchronous, any thread. */
    int32_t (*image_describe)(
        heng_device *device, const void *bytes, uint64_t size, heng_image_description *image, heng_error **error);

    /* Decodes into a buffer. Asynchronous. */
    int32_t (*image_decode)(
        heng_stream *stream, const void *bytes, uint64_t size, const heng_range *destination,
        const heng_image_description *image, uint64_t correlation, heng_error **error);

    /* Cuts out, resizes (bilinear) and converts in one pass; the region is {left, top, width, height}. Asynchronous. */
    int32_t (*image_transform)(
        heng_stream *stream, const heng_range *destination, const heng_image_description *result,
        const heng_range *source, const heng_image_description *image, const uint32_t region[4],
        uint64_t correlation, heng_error **error);

    /* (pixel - mean) * scale for each channel, as float32, planes one after the other. Asynchronous. */
    int32_t (*image_normalize)(
        heng_stream *stream, const heng_range *destination, const heng_range *source,
        const heng_image_description *image, const float mean[4], const float scale[4], uint64_t correlation,
        heng_error **error);
} heng_media_table;

/*
 * The one symbol a maker's library exports. Returns its table for that major number, or NULL where it does not
 * serve it. Does no work, starts no thread, and may be called from any thread at any time; the table lives as
 * long as the library.
 */
typedef const heng_accelerator_table *(*heng_accelerator_getter)(uint32_t abi_major);
#define HENG_ACCELERATOR_GETTER_NAME "heng_accelerator_get"

/* A maker compiles with -fvisibility=hidden and marks only the getter. */
#if defined(__GNUC__)
#define HENG_EXPORT __attribute__((visibility("default")))
#else
#define HENG_EXPORT
#endif

/* The symbol itself: makers define it, programs that link libheng.so call it. */
HENG_EXPORT const heng_accelerator_table *heng_accelerator_get(uint32_t abi_major);

/* ---- Neutral readers of descriptions that may be NULL (R280-42) ---- */

static inline int32_t heng_tensor_type(const heng_tensor_description *tensor) {
    return tensor ? tensor->type : HENG_TYPE_UNDEFINED;
}

static inline uint32_t heng_tensor_rank(const heng_tensor_description *tensor) { return tensor ? tensor->rank : 0; }

static inline int64_t heng_tensor_dim(const heng_tensor_description *tensor, uint32_t axis) {
    return tensor && tensor->rank != HENG_RANK_UNKNOWN && axis < tensor->rank ? tensor->dims[axis] : 0;
}

static inline const char *heng_tensor_name(const heng_tensor_description *tensor) {
    return tensor && tensor->name ? tensor->name : "";
}

/* The number of elements; 0 where an extent is unknown. */
static inline uint64_t heng_tensor_count(const heng_tensor_description *tensor) {
    uint64_t count = 1;
    if (!tensor || tensor->rank == HENG_RANK_UNKNOWN) return 0;
    for (uint32_t axis = 0; axis < tensor->rank; axis++) {
        if (tensor->dims[axis] < 0) return 0;
        count *= (uint64_t)tensor->dims[axis];
    }
    return count;
}

/* The bytes of one element in memory; 0 for strings and what is not a type. */
static inline uint64_t heng_type_size(int32_t type) {
    switch (type) {
        case HENG_TYPE_COMPLEX128: return 16;
        case HENG_TYPE_FLOAT64: case HENG_TYPE_INT64: case HENG_TYPE_UINT64: case HENG_TYPE_COMPLEX64: return 8;
        case HENG_TYPE_FLOAT32: case HENG_TYPE_INT32: case HENG_TYPE_UINT32: return 4;
        case HENG_TYPE_FLOAT16: case HENG_TYPE_BFLOAT16: case HENG_TYPE_INT16: case HENG_TYPE_UINT16: return 2;
        case HENG_TYPE_UNDEFINED: case HENG_TYPE_STRING: return 0;
        default: return type > 0 && type <= HENG_TYPE_INT2 ? 1 : 0;
    }
}

/* The bytes of a dense tensor. */
static inline uint64_t heng_tensor_size(const heng_tensor_description *tensor) {
    return heng_tensor_count(tensor) * heng_type_size(heng_tensor_type(tensor));
}

#ifdef __cplusplus
}
#endif

#endif
