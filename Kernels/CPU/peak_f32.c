#include "ckernels.h"
#include "variants.h"

#if defined(__x86_64__)
#define CK_KEEP(value) __asm__ volatile("" : "+x"(value))
#elif defined(__aarch64__)
#define CK_KEEP(value) __asm__ volatile("" : "+w"(value))
#else
#define CK_KEEP(value) __asm__ volatile("" : "+m"(value))
#endif

#include "pass_baseline.h"
#include "peak_f32.inc"
#if CK_HAVE_AVX2
#include "pass_avx2.h"
#include "peak_f32.inc"
#endif

size_t ck_fma_peak_f32(size_t rounds, float *result) {
    CK_DISPATCH(fma_peak_f32, rounds, result);
#if CK_HAVE_AVX2
    if (ck_runs_avx2()) return rounds * 10 * 8 * 2;
#endif
    return rounds * 10 * 4 * 2;
}
