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

void ck_layer_norm_gradient_f32(
    size_t rows, size_t columns, float epsilon, const float *gradient, const float *in, const float *scale, float *by_in,
    float *statistics) {
    CK_DISPATCH(layer_norm_gradient_f32, rows, columns, epsilon, gradient, in, scale, by_in, statistics);
}

void ck_layer_norm_sums_f32(
    size_t rows, size_t columns, size_t column_begin, size_t column_end, const float *gradient, const float *in,
    const float *statistics, float *by_scale, float *by_bias) {
    CK_DISPATCH(
        layer_norm_sums_f32, rows, columns, column_begin, column_end, gradient, in, statistics, by_scale, by_bias);
}

void ck_batch_norm_f32(
    size_t channels, size_t size, float epsilon, const float *in, const float *scale, const float *bias,
    const float *mean, const float *variance, float *out, size_t plane_begin, size_t plane_end) {
    CK_DISPATCH(
        batch_norm_f32, channels, size, epsilon, in, scale, bias, mean, variance, out, plane_begin, plane_end);
}

void ck_reduce_sum_f32(
    size_t outer_begin, size_t outer_end, size_t axis, size_t inner, size_t inner_begin, size_t inner_end, float factor,
    const float *in, float *out) {
    CK_DISPATCH(reduce_sum_f32, outer_begin, outer_end, axis, inner, inner_begin, inner_end, factor, in, out);
}
