#include "ckernels.h"
#include "variants.h"

#include "pass_baseline.h"
#include "conv2d_f32.inc"
#if CK_HAVE_AVX2
#include "pass_avx2.h"
#include "conv2d_f32.inc"
#endif

int ck_conv2d_is_pointwise(const ck_conv2d *s) {
    return s->kernel_height == 1 && s->kernel_width == 1 && s->stride_height == 1 && s->stride_width == 1
        && s->pad_top == 0 && s->pad_left == 0 && s->in_height == s->out_height && s->in_width == s->out_width;
}

static size_t depth_of(const ck_conv2d *s) { return s->in_channels / s->groups * s->kernel_height * s->kernel_width; }

size_t ck_conv2d_packed_count_f32(const ck_conv2d *s) {
    return s->groups * ck_ceil_divide(s->out_channels / s->groups, CK_TILE_ROWS) * CK_TILE_ROWS * depth_of(s);
}

void ck_conv2d_pack_f32(const ck_conv2d *s, const float *weights, float *packed) {
    const size_t depth = depth_of(s), block = ck_gemm_depth_block(depth), rows = s->out_channels / s->groups;
    for (size_t group = 0; group < s->groups; group++, weights += rows * depth) {
        for (size_t k = 0; k < depth; k += block) {
            const size_t steps = ck_min(block, depth - k);
            for (size_t row = 0; row < rows; row += CK_TILE_ROWS)
                for (size_t step = 0; step < steps; step++)
                    for (size_t i = 0; i < CK_TILE_ROWS; i++)
                        *packed++ = row + i < rows ? weights[(row + i) * depth + k + step] : 0.0f;
        }
    }
}

size_t ck_conv2d_scratch_count_f32(const ck_conv2d *s, size_t pixels) {
    return ck_gemm_depth_block(depth_of(s)) * ck_ceil_divide(pixels, CK_TILE_COLUMNS) * CK_TILE_COLUMNS;
}

void ck_conv2d_f32(
    const ck_conv2d *shape, const float *input, const float *packed_weights, const ck_epilogue *epilogue, float *output,
    size_t group, size_t pixel_begin, size_t pixel_end, size_t channel_begin, size_t channel_end, float *scratch) {
    CK_DISPATCH(
        conv2d_f32, shape, input, packed_weights, epilogue, output, group, pixel_begin, pixel_end, channel_begin,
        channel_end, scratch);
}

void ck_depthwise_conv2d_f32(
    const ck_conv2d *shape, const float *input, const float *weights, const ck_epilogue *epilogue, float *output,
    size_t plane_begin, size_t plane_end) {
    CK_DISPATCH(depthwise_conv2d_f32, shape, input, weights, epilogue, output, plane_begin, plane_end);
}
