// What every kernel source starts with: element types as they lie in memory, and as they are computed with.
//
// ELEMENT is the number of the type as ONNX counts them. Each source is compiled once for each type it is used with. There is
// nothing to include: conversions of half numbers are our own, with the machine's instruction where there is one.

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;

// The highest rank of a tensor that kernels with strides take.
#define RANK 8

struct Half { unsigned short bits; };
struct Brain { unsigned short bits; };

__device__ inline u32 bits_of(float value) {
    union { float value; u32 bits; } both;
    both.value = value;
    return both.bits;
}

__device__ inline float float_of(u32 bits) {
    union { float value; u32 bits; } both;
    both.bits = bits;
    return both.value;
}

__device__ inline float widen(Half half) {
#if defined(__CUDA_ARCH__) && !defined(HENG_NO_ASSEMBLY)
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half.bits));
    return value;
#else
    u32 sign = (u32)(half.bits & 0x8000) << 16, exponent = half.bits >> 10 & 31, fraction = half.bits & 1023;
    if (exponent == 31) return float_of(sign | 0x7f800000 | fraction << 13);
    if (exponent) return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    float small = (float)fraction * (1.0f / 16777216.0f);
    return sign ? -small : small;
#endif
}

__device__ inline float widen(Brain brain) { return float_of((u32)brain.bits << 16); }

__device__ inline Half narrow_half(float value) {
    Half half;
#if defined(__CUDA_ARCH__) && !defined(HENG_NO_ASSEMBLY)
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half.bits) : "f"(value));
#else
    u32 bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
        half.bits = (unsigned short)(sign | 0x7e00);
    } else if (magnitude >= 0x477ff000) { // rounds to what halves cannot hold
        half.bits = (unsigned short)(sign | 0x7c00);
    } else if (magnitude >= 0x38800000) {
        u32 rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
        half.bits = (unsigned short)(sign | ((rounded - 0x38000000) >> 13));
    } else {
        // The unit of small halves is 2^-24; adding 0.5 makes the sum's last place that unit.
        float sum = float_of(magnitude) + 0.5f;
        half.bits = (unsigned short)(sign | (bits_of(sum) - 0x3f000000));
    }
#endif
    return half;
}

__device__ inline Brain narrow_brain(float value) {
    u32 bits = bits_of(value);
    Brain brain;
    if ((bits & 0x7fffffff) > 0x7f800000)
        brain.bits = (unsigned short)(bits >> 16 | 0x40);
    else
        brain.bits = (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    return brain;
}

// How a type lies in memory (Stored), is computed with (Number) and is added up in (Total).
template <int type> struct Element;

template <typename S, typename T> struct Plain {
    typedef S Stored;
    typedef S Number;
    typedef T Total;
    __device__ static S load(const S *place, i64 index) { return place[index]; }
    __device__ static void store(S *place, i64 index, S value) { place[index] = value; }
};

template <> struct Element<1> : Plain<float, float> {};
template <> struct Element<2> : Plain<unsigned char, i64> {};
template <> struct Element<3> : Plain<signed char, i64> {};
template <> struct Element<4> : Plain<unsigned short, i64> {};
template <> struct Element<5> : Plain<short, i64> {};
template <> struct Element<6> : Plain<int, i64> {};
template <> struct Element<7> : Plain<i64, i64> {};
template <> struct Element<9> : Plain<unsigned char, i64> {};
template <> struct Element<11> : Plain<double, double> {};
template <> struct Element<12> : Plain<u32, i64> {};
template <> struct Element<13> : Plain<u64, i64> {};

template <> struct Element<10> {
    typedef Half Stored;
    typedef float Number;
    typedef float Total;
    __device__ static float load(const Half *place, i64 index) { return widen(place[index]); }
    __device__ static void store(Half *place, i64 index, float value) { place[index] = narrow_half(value); }
};

template <> struct Element<16> {
    typedef Brain Stored;
    typedef float Number;
    typedef float Total;
    __device__ static float load(const Brain *place, i64 index) { return widen(place[index]); }
    __device__ static void store(Brain *place, i64 index, float value) { place[index] = narrow_brain(value); }
};

#ifndef ELEMENT
#define ELEMENT 1
#endif
typedef Element<ELEMENT> E;
typedef E::Stored element;
typedef E::Number number;
typedef E::Total total;

#define IS_REAL (ELEMENT == 1 || ELEMENT == 10 || ELEMENT == 11 || ELEMENT == 16)

// A function of the mathematics library for the type that is computed with.
#if ELEMENT == 11
#define MATH(name) name
#else
#define MATH(name) name##f
#endif

// Every element of [0, count), over any number of blocks.
#define FOR_EACH(index, count) \
    for (i64 index = (i64)blockIdx.x * blockDim.x + threadIdx.x; index < (count); \
         index += (i64)gridDim.x * blockDim.x)
