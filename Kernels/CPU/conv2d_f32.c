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

/* Calls for each run of input elements in one row that one tap pairs with output elements in one row. */
typedef struct {
    size_t in_at, out_at, count; /* Offsets inside an input plane and an output plane. */
} row_pair;

/* The pairs of tap (ky, kx) with output row y; count 0 when the tap misses the input there. */
static row_pair pair_rows(const ck_conv2d *s, size_t ky, size_t kx, size_t y) {
    const ptrdiff_t stride = (ptrdiff_t)s->stride_width, width = (ptrdiff_t)s->in_width;
    const ptrdiff_t row = (ptrdiff_t)(y * s->stride_height + ky * s->dilation_height) - (ptrdiff_t)s->pad_top;
    const ptrdiff_t shift = (ptrdiff_t)(kx * s->dilation_width) - (ptrdiff_t)s->pad_left;
    row_pair none = {0, 0, 0};
    if (row < 0 || row >= (ptrdiff_t)s->in_height) return none;
    const ptrdiff_t begin = shift < 0 ? (-shift + stride - 1) / stride : 0;
    ptrdiff_t end = shift >= width ? 0 : (width - shift + stride - 1) / stride;
    if (end > (ptrdiff_t)s->out_width) end = (ptrdiff_t)s->out_width;
    if (begin >= end) return none;
    row_pair pair = {
        (size_t)(row * width + begin * stride + shift), y * s->out_width + (size_t)begin, (size_t)(end - begin)};
    return pair;
}

void ck_conv2d_columns_f32(
    const ck_conv2d *s, const float *input, size_t image, size_t group, size_t k_begin, size_t k_end, float *columns) {
    const size_t taps = s->kernel_height * s->kernel_width, pixels = s->out_height * s->out_width;
    const size_t first = group * (s->in_channels / s->groups);
    for (size_t k = k_begin; k < k_end; k++) {
        const float *plane =
            input + (image * s->in_channels + first + k / taps) * s->in_height * s->in_width;
        float *line = columns + (k - k_begin) * pixels;
        memset(line, 0, pixels * sizeof(float));
        for (size_t y = 0; y < s->out_height; y++) {
            const row_pair pair = pair_rows(s, k % taps / s->kernel_width, k % s->kernel_width, y);
            const float *from = plane + pair.in_at;
            if (s->stride_width == 1) {
                memcpy(line + pair.out_at, from, pair.count * sizeof(float));
            } else {
                for (size_t i = 0; i < pair.count; i++) line[pair.out_at + i] = from[i * s->stride_width];
            }
        }
    }
}

void ck_conv2d_add_columns_f32(
    const ck_conv2d *s, const float *columns, size_t image, size_t group, size_t channel_begin, size_t channel_end,
    float *input) {
    const size_t taps = s->kernel_height * s->kernel_width, pixels = s->out_height * s->out_width;
    const size_t size = s->in_height * s->in_width, first = group * (s->in_channels / s->groups);
    for (size_t channel = channel_begin; channel < channel_end; channel++) {
        float *plane = input + (image * s->in_channels + first + channel) * size;
        memset(plane, 0, size * sizeof(float));
        for (size_t tap = 0; tap < taps; tap++) {
            const float *line = columns + (channel * taps + tap) * pixels;
            for (size_t y = 0; y < s->out_height; y++) {
                const row_pair pair = pair_rows(s, tap / s->kernel_width, tap % s->kernel_width, y);
                float *to = plane + pair.in_at;
                if (s->stride_width == 1) {
                    for (size_t i = 0; i < pair.count; i++) to[i] += line[pair.out_at + i];
                } else {
                    for (size_t i = 0; i < pair.count; i++) to[i * s->stride_width] += line[pair.out_at + i];
                }
            }
        }
    }
}
