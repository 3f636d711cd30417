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

/* The input row or column of tap k of window `at`, or -1 in the padding. */
static ptrdiff_t tap_place(size_t at, size_t stride, size_t k, size_t dilation, size_t pad, size_t extent) {
    const ptrdiff_t place = (ptrdiff_t)(at * stride + k * dilation) - (ptrdiff_t)pad;
    return place >= 0 && place < (ptrdiff_t)extent ? place : -1;
}

void ck_max_pool2d_gradient_f32(
    const ck_pool2d *s, const float *gradient, const float *input, float *out, size_t plane_begin, size_t plane_end) {
    const size_t in_size = s->in_height * s->in_width;
    for (size_t plane = plane_begin; plane < plane_end; plane++) {
        const float *in = input + plane * in_size;
        float *to = out + plane * in_size;
        memset(to, 0, in_size * sizeof(float));
        for (size_t y = 0; y < s->out_height; y++) {
            for (size_t x = 0; x < s->out_width; x++) {
                size_t best = in_size;
                for (size_t ky = 0; ky < s->kernel_height; ky++) {
                    const ptrdiff_t row =
                        tap_place(y, s->stride_height, ky, s->dilation_height, s->pad_top, s->in_height);
                    for (size_t kx = 0; row >= 0 && kx < s->kernel_width; kx++) {
                        const ptrdiff_t column =
                            tap_place(x, s->stride_width, kx, s->dilation_width, s->pad_left, s->in_width);
                        if (column < 0) continue;
                        const size_t at = (size_t)row * s->in_width + (size_t)column;
                        if (best == in_size || in[at] > in[best] || (in[at] != in[at] && in[best] == in[best])) best = at;
                    }
                }
                if (best < in_size) to[best] += gradient[(plane * s->out_height + y) * s->out_width + x];
            }
        }
    }
}

void ck_average_pool2d_gradient_f32(
    const ck_pool2d *s, const float *gradient, float *out, size_t plane_begin, size_t plane_end) {
    const size_t in_size = s->in_height * s->in_width;
    for (size_t plane = plane_begin; plane < plane_end; plane++) {
        float *to = out + plane * in_size;
        memset(to, 0, in_size * sizeof(float));
        for (size_t y = 0; y < s->out_height; y++) {
            for (size_t x = 0; x < s->out_width; x++) {
                size_t taps = 0;
                float share = gradient[(plane * s->out_height + y) * s->out_width + x];
                for (int pass = 0; pass < 2; pass++) {
                    if (pass == 1) share /= (float)(s->count_padding ? s->kernel_height * s->kernel_width : taps);
                    for (size_t ky = 0; ky < s->kernel_height; ky++) {
                        const ptrdiff_t row =
                            tap_place(y, s->stride_height, ky, s->dilation_height, s->pad_top, s->in_height);
                        for (size_t kx = 0; row >= 0 && kx < s->kernel_width; kx++) {
                            const ptrdiff_t column =
                                tap_place(x, s->stride_width, kx, s->dilation_width, s->pad_left, s->in_width);
                            if (column < 0) continue;
                            if (pass == 0) {
                                taps++;
                            } else {
                                to[(size_t)row * s->in_width + (size_t)column] += share;
                            }
                        }
                    }
                }
            }
        }
    }
}
