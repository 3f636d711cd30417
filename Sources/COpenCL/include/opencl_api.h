/*
 * The part of the OpenCL 1.2 interface that Heng uses, declared by ourselves, so that nothing of OpenCL is needed to
 * build. The library is opened at run time; a machine without it has no devices, and that is no error.
 *
 * Handles are pointers of the library's that we never look into, kept as numbers; 0 is none. All functions may be
 * called from any thread, except that one kernel's arguments are the caller's to serialise.
 */
#ifndef HENG_OPENCL_API_H
#define HENG_OPENCL_API_H

#include <stddef.h>
#include <stdint.h>

typedef uintptr_t opencl_handle;

/* The library's functions, by their own names. */
typedef struct opencl_functions {
    int32_t (*clGetPlatformIDs)(uint32_t, opencl_handle *, uint32_t *);
    int32_t (*clGetPlatformInfo)(opencl_handle, uint32_t, size_t, void *, size_t *);
    int32_t (*clGetDeviceIDs)(opencl_handle, uint64_t, uint32_t, opencl_handle *, uint32_t *);
    int32_t (*clGetDeviceInfo)(opencl_handle, uint32_t, size_t, void *, size_t *);
    int32_t (*clCreateSubDevices)(opencl_handle, const intptr_t *, uint32_t, opencl_handle *, uint32_t *);
    int32_t (*clReleaseDevice)(opencl_handle);
    opencl_handle (*clCreateContext)(
        const intptr_t *, uint32_t, const opencl_handle *,
        void (*)(const char *, const void *, size_t, void *), void *, int32_t *);
    int32_t (*clReleaseContext)(opencl_handle);
    opencl_handle (*clCreateCommandQueue)(opencl_handle, opencl_handle, uint64_t, int32_t *);
    int32_t (*clReleaseCommandQueue)(opencl_handle);
    opencl_handle (*clCreateBuffer)(opencl_handle, uint64_t, size_t, void *, int32_t *);
    int32_t (*clReleaseMemObject)(opencl_handle);
    opencl_handle (*clCreateProgramWithSource)(
        opencl_handle, uint32_t, const char **, const size_t *, int32_t *);
    opencl_handle (*clCreateProgramWithBinary)(
        opencl_handle, uint32_t, const opencl_handle *, const size_t *, const unsigned char **, int32_t *, int32_t *);
    int32_t (*clBuildProgram)(
        opencl_handle, uint32_t, const opencl_handle *, const char *, void (*)(opencl_handle, void *), void *);
    int32_t (*clGetProgramInfo)(opencl_handle, uint32_t, size_t, void *, size_t *);
    int32_t (*clGetProgramBuildInfo)(opencl_handle, opencl_handle, uint32_t, size_t, void *, size_t *);
    int32_t (*clReleaseProgram)(opencl_handle);
    opencl_handle (*clCreateKernel)(opencl_handle, const char *, int32_t *);
    int32_t (*clSetKernelArg)(opencl_handle, uint32_t, size_t, const void *);
    int32_t (*clGetKernelInfo)(opencl_handle, uint32_t, size_t, void *, size_t *);
    int32_t (*clGetKernelWorkGroupInfo)(opencl_handle, opencl_handle, uint32_t, size_t, void *, size_t *);
    int32_t (*clReleaseKernel)(opencl_handle);
    int32_t (*clEnqueueNDRangeKernel)(
        opencl_handle, opencl_handle, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t,
        const opencl_handle *, opencl_handle *);
    int32_t (*clEnqueueReadBuffer)(
        opencl_handle, opencl_handle, uint32_t, size_t, size_t, void *, uint32_t, const opencl_handle *,
        opencl_handle *);
    int32_t (*clEnqueueWriteBuffer)(
        opencl_handle, opencl_handle, uint32_t, size_t, size_t, const void *, uint32_t, const opencl_handle *,
        opencl_handle *);
    int32_t (*clEnqueueCopyBuffer)(
        opencl_handle, opencl_handle, opencl_handle, size_t, size_t, size_t, uint32_t, const opencl_handle *,
        opencl_handle *);
    int32_t (*clEnqueueReadBufferRect)(
        opencl_handle, opencl_handle, uint32_t, const size_t *, const size_t *, const size_t *, size_t, size_t,
        size_t, size_t, void *, uint32_t, const opencl_handle *, opencl_handle *);
    int32_t (*clEnqueueWriteBufferRect)(
        opencl_handle, opencl_handle, uint32_t, const size_t *, const size_t *, const size_t *, size_t, size_t,
        size_t, size_t, const void *, uint32_t, const opencl_handle *, opencl_handle *);
    int32_t (*clEnqueueCopyBufferRect)(
        opencl_handle, opencl_handle, opencl_handle, const size_t *, const size_t *, const size_t *, size_t, size_t,
        size_t, size_t, uint32_t, const opencl_handle *, opencl_handle *);
    int32_t (*clEnqueueFillBuffer)(
        opencl_handle, opencl_handle, const void *, size_t, size_t, size_t, uint32_t, const opencl_handle *,
        opencl_handle *);
    void *(*clEnqueueMapBuffer)(
        opencl_handle, opencl_handle, uint32_t, uint64_t, size_t, size_t, uint32_t, const opencl_handle *,
        opencl_handle *, int32_t *);
    int32_t (*clEnqueueUnmapMemObject)(
        opencl_handle, opencl_handle, void *, uint32_t, const opencl_handle *, opencl_handle *);
    int32_t (*clEnqueueMarkerWithWaitList)(opencl_handle, uint32_t, const opencl_handle *, opencl_handle *);
    int32_t (*clEnqueueBarrierWithWaitList)(opencl_handle, uint32_t, const opencl_handle *, opencl_handle *);
    int32_t (*clFlush)(opencl_handle);
    int32_t (*clFinish)(opencl_handle);
    int32_t (*clWaitForEvents)(uint32_t, const opencl_handle *);
    int32_t (*clGetEventInfo)(opencl_handle, uint32_t, size_t, void *, size_t *);
    int32_t (*clGetEventProfilingInfo)(opencl_handle, uint32_t, size_t, void *, size_t *);
    int32_t (*clRetainEvent)(opencl_handle);
    int32_t (*clReleaseEvent)(opencl_handle);
} opencl_functions;

/*
 * Opens the library once in the process; NULL names its usual name. 1 when it is there with all functions. Later
 * calls give the first answer. It stays open: drivers do not survive being closed.
 */
int32_t opencl_open(const char *path);

/* Its functions; NULL before opencl_open said 1. */
const opencl_functions *opencl_get(void);

/* ---- The same, in a form that a caller needs no memory for ---- */

typedef struct opencl_made {
    opencl_handle handle; /* 0 on failure */
    int32_t status;       /* 0 or the library's error code */
} opencl_made;

typedef struct opencl_answer {
    uint64_t value;
    int32_t status;
} opencl_answer;

/* A kernel's size: its work items along three axes, and how many of them make a group (0: the library chooses). */
typedef struct opencl_range {
    size_t global[3];
    size_t local[3];
} opencl_range;

/* A block of rows and planes on each side of a copy; byte offsets and distances. */
typedef struct opencl_block {
    opencl_handle destination, source;       /* buffers; 0 for the host's side */
    void *destination_host;
    const void *source_host;
    size_t destination_offset, source_offset;
    size_t destination_row, source_row;
    size_t destination_plane, source_plane;
    size_t width, height, depth;
} opencl_block;

uint32_t opencl_platforms(opencl_handle *places, uint32_t capacity);
uint32_t opencl_devices(opencl_handle platform, opencl_handle *places, uint32_t capacity);
/* The first device that `units` of the device's compute units make. */
opencl_made opencl_sub_device(opencl_handle device, uint32_t units);
opencl_answer opencl_device_number(opencl_handle device, uint32_t parameter);
opencl_made opencl_context(opencl_handle device);
opencl_made opencl_queue(opencl_handle context, opencl_handle device);
opencl_made opencl_buffer(opencl_handle context, uint64_t flags, uint64_t size);
opencl_made opencl_program_of_source(opencl_handle context, const char *text, size_t size);
opencl_made opencl_program_of_binary(
    opencl_handle context, opencl_handle device, const unsigned char *bytes, size_t size);
int32_t opencl_build(opencl_handle program, opencl_handle device, const char *options);
opencl_made opencl_kernel(opencl_handle program, const char *name);
int32_t opencl_argument_handle(opencl_handle kernel, uint32_t index, opencl_handle memory);
/* `size` bytes, at most 8, the first ones of `word`. */
int32_t opencl_argument_small(opencl_handle kernel, uint32_t index, uint64_t word, uint32_t size);
int32_t opencl_argument_local(opencl_handle kernel, uint32_t index, uint64_t bytes);
opencl_answer opencl_kernel_number(opencl_handle kernel, opencl_handle device, uint32_t parameter);
opencl_answer opencl_kernel_argument_count(opencl_handle kernel);

/* Each gives the event of its command. */
opencl_made opencl_enqueue_kernel(opencl_handle queue, opencl_handle kernel, opencl_range range);
opencl_made opencl_enqueue_read(
    opencl_handle queue, opencl_handle memory, uint64_t offset, uint64_t size, void *target);
opencl_made opencl_enqueue_write(
    opencl_handle queue, opencl_handle memory, uint64_t offset, uint64_t size, const void *source);
opencl_made opencl_enqueue_copy(
    opencl_handle queue, opencl_handle destination, uint64_t destination_offset, opencl_handle source,
    uint64_t source_offset, uint64_t size);
opencl_made opencl_enqueue_block(opencl_handle queue, const opencl_block *block);
opencl_made opencl_enqueue_fill(
    opencl_handle queue, opencl_handle memory, uint64_t offset, uint64_t size, uint8_t value);
/* Behind everything in the queue, and behind `event` unless it is 0. The barrier also holds back what comes later. */
opencl_made opencl_enqueue_marker(opencl_handle queue, opencl_handle event);
opencl_made opencl_enqueue_barrier(opencl_handle queue, opencl_handle event);

int32_t opencl_flush(opencl_handle queue);
int32_t opencl_wait(opencl_handle event);
/* 0: complete, above 0: not yet, below 0: failed with that code. */
int32_t opencl_event_status(opencl_handle event);
opencl_answer opencl_event_time(opencl_handle event, uint32_t parameter);
int32_t opencl_retain_event(opencl_handle event);
int32_t opencl_release_event(opencl_handle event);
int32_t opencl_release_memory(opencl_handle memory);
int32_t opencl_release_kernel(opencl_handle kernel);
int32_t opencl_release_program(opencl_handle program);
int32_t opencl_release_queue(opencl_handle queue);
int32_t opencl_release_context(opencl_handle context);
int32_t opencl_release_device(opencl_handle device);

/* ---- Numbers of OpenCL ---- */

enum {
    OPENCL_COMPLETE = 0,

    OPENCL_PLATFORM_VERSION = 0x0901,
    OPENCL_PLATFORM_NAME = 0x0902,

    OPENCL_DEVICE_TYPE = 0x1000,
    OPENCL_DEVICE_VENDOR_ID = 0x1001,
    OPENCL_DEVICE_MAX_COMPUTE_UNITS = 0x1002,
    OPENCL_DEVICE_MAX_WORK_GROUP_SIZE = 0x1004,
    OPENCL_DEVICE_MAX_CLOCK_FREQUENCY = 0x100C,
    OPENCL_DEVICE_MAX_MEM_ALLOC_SIZE = 0x1010,
    OPENCL_DEVICE_MAX_PARAMETER_SIZE = 0x1017,
    OPENCL_DEVICE_MEM_BASE_ADDR_ALIGN = 0x1019,
    OPENCL_DEVICE_GLOBAL_MEM_CACHE_SIZE = 0x101E,
    OPENCL_DEVICE_GLOBAL_MEM_SIZE = 0x101F,
    OPENCL_DEVICE_LOCAL_MEM_SIZE = 0x1023,
    OPENCL_DEVICE_PROFILING_TIMER_RESOLUTION = 0x1025,
    OPENCL_DEVICE_ENDIAN_LITTLE = 0x1026,
    OPENCL_DEVICE_AVAILABLE = 0x1027,
    OPENCL_DEVICE_COMPILER_AVAILABLE = 0x1028,
    OPENCL_DEVICE_NAME = 0x102B,
    OPENCL_DEVICE_VENDOR = 0x102C,
    OPENCL_DRIVER_VERSION = 0x102D,
    OPENCL_DEVICE_VERSION = 0x102F,
    OPENCL_DEVICE_EXTENSIONS = 0x1030,
    OPENCL_DEVICE_DOUBLE_FP_CONFIG = 0x1032,
    OPENCL_DEVICE_OPENCL_C_VERSION = 0x103D,
    OPENCL_DEVICE_PARTITION_MAX_SUB_DEVICES = 0x1043,
    OPENCL_DEVICE_PARTITION_PROPERTIES = 0x1044,
    OPENCL_DEVICE_UUID_KHR = 0x106A,
    OPENCL_DEVICE_PCI_BUS_INFO_KHR = 0x410F,

    OPENCL_DEVICE_PARTITION_BY_COUNTS = 0x1087,

    OPENCL_DEVICE_TYPE_CPU = 1 << 1,
    OPENCL_DEVICE_TYPE_GPU = 1 << 2,

    OPENCL_MEM_READ_WRITE = 1 << 0,
    OPENCL_MEM_ALLOC_HOST_PTR = 1 << 4,

    OPENCL_PROGRAM_BINARY_SIZES = 0x1165,
    OPENCL_PROGRAM_BINARIES = 0x1166,
    OPENCL_PROGRAM_BUILD_LOG = 0x1183,

    OPENCL_KERNEL_NUM_ARGS = 0x1191,
    OPENCL_KERNEL_WORK_GROUP_SIZE = 0x11B0,
    OPENCL_KERNEL_LOCAL_MEM_SIZE = 0x11B2,
    OPENCL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE = 0x11B3,
    OPENCL_KERNEL_PRIVATE_MEM_SIZE = 0x11B4,

    OPENCL_PROFILING_COMMAND_QUEUED = 0x1280,
    OPENCL_PROFILING_COMMAND_SUBMIT = 0x1281,
    OPENCL_PROFILING_COMMAND_START = 0x1282,
    OPENCL_PROFILING_COMMAND_END = 0x1283
};

#endif
