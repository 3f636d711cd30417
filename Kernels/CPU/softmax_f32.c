#include <math.h>

#include "ckernels.h"
#include "variants.h"

#include "pass_baseline.h"
#include "softmax_f32.inc"
#if CK_HAVE_AVX2
#include "pass_avx2.h"
#include "softmax_f32.inc"
#endif

void ck_softmax_f32(size_t rows, size_t columns, const float *in, float *out) {
    CK_DISPATCH(softmax_f32, rows, columns, in, out);
}

void ck_log_softmax_f32(size_t rows, size_t columns, const float *in, float *out) {
    CK_DISPATCH(log_softmax_f32, rows, columns, in, out);
}

void ck_softmax_gradient_f32(
    size_t rows, size_t columns, const float *gradient, const float *softmax, float *out) {
    CK_DISPATCH(softmax_gradient_f32, rows, columns, gradient, softmax, out);
}

float ck_cross_entropy_f32(size_t rows, size_t columns, const float *scores, const int64_t *labels) {
#if CK_HAVE_AVX2
    if (ck_runs_avx2()) return cross_entropy_f32_avx2(rows, columns, scores, labels);
#endif
    return cross_entropy_f32_baseline(rows, columns, scores, labels);
}

void ck_cross_entropy_gradient_f32(
    size_t rows, size_t columns, float factor, const float *scores, const int64_t *labels, float *out) {
    CK_DISPATCH(cross_entropy_gradient_f32, rows, columns, factor, scores, labels, out);
}
