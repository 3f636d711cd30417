#include "ckernels.h"
#include "variants.h"

#include "pass_baseline.h"
#include "normalization_f32.inc"
#if CK_HAVE_AVX2
#include "pass_avx2.h"
#include "normalization_f32.inc"
#endif

void ck_layer_norm_f32(
    size_t rows, size_t columns, float epsilon, const float *in, const float *scale, const float *bias, float *out) {
    CK_DISPATCH(layer_norm_f32, rows, columns, epsilon, in, scale, bias, out);
}

void ck_reduce_sum_f32(
    size_t outer_begin, size_t outer_end, size_t axis, size_t inner, float scale, const float *in, float *out) {
    CK_DISPATCH(reduce_sum_f32, outer_begin, outer_end, axis, inner, scale, in, out);
}
