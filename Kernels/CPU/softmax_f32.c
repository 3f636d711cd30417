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
