/* Kernels that only move 4-byte elements; plain C, because they wait for memory. */
#include "ckernels.h"
#include "variants.h"

/* A square that fills four cache lines on either side. */
#define CK_BLOCK 16

static void transpose_plane(
    size_t rows, size_t columns, const uint32_t *in, size_t in_row, size_t in_column, uint32_t *out, size_t out_row) {
    for (size_t r = 0; r < rows; r += CK_BLOCK) {
        const size_t row_end = ck_min(rows, r + CK_BLOCK);
        for (size_t c = 0; c < columns; c += CK_BLOCK) {
            const size_t column_end = ck_min(columns, c + CK_BLOCK);
            for (size_t i = r; i < row_end; i++)
                for (size_t j = c; j < column_end; j++) out[i * out_row + j] = in[i * in_row + j * in_column];
        }
    }
}

void ck_transpose_32(
    size_t rank, const size_t *extents, const size_t *in_strides, const void *in, void *out, size_t begin, size_t end) {
    size_t out_strides[CK_MAX_RANK], step = 1;
    for (size_t axis = rank; axis-- > 0;) {
        out_strides[axis] = step;
        step *= extents[axis];
    }
    const size_t last = rank - 1;
    /* The output axis along which the input is dense runs together with the last, in blocks. */
    size_t dense = last;
    for (size_t axis = 0; axis < last; axis++)
        if (in_strides[axis] == 1) dense = axis;
    size_t place[CK_MAX_RANK] = {0};
    const size_t first = dense == 0 ? 0 : begin, stop = dense == 0 ? 1 : end;
    for (size_t outer = first; outer < stop; outer++) {
        const uint32_t *from = (const uint32_t *)in + (dense == 0 ? begin * in_strides[0] : outer * in_strides[0]);
        uint32_t *to = (uint32_t *)out + (dense == 0 ? begin * out_strides[0] : outer * out_strides[0]);
        memset(place, 0, sizeof place);
        for (;;) {
            if (dense == last) {
                if (rank == 1) {
                    memcpy((uint32_t *)out + begin, (const uint32_t *)in + begin, (end - begin) * 4);
                    return;
                }
                if (in_strides[last] == 1) {
                    memcpy(to, from, extents[last] * 4);
                } else {
                    for (size_t i = 0; i < extents[last]; i++) to[i] = from[i * in_strides[last]];
                }
            } else {
                transpose_plane(
                    dense == 0 ? end - begin : extents[dense], extents[last], from, in_strides[dense], in_strides[last],
                    to, out_strides[dense]);
            }
            size_t axis = last;
            while (axis-- > 1) {
                if (axis == dense) continue;
                from += in_strides[axis];
                to += out_strides[axis];
                if (++place[axis] < extents[axis]) break;
                from -= extents[axis] * in_strides[axis];
                to -= extents[axis] * out_strides[axis];
                place[axis] = 0;
            }
            if (axis == 0 || axis > last) break;
        }
    }
}

int ck_gather_32(
    size_t outer_begin, size_t outer_end, size_t extent, size_t inner, const int64_t *indices, size_t count,
    const void *in, void *out) {
    for (size_t i = 0; i < count; i++)
        if (indices[i] >= (int64_t)extent || indices[i] < -(int64_t)extent) return 0;
    for (size_t outer = outer_begin; outer < outer_end; outer++) {
        const uint32_t *from = (const uint32_t *)in + outer * extent * inner;
        uint32_t *to = (uint32_t *)out + outer * count * inner;
        for (size_t i = 0; i < count; i++) {
            const size_t index = (size_t)(indices[i] < 0 ? indices[i] + (int64_t)extent : indices[i]);
            memcpy(to + i * inner, from + index * inner, inner * 4);
        }
    }
    return 1;
}
