/*
 * How one source becomes several builds of each kernel.
 *
 * A subject's code sits in NAME.inc, written with GCC's vector extensions for a vector of CK_LANES floats. NAME.c
 * includes it once per instruction set: CK_TARGET marks the functions, CK_(name) adds the suffix, and the public
 * function in NAME.c takes the best build at run time. The baseline build is the whole truth on machines that are not
 * x86-64, and is what x86-64 machines without AVX2 and FMA run.
 */
#ifndef CK_VARIANTS_H
#define CK_VARIANTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define CK_HAVE_AVX2 1
/* Reads a variable that the runtime filled before main; a few instructions. */
static inline int ck_runs_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#define CK_DISPATCH(name, ...) \
    do { \
        if (ck_runs_avx2()) { \
            name##_avx2(__VA_ARGS__); \
        } else { \
            name##_baseline(__VA_ARGS__); \
        } \
    } while (0)
#else
#define CK_HAVE_AVX2 0
#define CK_DISPATCH(name, ...) name##_baseline(__VA_ARGS__)
#endif

#define CK_JOIN_(a, b) a##b
#define CK_JOIN(a, b) CK_JOIN_(a, b)
#define CK_(name) CK_JOIN(name, CK_SUFFIX)
#define CK_INLINE static inline __attribute__((always_inline)) CK_TARGET

static inline size_t ck_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t ck_ceil_divide(size_t a, size_t b) { return (a + b - 1) / b; }

#endif
