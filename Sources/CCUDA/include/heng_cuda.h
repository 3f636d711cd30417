/*
 * NVIDIA's driver interface, its run-time compiler (NVRTC), its matrix library (cuBLASLt) and its management library
 * (NVML), as far as Heng uses them: our own declarations of the types, numbers and functions, filled at run time.
 *
 * Nothing of CUDA is needed to build. A library that is not there gives NULL. Each table names a function by its
 * public name; the symbol that is looked up may carry a version, which the second column of the list says. What stands in a
 * list of optional functions may be missing from an older driver, and is NULL then.
 */
#ifndef HENG_CUDA_H
#define HENG_CUDA_H

#include <stddef.h>
#include <stdint.h>

#if !defined(__clang__)
#define _Nonnull
#define _Nullable
#endif

#if defined(__clang__)
#pragma clang diagnostic push
/* Only our own functions and the fields of the tables say what may be NULL. */
#pragma clang diagnostic ignored "-Wnullability-completeness"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types ---- */

typedef int32_t hcu_device;
typedef uint64_t hcu_address; /* of device memory */
typedef struct hcu_context_object *hcu_context;
typedef struct hcu_stream_object *hcu_stream;
typedef struct hcu_event_object *hcu_event;
typedef struct hcu_pool_object *hcu_pool;
typedef struct hcu_module_object *hcu_module;
typedef struct hcu_function_object *hcu_function;
typedef struct hcu_link_object *hcu_link;
typedef struct hcu_graph_object *hcu_graph;
typedef struct hcu_graph_exec_object *hcu_graph_exec;

typedef struct hcu_uuid {
    uint8_t bytes[16];
} hcu_uuid;

/* A place in a copy of a block: memory of the host (type 1) or of a device (type 2). */
typedef struct hcu_copy3d {
    size_t source_x_bytes, source_y, source_z, source_lod;
    uint32_t source_type;
    const void *source_host;
    hcu_address source_device;
    void *source_array;
    void *source_reserved;
    size_t source_pitch, source_height;
    size_t target_x_bytes, target_y, target_z, target_lod;
    uint32_t target_type;
    void *target_host;
    hcu_address target_device;
    void *target_array;
    void *target_reserved;
    size_t target_pitch, target_height;
    size_t width_bytes, height, depth;
} hcu_copy3d;

typedef struct hcu_location {
    int32_t type; /* 1: a device */
    int32_t id;
} hcu_location;

typedef struct hcu_pool_properties {
    int32_t allocation_type; /* 1: pinned to the device */
    int32_t handle_types;    /* 0: memory that is not shared with other processes */
    hcu_location location;
    void *security_attributes;
    size_t max_size; /* 0: the driver's own limit */
    uint16_t usage;
    uint8_t reserved[54];
} hcu_pool_properties;

enum { HCU_MEMORY_HOST = 1, HCU_MEMORY_DEVICE = 2 };
enum { HCU_POINTER_MEMORY_TYPE = 2 };
enum { HCU_EVENT_WITH_TIME = 0, HCU_EVENT_WITHOUT_TIME = 2 };
enum { HCU_STREAM_NON_BLOCKING = 1 };
enum { HCU_HOST_PORTABLE = 1, HCU_HOST_MAPPED = 2 };
enum { HCU_CAPTURE_RELAXED = 2 };
enum { HCU_POOL_RELEASE_THRESHOLD = 4, HCU_POOL_RESERVED_CURRENT = 5 };
enum { HCU_FUNCTION_MAX_THREADS = 0, HCU_FUNCTION_SHARED_BYTES = 1, HCU_FUNCTION_LOCAL_BYTES = 3,
       HCU_FUNCTION_MAX_DYNAMIC_SHARED = 8 };
enum { HCU_JIT_ERROR_LOG = 5, HCU_JIT_ERROR_LOG_BYTES = 6 };
enum { HCU_INPUT_PTX = 1 };

/* Attributes of devices. */
enum {
    HCU_DEVICE_MAX_THREADS_PER_BLOCK = 1,
    HCU_DEVICE_MAX_SHARED_PER_BLOCK = 8,
    HCU_DEVICE_WARP_SIZE = 10,
    HCU_DEVICE_MAX_PITCH = 11,
    HCU_DEVICE_CLOCK_RATE = 13,
    HCU_DEVICE_MULTIPROCESSORS = 16,
    HCU_DEVICE_INTEGRATED = 18,
    HCU_DEVICE_ECC = 32,
    HCU_DEVICE_MEMORY_CLOCK_RATE = 36,
    HCU_DEVICE_MEMORY_BUS_WIDTH = 37,
    HCU_DEVICE_L2_BYTES = 38,
    HCU_DEVICE_COMPUTE_MAJOR = 75,
    HCU_DEVICE_COMPUTE_MINOR = 76,
    HCU_DEVICE_MAX_SHARED_OPT_IN = 97,
    HCU_DEVICE_POOLS = 115
};

/* Results of driver calls. */
enum {
    HCU_SUCCESS = 0,
    HCU_INVALID_VALUE = 1,
    HCU_OUT_OF_MEMORY = 2,
    HCU_NOT_INITIALIZED = 3,
    HCU_DEINITIALIZED = 4,
    HCU_STUB_LIBRARY = 34,
    HCU_DEVICE_UNAVAILABLE = 46,
    HCU_NO_DEVICE = 100,
    HCU_INVALID_DEVICE = 101,
    HCU_DEVICE_NOT_LICENSED = 102,
    HCU_INVALID_IMAGE = 200,
    HCU_INVALID_CONTEXT = 201,
    HCU_NO_BINARY_FOR_GPU = 209,
    HCU_ECC_UNCORRECTABLE = 214,
    HCU_UNSUPPORTED_LIMIT = 215,
    HCU_PEER_ACCESS_UNSUPPORTED = 217,
    HCU_INVALID_PTX = 218,
    HCU_NVLINK_UNCORRECTABLE = 220,
    HCU_JIT_COMPILER_NOT_FOUND = 221,
    HCU_UNSUPPORTED_PTX_VERSION = 222,
    HCU_INVALID_SOURCE = 300,
    HCU_FILE_NOT_FOUND = 301,
    HCU_SHARED_OBJECT_SYMBOL_NOT_FOUND = 302,
    HCU_SHARED_OBJECT_INIT_FAILED = 303,
    HCU_OPERATING_SYSTEM = 304,
    HCU_INVALID_HANDLE = 400,
    HCU_ILLEGAL_STATE = 401,
    HCU_NOT_FOUND = 500,
    HCU_NOT_READY = 600,
    HCU_ILLEGAL_ADDRESS = 700,
    HCU_LAUNCH_OUT_OF_RESOURCES = 701,
    HCU_LAUNCH_TIMEOUT = 702,
    HCU_PRIMARY_CONTEXT_ACTIVE = 708,
    HCU_CONTEXT_IS_DESTROYED = 709,
    HCU_ASSERT = 710,
    HCU_HARDWARE_STACK_ERROR = 714,
    HCU_ILLEGAL_INSTRUCTION = 715,
    HCU_MISALIGNED_ADDRESS = 716,
    HCU_INVALID_ADDRESS_SPACE = 717,
    HCU_INVALID_PC = 718,
    HCU_LAUNCH_FAILED = 719,
    HCU_COOPERATIVE_LAUNCH_TOO_LARGE = 720,
    HCU_NOT_PERMITTED = 800,
    HCU_NOT_SUPPORTED = 801,
    HCU_SYSTEM_NOT_READY = 802,
    HCU_SYSTEM_DRIVER_MISMATCH = 803,
    HCU_COMPAT_NOT_SUPPORTED_ON_DEVICE = 804,
    HCU_STREAM_CAPTURE_UNSUPPORTED = 900,
    HCU_STREAM_CAPTURE_WRONG_THREAD = 908,
    HCU_TIMEOUT = 909,
    HCU_EXTERNAL_DEVICE = 911,
    HCU_UNKNOWN = 999
};

/* ---- The driver: X(name, symbol, parameters); all return a result ---- */

#define HCU_DRIVER_FUNCTIONS(X) \
    X(cuInit, "cuInit", (uint32_t flags)) \
    X(cuDriverGetVersion, "cuDriverGetVersion", (int32_t *version)) \
    X(cuGetErrorName, "cuGetErrorName", (int32_t result, const char **text)) \
    X(cuGetErrorString, "cuGetErrorString", (int32_t result, const char **text)) \
    X(cuDeviceGetCount, "cuDeviceGetCount", (int32_t *count)) \
    X(cuDeviceGet, "cuDeviceGet", (hcu_device *device, int32_t ordinal)) \
    X(cuDeviceGetName, "cuDeviceGetName", (char *name, int32_t size, hcu_device device)) \
    X(cuDeviceGetUuid, "cuDeviceGetUuid_v2", (hcu_uuid *uuid, hcu_device device)) \
    X(cuDeviceGetPCIBusId, "cuDeviceGetPCIBusId", (char *address, int32_t size, hcu_device device)) \
    X(cuDeviceGetAttribute, "cuDeviceGetAttribute", (int32_t *value, int32_t attribute, hcu_device device)) \
    X(cuDeviceTotalMem, "cuDeviceTotalMem_v2", (size_t *bytes, hcu_device device)) \
    X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (hcu_context *context, hcu_device device)) \
    X(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (hcu_device device)) \
    X(cuDevicePrimaryCtxReset, "cuDevicePrimaryCtxReset_v2", (hcu_device device)) \
    X(cuCtxSetCurrent, "cuCtxSetCurrent", (hcu_context context)) \
    X(cuCtxGetStreamPriorityRange, "cuCtxGetStreamPriorityRange", (int32_t *least, int32_t *greatest)) \
    X(cuCtxSynchronize, "cuCtxSynchronize", (void)) \
    X(cuStreamCreateWithPriority, "cuStreamCreateWithPriority", (hcu_stream *stream, uint32_t flags, int32_t priority)) \
    X(cuStreamDestroy, "cuStreamDestroy_v2", (hcu_stream stream)) \
    X(cuStreamQuery, "cuStreamQuery", (hcu_stream stream)) \
    X(cuStreamSynchronize, "cuStreamSynchronize", (hcu_stream stream)) \
    X(cuStreamWaitEvent, "cuStreamWaitEvent", (hcu_stream stream, hcu_event event, uint32_t flags)) \
    X(cuLaunchHostFunc, "cuLaunchHostFunc", (hcu_stream stream, void (*function)(void *), void *user)) \
    X(cuStreamBeginCapture, "cuStreamBeginCapture_v2", (hcu_stream stream, int32_t mode)) \
    X(cuStreamEndCapture, "cuStreamEndCapture", (hcu_stream stream, hcu_graph *graph)) \
    X(cuEventCreate, "cuEventCreate", (hcu_event *event, uint32_t flags)) \
    X(cuEventDestroy, "cuEventDestroy_v2", (hcu_event event)) \
    X(cuEventRecord, "cuEventRecord", (hcu_event event, hcu_stream stream)) \
    X(cuEventQuery, "cuEventQuery", (hcu_event event)) \
    X(cuEventSynchronize, "cuEventSynchronize", (hcu_event event)) \
    X(cuEventElapsedTime, "cuEventElapsedTime", (float *milliseconds, hcu_event start, hcu_event end)) \
    X(cuMemAlloc, "cuMemAlloc_v2", (hcu_address *address, size_t bytes)) \
    X(cuMemFree, "cuMemFree_v2", (hcu_address address)) \
    X(cuMemGetInfo, "cuMemGetInfo_v2", (size_t *free, size_t *total)) \
    X(cuMemHostAlloc, "cuMemHostAlloc", (void **address, size_t bytes, uint32_t flags)) \
    X(cuMemFreeHost, "cuMemFreeHost", (void *address)) \
    X(cuMemHostGetDevicePointer, "cuMemHostGetDevicePointer_v2", (hcu_address *address, void *host, uint32_t flags)) \
    X(cuPointerGetAttribute, "cuPointerGetAttribute", (void *value, int32_t attribute, hcu_address address)) \
    X(cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2", (hcu_address target, const void *source, size_t bytes, hcu_stream stream)) \
    X(cuMemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2", (void *target, hcu_address source, size_t bytes, hcu_stream stream)) \
    X(cuMemcpyDtoDAsync, "cuMemcpyDtoDAsync_v2", \
      (hcu_address target, hcu_address source, size_t bytes, hcu_stream stream)) \
    X(cuMemcpy3DAsync, "cuMemcpy3DAsync_v2", (const hcu_copy3d *copy, hcu_stream stream)) \
    X(cuMemsetD8Async, "cuMemsetD8Async", (hcu_address target, uint8_t value, size_t bytes, hcu_stream stream)) \
    X(cuModuleLoadData, "cuModuleLoadData", (hcu_module *module, const void *image)) \
    X(cuModuleUnload, "cuModuleUnload", (hcu_module module)) \
    X(cuModuleGetFunction, "cuModuleGetFunction", (hcu_function *function, hcu_module module, const char *name)) \
    X(cuFuncGetAttribute, "cuFuncGetAttribute", (int32_t *value, int32_t attribute, hcu_function function)) \
    X(cuFuncSetAttribute, "cuFuncSetAttribute", (hcu_function function, int32_t attribute, int32_t value)) \
    X(cuLaunchKernel, "cuLaunchKernel", \
      (hcu_function function, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z, uint32_t block_x, uint32_t block_y, \
       uint32_t block_z, uint32_t shared_bytes, hcu_stream stream, void **parameters, void **extra)) \
    X(cuLinkCreate, "cuLinkCreate_v2", (uint32_t count, int32_t *options, void **values, hcu_link *link)) \
    X(cuLinkAddData, "cuLinkAddData_v2", \
      (hcu_link link, int32_t type, void *data, size_t size, const char *name, uint32_t count, int32_t *options, \
       void **values)) \
    X(cuLinkComplete, "cuLinkComplete", (hcu_link link, void **image, size_t *size)) \
    X(cuLinkDestroy, "cuLinkDestroy", (hcu_link link)) \
    X(cuGraphInstantiate, "cuGraphInstantiateWithFlags", (hcu_graph_exec *exec, hcu_graph graph, uint64_t flags)) \
    X(cuGraphLaunch, "cuGraphLaunch", (hcu_graph_exec exec, hcu_stream stream)) \
    X(cuGraphExecDestroy, "cuGraphExecDestroy", (hcu_graph_exec exec)) \
    X(cuGraphDestroy, "cuGraphDestroy", (hcu_graph graph))

#define HCU_DRIVER_OPTIONAL(X) \
    X(cuStreamWriteValue32, "cuStreamWriteValue32_v2", \
      (hcu_stream stream, hcu_address address, uint32_t value, uint32_t flags)) \
    X(cuFuncGetParamInfo, "cuFuncGetParamInfo", (hcu_function function, size_t index, size_t *offset, size_t *size)) \
    X(cuMemPoolCreate, "cuMemPoolCreate", (hcu_pool *pool, const hcu_pool_properties *properties)) \
    X(cuMemPoolDestroy, "cuMemPoolDestroy", (hcu_pool pool)) \
    X(cuMemPoolSetAttribute, "cuMemPoolSetAttribute", (hcu_pool pool, int32_t attribute, void *value)) \
    X(cuMemPoolGetAttribute, "cuMemPoolGetAttribute", (hcu_pool pool, int32_t attribute, void *value)) \
    X(cuMemPoolTrimTo, "cuMemPoolTrimTo", (hcu_pool pool, size_t bytes)) \
    X(cuMemAllocFromPoolAsync, "cuMemAllocFromPoolAsync", \
      (hcu_address *address, size_t bytes, hcu_pool pool, hcu_stream stream)) \
    X(cuMemFreeAsync, "cuMemFreeAsync", (hcu_address address, hcu_stream stream))

/* ---- NVRTC ---- */

typedef struct hcu_program_object *hcu_program;
enum { HCU_COMPILE_SUCCESS = 0, HCU_COMPILE_FAILED = 6 };

#define HCU_COMPILER_FUNCTIONS(X) \
    X(nvrtcVersion, "nvrtcVersion", (int32_t *major, int32_t *minor)) \
    X(nvrtcGetNumSupportedArchs, "nvrtcGetNumSupportedArchs", (int32_t *count)) \
    X(nvrtcGetSupportedArchs, "nvrtcGetSupportedArchs", (int32_t *architectures)) \
    X(nvrtcCreateProgram, "nvrtcCreateProgram", \
      (hcu_program *program, const char *source, const char *name, int32_t header_count, const char *const *headers, \
       const char *const *header_names)) \
    X(nvrtcDestroyProgram, "nvrtcDestroyProgram", (hcu_program *program)) \
    X(nvrtcCompileProgram, "nvrtcCompileProgram", (hcu_program program, int32_t count, const char *const *options)) \
    X(nvrtcGetProgramLogSize, "nvrtcGetProgramLogSize", (hcu_program program, size_t *size)) \
    X(nvrtcGetProgramLog, "nvrtcGetProgramLog", (hcu_program program, char *log)) \
    X(nvrtcGetCUBINSize, "nvrtcGetCUBINSize", (hcu_program program, size_t *size)) \
    X(nvrtcGetCUBIN, "nvrtcGetCUBIN", (hcu_program program, char *image)) \
    X(nvrtcGetPTXSize, "nvrtcGetPTXSize", (hcu_program program, size_t *size)) \
    X(nvrtcGetPTX, "nvrtcGetPTX", (hcu_program program, char *image))

/* ---- cuBLASLt ---- */

typedef struct hcu_blas_object *hcu_blas_handle;
typedef struct hcu_matmul_object *hcu_matmul;
typedef struct hcu_layout_object *hcu_layout;
typedef struct hcu_preference_object *hcu_preference;

typedef struct hcu_algorithm {
    uint64_t data[8];
} hcu_algorithm;

typedef struct hcu_heuristic {
    hcu_algorithm algorithm;
    size_t workspace_bytes;
    int32_t state; /* 0: this one works */
    float waves;
    int32_t reserved[4];
} hcu_heuristic;

enum { HCU_COMPUTE_32F = 68, HCU_COMPUTE_64F = 70, HCU_COMPUTE_32F_TF32 = 77 };
enum { HCU_REAL_32F = 0, HCU_REAL_64F = 1, HCU_REAL_16F = 2, HCU_REAL_16BF = 14 };
enum { HCU_MATMUL_TRANSPOSE_A = 3, HCU_MATMUL_TRANSPOSE_B = 4 };
enum { HCU_LAYOUT_ORDER = 1, HCU_LAYOUT_BATCH_COUNT = 5, HCU_LAYOUT_BATCH_STRIDE = 6 };
enum { HCU_PREFERENCE_WORKSPACE_BYTES = 1, HCU_PREFERENCE_ALIGNMENT_A = 5 }; /* then B, C and D */

#define HCU_BLAS_FUNCTIONS(X) \
    X(cublasLtCreate, "cublasLtCreate", (hcu_blas_handle *handle)) \
    X(cublasLtDestroy, "cublasLtDestroy", (hcu_blas_handle handle)) \
    X(cublasLtMatmulDescCreate, "cublasLtMatmulDescCreate", (hcu_matmul *matmul, int32_t compute, int32_t scale)) \
    X(cublasLtMatmulDescDestroy, "cublasLtMatmulDescDestroy", (hcu_matmul matmul)) \
    X(cublasLtMatmulDescSetAttribute, "cublasLtMatmulDescSetAttribute", \
      (hcu_matmul matmul, int32_t attribute, const void *value, size_t size)) \
    X(cublasLtMatrixLayoutCreate, "cublasLtMatrixLayoutCreate", \
      (hcu_layout *layout, int32_t type, uint64_t rows, uint64_t columns, int64_t leading)) \
    X(cublasLtMatrixLayoutDestroy, "cublasLtMatrixLayoutDestroy", (hcu_layout layout)) \
    X(cublasLtMatrixLayoutSetAttribute, "cublasLtMatrixLayoutSetAttribute", \
      (hcu_layout layout, int32_t attribute, const void *value, size_t size)) \
    X(cublasLtMatmulPreferenceCreate, "cublasLtMatmulPreferenceCreate", (hcu_preference *preference)) \
    X(cublasLtMatmulPreferenceDestroy, "cublasLtMatmulPreferenceDestroy", (hcu_preference preference)) \
    X(cublasLtMatmulPreferenceSetAttribute, "cublasLtMatmulPreferenceSetAttribute", \
      (hcu_preference preference, int32_t attribute, const void *value, size_t size)) \
    X(cublasLtMatmulAlgoGetHeuristic, "cublasLtMatmulAlgoGetHeuristic", \
      (hcu_blas_handle handle, hcu_matmul matmul, hcu_layout a, hcu_layout b, hcu_layout c, hcu_layout d, \
       hcu_preference preference, int32_t wanted, hcu_heuristic *results, int32_t *count)) \
    X(cublasLtMatmul, "cublasLtMatmul", \
      (hcu_blas_handle handle, hcu_matmul matmul, const void *alpha, const void *a, hcu_layout a_layout, const void *b, \
       hcu_layout b_layout, const void *beta, const void *c, hcu_layout c_layout, void *d, hcu_layout d_layout, \
       const hcu_algorithm *algorithm, void *workspace, size_t workspace_bytes, hcu_stream stream))

/* ---- NVML ---- */

typedef struct hcu_managed_object *hcu_managed;
typedef struct hcu_utilization {
    uint32_t gpu, memory; /* percent */
} hcu_utilization;
typedef struct hcu_memory_state {
    uint64_t total, free, used;
} hcu_memory_state;
enum { HCU_TEMPERATURE_GPU = 0, HCU_ECC_CORRECTED = 0, HCU_ECC_UNCORRECTED = 1, HCU_ECC_SINCE_BOOT = 0 };
/* Reasons why clocks are low that need a person: heat in software and in hardware, and too little power. */
enum { HCU_SLOW_HARDWARE = 0x8, HCU_SLOW_HEAT = 0x20, HCU_SLOW_HARDWARE_HEAT = 0x40, HCU_SLOW_POWER = 0x80 };

#define HCU_MANAGEMENT_FUNCTIONS(X) \
    X(nvmlInit, "nvmlInit_v2", (void)) \
    X(nvmlShutdown, "nvmlShutdown", (void)) \
    X(nvmlDeviceGetHandleByUUID, "nvmlDeviceGetHandleByUUID", (const char *uuid, hcu_managed *device)) \
    X(nvmlDeviceGetTemperature, "nvmlDeviceGetTemperature", (hcu_managed device, int32_t sensor, uint32_t *celsius)) \
    X(nvmlDeviceGetPowerUsage, "nvmlDeviceGetPowerUsage", (hcu_managed device, uint32_t *milliwatts)) \
    X(nvmlDeviceGetTotalEnergyConsumption, "nvmlDeviceGetTotalEnergyConsumption", \
      (hcu_managed device, uint64_t *millijoules)) \
    X(nvmlDeviceGetUtilizationRates, "nvmlDeviceGetUtilizationRates", (hcu_managed device, hcu_utilization *rates)) \
    X(nvmlDeviceGetMemoryInfo, "nvmlDeviceGetMemoryInfo", (hcu_managed device, hcu_memory_state *memory)) \
    X(nvmlDeviceGetTotalEccErrors, "nvmlDeviceGetTotalEccErrors", \
      (hcu_managed device, int32_t kind, int32_t counter, uint64_t *count)) \
    X(nvmlDeviceGetCurrentClocksThrottleReasons, "nvmlDeviceGetCurrentClocksThrottleReasons", \
      (hcu_managed device, uint64_t *reasons))

/* ---- The tables ---- */

#define HCU_REQUIRED_FIELD(name, symbol, parameters) int32_t(*_Nonnull name) parameters;
#define HCU_OPTIONAL_FIELD(name, symbol, parameters) int32_t(*_Nullable name) parameters;

typedef struct hcu_driver {
    HCU_DRIVER_FUNCTIONS(HCU_REQUIRED_FIELD)
    HCU_DRIVER_OPTIONAL(HCU_OPTIONAL_FIELD)
} hcu_driver;

typedef struct hcu_compiler {
    HCU_COMPILER_FUNCTIONS(HCU_REQUIRED_FIELD)
} hcu_compiler;

typedef struct hcu_blas {
    HCU_BLAS_FUNCTIONS(HCU_REQUIRED_FIELD)
} hcu_blas;

typedef struct hcu_management {
    HCU_MANAGEMENT_FUNCTIONS(HCU_REQUIRED_FIELD)
} hcu_management;

/*
 * Opens a library and looks up its functions. `folders` is a list with colons that is searched first, or NULL;
 * `only` 1 searches nothing else, 0 then asks the system's loader. NULL where the library or a required function is
 * not there; `missing`, where not NULL, then gets the name of that function, or NULL for no library. Tables and
 * libraries stay for the life of the process.
 */
const hcu_driver *_Nullable hcu_open_driver(const char *_Nullable folders, int only, const char **_Nullable missing);
const hcu_compiler *_Nullable hcu_open_compiler(
    const char *_Nullable folders, int only, const char **_Nullable missing);
const hcu_blas *_Nullable hcu_open_blas(const char *_Nullable folders, int only, const char **_Nullable missing);
const hcu_management *_Nullable hcu_open_management(
    const char *_Nullable folders, int only, const char **_Nullable missing);

/* ---- A thread that runs functions for another one, which waits for it meanwhile ---- */

typedef struct hcu_worker hcu_worker;

hcu_worker *_Nullable hcu_worker_create(void);
/* Runs body(argument) on the worker's thread and returns when it has run. One caller at a time. */
void hcu_worker_run(hcu_worker *_Nonnull worker, void (*_Nonnull body)(void *_Nullable), void *_Nullable argument);
/* 1 where the caller is the worker's own thread. */
int hcu_worker_is_current(const hcu_worker *_Nonnull worker);
void hcu_worker_destroy(hcu_worker *_Nonnull worker);

/* ---- Host functions of our own: they make no call of CUDA, and so may run on the driver's thread ---- */

/* A block of rows and planes to move or to fill on the host. Kept by whoever submits it until it has run. */
typedef struct hcu_host_work {
    uint8_t *_Nullable target;
    const uint8_t *_Nullable source; /* NULL: fill with `value` */
    uint64_t width, height, depth;
    uint64_t target_row, target_plane, source_row, source_plane;
    uint32_t value;
    uint32_t last; /* 1: `done` is called after it, with `owner` */
    void (*_Nullable done)(void *_Nullable owner);
    void *_Nullable owner;
} hcu_host_work;

/* Does the work; `work` points to a hcu_host_work. */
void hcu_host_run(void *_Nullable work);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

#endif
