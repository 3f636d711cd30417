/* The structs of DLPack 1 as its public interface lays them out; declared here so that no other header is needed. */
#ifndef HENG_DLPACK_H
#define HENG_DLPACK_H

#include <stdint.h>

enum { DLPACK_MAJOR = 1, DLPACK_MINOR = 0 };

/* Device types: memory of the host, plain or locked in place for a device. */
enum { DLPACK_HOST = 1, DLPACK_CUDA_HOST = 3, DLPACK_ROCM_HOST = 11 };

/* Codes of element types. */
enum {
    DLPACK_INT = 0,
    DLPACK_UINT = 1,
    DLPACK_FLOAT = 2,
    DLPACK_BFLOAT = 4,
    DLPACK_COMPLEX = 5,
    DLPACK_BOOL = 6,
    DLPACK_FLOAT8_E4M3FN = 10,
    DLPACK_FLOAT8_E4M3FNUZ = 11,
    DLPACK_FLOAT8_E5M2 = 12,
    DLPACK_FLOAT8_E5M2FNUZ = 13,
    DLPACK_FLOAT8_E8M0 = 14,
    DLPACK_FLOAT4_E2M1 = 17
};

/* Flags: only for reading; elements of fewer than 8 bits take a byte each. */
enum { DLPACK_READ_ONLY = 1, DLPACK_PADDED = 4 };

struct dlpack_type {
    uint8_t code;
    uint8_t bits;
    uint16_t lanes;
};

struct DLManagedTensorVersioned {
    struct {
        uint32_t major;
        uint32_t minor;
    } version;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    struct {
        void *data;
        struct {
            int32_t type;
            int32_t id;
        } device;
        int32_t ndim;
        struct dlpack_type dtype;
        int64_t *shape;
        int64_t *strides;
        uint64_t byte_offset;
    } tensor;
};

#endif
