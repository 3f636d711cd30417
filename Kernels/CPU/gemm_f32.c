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

void ck_gemm_pack_f32(
    size_t depth, size_t columns, const float *b, size_t depth_stride, size_t column_stride, size_t column_begin,
    size_t column_end, float *packed) {
    CK_DISPATCH(gemm_pack_f32, depth, columns, b, depth_stride, column_stride, column_begin, column_end, packed);
}

void ck_gemm_f32(const ck_gemm *g, size_t row_begin, size_t row_end, size_t column_begin, size_t column_end) {
    CK_DISPATCH(gemm_f32, g, row_begin, row_end, column_begin, column_end);
}
