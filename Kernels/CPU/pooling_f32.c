#include "ckernels.h"
#include "variants.h"

#include "pass_baseline.h"
#include "pooling_f32.inc"
#if CK_HAVE_AVX2
#include "pass_avx2.h"
#include "pooling_f32.inc"
#endif

void ck_max_pool2d_f32(
    const ck_pool2d *shape, const float *input, float *output, size_t plane_begin, size_t plane_end) {
    CK_DISPATCH(pool2d_f32, shape, 0, input, output, plane_begin, plane_end);
}

void ck_average_pool2d_f32(
    const ck_pool2d *shape, const float *input, float *output, size_t plane_begin, size_t plane_end) {
    CK_DISPATCH(pool2d_f32, shape, 1, input, output, plane_begin, plane_end);
}
