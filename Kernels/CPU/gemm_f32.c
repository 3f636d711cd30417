#include "ckernels.h"
#include "variants.h"

#include "pass_baseline.h"
#include "gemm_f32.inc"
#if CK_HAVE_AVX2
#include "pass_avx2.h"
#include "gemm_f32.inc"
#endif

size_t ck_gemm_depth_block(size_t depth) {
    if (depth == 0) return 1;
    return ck_ceil_divide(depth, ck_ceil_divide(depth, CK_DEPTH_BLOCK));
}

size_t ck_gemm_packed_count_f32(size_t depth, size_t columns) {
    return depth * ck_ceil_divide(columns, CK_TILE_COLUMNS) * CK_TILE_COLUMNS;
}

/* A block of 16 columns whose rows are contiguous in memory: copies; else element by element in the source's order. */
static void pack_panel(
    size_t depth, size_t count, const float *b, size_t depth_stride, size_t column_stride, float *to) {
    if (column_stride == 1) {
        for (size_t k = 0; k < depth; k++, b += depth_stride, to += CK_TILE_COLUMNS) {
            if (count == CK_TILE_COLUMNS) {
                memcpy(to, b, CK_TILE_COLUMNS * sizeof(float));
            } else {
                for (size_t i = 0; i < CK_TILE_COLUMNS; i++) to[i] = i < count ? b[i] : 0.0f;
            }
        }
        return;
    }
    /* Eight depth steps at a time, so that each line of a transposed source is read once while it is cached. */
    for (size_t k = 0; k < depth; k += 8) {
        const size_t steps = ck_min(8, depth - k);
        for (size_t i = 0; i < CK_TILE_COLUMNS; i++)
            for (size_t s = 0; s < steps; s++)
                to[(k + s) * CK_TILE_COLUMNS + i] =
                    i < count ? b[(k + s) * depth_stride + i * column_stride] : 0.0f;
    }
}

void ck_gemm_pack_f32(
    size_t depth, size_t columns, const float *b, size_t depth_stride, size_t column_stride, size_t column_begin,
    size_t column_end, float *packed) {
    const size_t block = ck_gemm_depth_block(depth);
    const size_t panels = ck_ceil_divide(columns, CK_TILE_COLUMNS);
    for (size_t k = 0; k < depth; k += block) {
        const size_t steps = ck_min(block, depth - k);
        for (size_t column = column_begin; column < column_end; column += CK_TILE_COLUMNS)
            pack_panel(
                steps, ck_min(CK_TILE_COLUMNS, columns - column), b + k * depth_stride + column * column_stride,
                depth_stride, column_stride, packed + k * panels * CK_TILE_COLUMNS + column * steps);
    }
}

void ck_gemm_f32(const ck_gemm *g, size_t row_begin, size_t row_end, size_t column_begin, size_t column_end) {
    CK_DISPATCH(gemm_f32, g, row_begin, row_end, column_begin, column_end);
}
