/*
 * CPU kernels in C, called by Heng's CPU backend.
 *
 * For every function here: no global state, no allocation, no locks, so any number of threads may call it at once as
 * long as no two write the same elements. Pointers are borrowed for the call. Blocks of floats need the alignment of a
 * float only. Inputs and outputs must not overlap unless the comment allows it. Work is split among threads by the
 * caller, through begin and end arguments; the split never changes a result's bits.
 * Each function runs the best build that the processor has (AVX2 with FMA, or the baseline).
 */
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Matrix product -------------------------------------------------------------------------------------------- */

/* The tile that stays in registers, and the longest block of the depth between two visits to C. */
#define CK_TILE_ROWS 6
#define CK_TILE_COLUMNS 16
#define CK_DEPTH_BLOCK 320

typedef enum { CK_ACTIVATION_NONE = 0, CK_ACTIVATION_RELU = 1, CK_ACTIVATION_GELU = 2 } ck_activation;

/*
 * What happens to each element of a product on its way to memory:
 * activation(product + row_bias[row] + column_bias[column] + residual[row][column]). NULL leaves a part out.
 * residual may be the output itself.
 */
typedef struct {
    const float *row_bias;
    const float *column_bias;
    const float *residual;
    size_t residual_stride;
    ck_activation activation;
} ck_epilogue;

/* The even share of `depth` per block: the smallest number of blocks of at most CK_DEPTH_BLOCK. */
size_t ck_gemm_depth_block(size_t depth);

/* Floats that the packed form of a depth x columns matrix takes. */
size_t ck_gemm_packed_count_f32(size_t depth, size_t columns);

/*
 * Packs columns [column_begin, column_end) of B for ck_gemm_f32. column_begin is a multiple of 16, and so is
 * column_end unless it is `columns`. B[k][j] is b[k * depth_stride + j * column_stride]. Missing columns of the last
 * panel are zero. The packed block is the concatenation over depth blocks, then panels of 16 columns, then depth.
 */
void ck_gemm_pack_f32(
    size_t depth, size_t columns, const float *b, size_t depth_stride, size_t column_stride, size_t column_begin,
    size_t column_end, float *packed);

/*
 * C = epilogue(A B), or C += A B before the epilogue with `accumulate`.
 *
 * A[i][k] is a[i * a_row_stride + k * a_depth_stride]: row-major, transposed and packed forms are all strides.
 * C[i][j] is c[i * c_stride + j], and so is the residual with its own stride. depth 0 gives epilogue(0).
 */
typedef struct {
    size_t depth, columns;
    const float *a;
    size_t a_row_stride, a_depth_stride;
    const float *packed_b;
    float *c;
    size_t c_stride;
    int accumulate;
    ck_epilogue epilogue;
} ck_gemm;

/*
 * Computes rows [row_begin, row_end) and columns [column_begin, column_end) of C. column_begin is a multiple of 16, and
 * so is column_end unless it is the number of columns. NaN and infinity behave as IEEE 754 says. The order in which an
 * element's products are added depends on the depth and on how many of the last rows share its tile, so a split of
 * the rows at multiples of CK_TILE_ROWS leaves every bit as it is.
 */
void ck_gemm_f32(const ck_gemm *gemm, size_t row_begin, size_t row_end, size_t column_begin, size_t column_end);

/* ---- Convolution ----------------------------------------------------------------------------------------------- */

/*
 * A 2-D convolution: input [batch][in_channels][in_height][in_width], weights
 * [out_channels][in_channels / groups][kernel_height][kernel_width], output
 * [batch][out_channels][out_height][out_width], all row-major. groups divides both channel counts. The padding at the
 * bottom and right is whatever the output's extents ask for. No extent is 0. Padding counts as zeros that are multiplied
 * like any pixel, so a NaN among the weights also reaches the outputs at the border.
 */
typedef struct {
    size_t batch, groups;
    size_t in_channels, in_height, in_width;
    size_t out_channels, out_height, out_width;
    size_t kernel_height, kernel_width;
    size_t stride_height, stride_width;
    size_t dilation_height, dilation_width;
    size_t pad_top, pad_left;
} ck_conv2d;

/* The most pixels that one call of ck_conv2d_f32 takes. */
#define CK_CONV_PIXELS 128

/* Whether the convolution is a plain matrix product: 1x1, stride 1, no padding. */
int ck_conv2d_is_pointwise(const ck_conv2d *shape);

/* Floats of the packed weights, of all groups. */
size_t ck_conv2d_packed_count_f32(const ck_conv2d *shape);

/* Packs the weights: per group, per depth block, panels of 6 output channels; missing channels are zero. */
void ck_conv2d_pack_f32(const ck_conv2d *shape, const float *weights, float *packed);

/* Floats of scratch that a call over this many pixels needs. */
size_t ck_conv2d_scratch_count_f32(const ck_conv2d *shape, size_t pixels);

/*
 * Computes the output channels [channel_begin, channel_end) of one group (counted inside the group; channel_begin a
 * multiple of 6) at pixels [pixel_begin, pixel_end) of all images in a row: pixel = (image * out_height + y) *
 * out_width + x, at most CK_CONV_PIXELS of them. The epilogue's row_bias is per output channel, its residual has the
 * output's shape, its column_bias is not used. scratch belongs to this call alone.
 */
void ck_conv2d_f32(
    const ck_conv2d *shape, const float *input, const float *packed_weights, const ck_epilogue *epilogue, float *output,
    size_t group, size_t pixel_begin, size_t pixel_end, size_t channel_begin, size_t channel_end, float *scratch);

/*
 * Depthwise convolution (groups == in_channels) with plain weights, over planes [plane_begin, plane_end) of
 * batch * out_channels.
 */
void ck_depthwise_conv2d_f32(
    const ck_conv2d *shape, const float *input, const float *weights, const ck_epilogue *epilogue, float *output,
    size_t plane_begin, size_t plane_end);

/* ---- Element by element ---------------------------------------------------------------------------------------- */

/*
 * out[i] = f(in[i]); out may be in. NaN gives NaN. Errors, against the exact value: relu, negate exact; reciprocal, sqrt
 * rounded; exp 2, tanh 4 units in the last place; sigmoid 4 units; erf 4e-7 and gelu 4e-7 max(1, |x|) absolute.
 */
void ck_relu_f32(size_t count, const float *in, float *out);
void ck_gelu_f32(size_t count, const float *in, float *out); /* x / 2 (1 + erf(x / sqrt 2)) */
void ck_tanh_f32(size_t count, const float *in, float *out);
void ck_exp_f32(size_t count, const float *in, float *out);
void ck_erf_f32(size_t count, const float *in, float *out);
void ck_sqrt_f32(size_t count, const float *in, float *out);
void ck_negate_f32(size_t count, const float *in, float *out);
void ck_reciprocal_f32(size_t count, const float *in, float *out);
void ck_sigmoid_f32(size_t count, const float *in, float *out);
void ck_log_f32(size_t count, const float *in, float *out); /* The C library's. */

/*
 * out[i] = gradient[i] * f'(in[i]); out may be gradient or in. relu's takes its output or its argument, tanh's the value
 * of tanh, gelu's its argument. NaN in `in` gives NaN.
 */
void ck_relu_gradient_f32(size_t count, const float *gradient, const float *in, float *out);
void ck_gelu_gradient_f32(size_t count, const float *gradient, const float *in, float *out);
void ck_tanh_gradient_f32(size_t count, const float *gradient, const float *tanh, float *out);

#define CK_MAX_RANK 8

typedef enum { CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE, CK_MAXIMUM, CK_MINIMUM } ck_binary;

/*
 * The output's extents, 1 to CK_MAX_RANK of them, none 0, and the steps in elements that each operand takes along them:
 * 0 where it is broadcast. The last step of each operand is 0 or 1. Neighbouring axes that an operand walks in one
 * stride should be joined by the caller, so that runs are long.
 */
typedef struct {
    size_t rank;
    size_t extents[CK_MAX_RANK], a_strides[CK_MAX_RANK], b_strides[CK_MAX_RANK];
} ck_broadcast;

/* Elements [begin, end) of the output in row-major order. out may be an operand that is not broadcast. */
void ck_binary_f32(
    ck_binary operation, const ck_broadcast *shape, size_t begin, size_t end, const float *a, const float *b,
    float *out);

/* ---- Along rows ------------------------------------------------------------------------------------------------ */

/*
 * Softmax of each row of a row-major matrix: out[r][c] = exp(in[r][c] - max_r) / sum_r. out may be in. A row with NaN or
 * with +infinity becomes NaN. columns may not be 0.
 */
void ck_softmax_f32(size_t rows, size_t columns, const float *in, float *out);

/* in[r][c] - max_r - log(sum_r); otherwise as ck_softmax_f32. */
void ck_log_softmax_f32(size_t rows, size_t columns, const float *in, float *out);

/* out[r][c] = softmax[r][c] * (gradient[r][c] - sum over j of gradient[r][j] * softmax[r][j]); out may be either. */
void ck_softmax_gradient_f32(size_t rows, size_t columns, const float *gradient, const float *softmax, float *out);

/*
 * (in - mean) / sqrt(variance + epsilon) * scale + bias for each row, with the variance of the row as a whole
 * population, found in a second pass. scale and bias hold `columns` floats or are NULL. out may be in.
 */
void ck_layer_norm_f32(
    size_t rows, size_t columns, float epsilon, const float *in, const float *scale, const float *bias, float *out);

/*
 * The gradients of layer normalisation, in two calls. The first, over rows: by_in, and each row's mean and
 * 1 / deviation in statistics[2 * rows]. by_in may be gradient if nobody needs the second call. The second, over
 * columns [column_begin, column_end) of all rows: by_scale and by_bias.
 */
void ck_layer_norm_gradient_f32(
    size_t rows, size_t columns, float epsilon, const float *gradient, const float *in, const float *scale, float *by_in,
    float *statistics);
void ck_layer_norm_sums_f32(
    size_t rows, size_t columns, size_t column_begin, size_t column_end, const float *gradient, const float *in,
    const float *statistics, float *by_scale, float *by_bias);

/* (in - mean) * scale / sqrt(variance + epsilon) + bias with a number per channel; planes of `size` floats each,
 * [batch][channels][size]. out may be in. */
void ck_batch_norm_f32(
    size_t channels, size_t size, float epsilon, const float *in, const float *scale, const float *bias,
    const float *mean, const float *variance, float *out, size_t plane_begin, size_t plane_end);

/* The mean over rows of -log softmax(scores[r])[labels[r]]. NaN if a label is not in [0, columns). */
float ck_cross_entropy_f32(size_t rows, size_t columns, const float *scores, const int64_t *labels);

/* out[r][c] = factor * (softmax(scores[r])[c] - (c == labels[r])); a row of NaN where the label is not a column. */
void ck_cross_entropy_gradient_f32(
    size_t rows, size_t columns, float factor, const float *scores, const int64_t *labels, float *out);

/*
 * out[o][i] = factor * sum over k of in[o][k][i] for in of shape [..][axis][inner], o in [outer_begin, outer_end) and i
 * in [inner_begin, inner_end). With inner 1 the row is summed in several chains. axis 0 gives zeros.
 */
void ck_reduce_sum_f32(
    size_t outer_begin, size_t outer_end, size_t axis, size_t inner, size_t inner_begin, size_t inner_end, float factor,
    const float *in, float *out);

/* ---- Pooling --------------------------------------------------------------------------------------------------- */

/* Windows over planes [batch * channels][in_height][in_width]. No extent is 0. */
typedef struct {
    size_t in_height, in_width, out_height, out_width;
    size_t kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
    size_t pad_top, pad_left;
    int count_padding; /* Averages divide by the whole window, not by its taps inside the plane. */
} ck_pool2d;

/* Planes [plane_begin, plane_end). A window that holds NaN gives NaN; one without any tap inside gives -infinity. */
void ck_max_pool2d_f32(
    const ck_pool2d *shape, const float *input, float *output, size_t plane_begin, size_t plane_end);

/* Planes [plane_begin, plane_end). A window without any tap inside gives NaN unless padding counts. */
void ck_average_pool2d_f32(
    const ck_pool2d *shape, const float *input, float *output, size_t plane_begin, size_t plane_end);

/*
 * Planes [plane_begin, plane_end) of the gradients by the pools' input. The largest element of a window takes the
 * whole gradient, the first of equals; a NaN counts as the largest. An average shares it out.
 */
void ck_max_pool2d_gradient_f32(
    const ck_pool2d *shape, const float *gradient, const float *input, float *out, size_t plane_begin, size_t plane_end);
void ck_average_pool2d_gradient_f32(
    const ck_pool2d *shape, const float *gradient, float *out, size_t plane_begin, size_t plane_end);

/* ---- Gradients of convolution ---------------------------------------------------------------------------------- */

/*
 * Writes rows [k_begin, k_end) of the unrolled input of one image and group: columns[k - k_begin][pixel] is what tap k =
 * (channel, ky, kx) sees for that output pixel, or 0 in the padding. The gradient by the weights is the gradient's
 * matrix times the transpose of this one.
 */
void ck_conv2d_columns_f32(
    const ck_conv2d *shape, const float *input, size_t image, size_t group, size_t k_begin, size_t k_end,
    float *columns);

/*
 * The reverse: sets channels [channel_begin, channel_end) of one image and group of `input` to the sums of the unrolled
 * matrix's elements that stand for each pixel. `columns` holds all taps of the group.
 */
void ck_conv2d_add_columns_f32(
    const ck_conv2d *shape, const float *columns, size_t image, size_t group, size_t channel_begin, size_t channel_end,
    float *input);

/* ---- Updates of parameters ------------------------------------------------------------------------------------- */

/* Outputs may be the inputs they replace. NaN stays in its element. */

/* g = gradient + weight_decay * p; v' = momentum * v + g; p' = p - rate * (nesterov ? g + momentum * v' : v'). */
typedef struct {
    float rate, momentum, weight_decay;
    int nesterov;
} ck_sgd;

void ck_sgd_update_f32(
    size_t count, const ck_sgd *rule, const float *parameter, const float *gradient, const float *velocity,
    float *new_parameter, float *new_velocity);

/*
 * m' = beta1 m + rest1 g; v' = beta2 v + rest2 g g; rest is 1 - beta, and a factor 1 / (1 - beta^step), each rounded once
 * by the caller. p' = p - rate * (m' first_factor / (sqrt(v' second_factor) + epsilon) + weight_decay p).
 */
typedef struct {
    float rate, beta1, beta2, rest1, rest2, epsilon, weight_decay, first_factor, second_factor;
} ck_adam;

void ck_adam_update_f32(
    size_t count, const ck_adam *rule, const float *parameter, const float *gradient, const float *first,
    const float *second, float *new_parameter, float *new_first, float *new_second);

/* ---- Movement -------------------------------------------------------------------------------------------------- */

/*
 * out[p] = in[sum of p_axis * in_strides[axis]] over 4-byte elements, for p in `extents` (1 to CK_MAX_RANK of them, none
 * 0), out dense and row-major: permutations, slices (also backwards) and expansions. Only p_0 in [begin, end) is
 * written. Where the input is dense along another axis than the last, squares of 16 are moved at a time.
 */
void ck_transpose_32(
    size_t rank, const size_t *extents, const ptrdiff_t *in_strides, const void *in, void *out, size_t begin,
    size_t end);

/*
 * out[o][n][i] = in[o][indices[n]][i] over 4-byte elements, for in of shape [..][extent][inner], o in [outer_begin,
 * outer_end). An index below zero counts from the end; one outside the axis gives elements of the bits `missing`.
 */
void ck_gather_32(
    size_t outer_begin, size_t outer_end, size_t extent, size_t inner, const int64_t *indices, size_t count,
    uint32_t missing, const void *in, void *out);

/* The reverse: out[o][indices[n]][i] is the sum of in[o][n][i] in the order of n; indices outside add nothing. */
void ck_scatter_add_f32(
    size_t outer_begin, size_t outer_end, size_t extent, size_t inner, const int64_t *indices, size_t count,
    const float *in, float *out);

/* Copies rows of row_bytes bytes; the strides are bytes from row to row. */
void ck_copy_rows(size_t rows, size_t row_bytes, const void *in, size_t in_stride, void *out, size_t out_stride);

/* ---- Work sharing ---------------------------------------------------------------------------------------------- */

/* Returns the counter and adds one to it, atomically: threads take the numbers of the next parts of their work so. */
size_t ck_take(size_t *counter);

/* ---- The ceiling ----------------------------------------------------------------------------------------------- */

/*
 * Does nothing but multiply-adds in registers and returns how many floating-point operations that were, for measuring
 * the highest rate of one core. *result keeps the compiler from removing the work.
 */
size_t ck_fma_peak_f32(size_t rounds, float *result);

#ifdef __cplusplus
}
#endif
#endif
