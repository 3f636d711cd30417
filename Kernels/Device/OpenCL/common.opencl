// What all kernels share: element types and the walk through tensors whose elements do not lie in order.
//
// HENG_TYPE is the number of the element type (those of ONNX). TYPE is how an element lies in memory, VALUE what is
// computed with, SUM what many values are added up in. A tensor is a buffer and an offset in bytes.
//
// A program holds one kernel: HENG_KERNEL_x is defined for the kernel x, and HENG_OPERATOR names a macro of the
// operator where a kernel serves several. So a program is built, kept and loaded in the time of one kernel.

#define GLUE_(a, b) a##b
#define GLUE(a, b) GLUE_(a, b)
#define APPLY(macro, ...) macro(__VA_ARGS__)

#if defined(cl_khr_fp64) || defined(HENG_FP64)
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define REAL_SUM double
#else
#define REAL_SUM float
#endif

#define LOAD_AS_IS(p, i) ((p)[i])
#define STORE_AS_IS(p, i, v) ((p)[i] = (v))
#define LOAD_HALF(p, i) vload_half((i), (p))
#define STORE_HALF(p, i, v) vstore_half((v), (i), (p))
#define LOAD_BFLOAT(p, i) as_float((uint)(p)[i] << 16)
#define STORE_BFLOAT(p, i, v) ((p)[i] = bfloat_of(v))

// Rounds to the nearest, ties to even; what is not a number stays so.
inline ushort bfloat_of(float value) {
    uint bits = as_uint(value);
    if (value != value) return (ushort)((bits >> 16) | 0x40);
    return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

#if HENG_TYPE == 1
#define TYPE float
#define VALUE float
#define SUM REAL_SUM
#define REAL 1
#elif HENG_TYPE == 10
#define TYPE half
#define VALUE float
#define SUM REAL_SUM
#define REAL 1
#define LOAD LOAD_HALF
#define STORE STORE_HALF
#elif HENG_TYPE == 16
#define TYPE ushort
#define VALUE float
#define SUM REAL_SUM
#define REAL 1
#define LOAD LOAD_BFLOAT
#define STORE STORE_BFLOAT
#elif HENG_TYPE == 11
#define TYPE double
#define VALUE double
#define SUM double
#define REAL 1
#elif HENG_TYPE == 2
#define TYPE uchar
#define VALUE uchar
#define SUM ulong
#elif HENG_TYPE == 9
#define TYPE uchar
#define VALUE uchar
#define SUM ulong
#define TRUTH 1
#elif HENG_TYPE == 3
#define TYPE char
#define VALUE char
#define SUM long
#elif HENG_TYPE == 4
#define TYPE ushort
#define VALUE ushort
#define SUM ulong
#elif HENG_TYPE == 5
#define TYPE short
#define VALUE short
#define SUM long
#elif HENG_TYPE == 6
#define TYPE int
#define VALUE int
#define SUM long
#elif HENG_TYPE == 12
#define TYPE uint
#define VALUE uint
#define SUM ulong
#elif HENG_TYPE == 7
#define TYPE long
#define VALUE long
#define SUM long
#elif HENG_TYPE == 13
#define TYPE ulong
#define VALUE ulong
#define SUM ulong
#endif

#ifndef LOAD
#define LOAD LOAD_AS_IS
#define STORE STORE_AS_IS
#endif

#define IN(type, p, offset) ((global const type *)((global const char *)(p) + (offset)))
#define OUT(type, p, offset) ((global type *)((global char *)(p) + (offset)))

// How an index in row-major order becomes a place in each of up to three tensors; strides count elements.
typedef struct {
    uint dims[8];
    long first[8];
    long second[8];
    long third[8];
    uint rank;
    uint unused;
} Walk;

#define WALK(walk, index, strides, place)                                  \
    long place = 0;                                                        \
    {                                                                      \
        uint left = (uint)(index);                                         \
        for (int axis = (int)(walk).rank - 1; axis >= 0; axis--) {         \
            uint extent = (walk).dims[axis];                               \
            uint rest = left / extent;                                     \
            place += (long)(left - rest * extent) * (walk).strides[axis];  \
            left = rest;                                                   \
        }                                                                  \
    }

// For kernels that only move elements, HENG_SIZE is the bytes of one.
#if HENG_SIZE == 1
#define ELEMENT uchar
#elif HENG_SIZE == 2
#define ELEMENT ushort
#elif HENG_SIZE == 4
#define ELEMENT uint
#else
#define ELEMENT ulong
#endif
