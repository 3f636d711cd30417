/* Kernels that only move 4-byte elements; plain C, because they wait for memory. */
#include "ckernels.h"
#include "variants.h"

/* A square that fills four cache lines on either side. */
#define CK_BLOCK 16

static void transpose_plane(
    size_t rows, size_t columns, const uint32_t *in, ptrdiff_t in_row, ptrdiff_t in_column, uint32_t *out,
    size_t out_row) {
    for (size_t r = 0; r < rows; r += CK_BLOCK) {
        const size_t row_end = ck_min(rows, r + CK_BLOCK);
        for (size_t c = 0; c < columns; c += CK_BLOCK) {
            const size_t column_end = ck_min(columns, c + CK_BLOCK);
            for (size_t i = r; i < row_end; i++)
                for (size_t j = c; j < column_end; j++) 
                    out[i * out_row + j] = in[(ptrdiff_t)i * in_row + (ptrdiff_t)j * in_column];
        }
    }
}

void ck_transpose_32(
    size_t rank, const size_t *extents, const ptrdiff_t *in_strides, const void *in, void *out, size_t begin, size_t end) {
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
    const int whole = dense == 0; /* Axis 0 is inside the block, so there is one round over [begin, end). */
    const size_t first = whole ? 0 : begin, stop = whole ? 1 : end;
    for (size_t outer = first; outer < stop; outer++) {
        const uint32_t *from = (const uint32_t *)in + (ptrdiff_t)(whole ? begin : outer) * in_strides[0];
        uint32_t *to = (uint32_t *)out + (whole ? begin : outer) * out_strides[0];
        memset(place, 0, sizeof place);
        for (;;) {
            if (dense == last) {
                const size_t count = rank == 1 ? end - begin : extents[last];
                if (in_strides[last] == 1) {
                    memcpy(to, from, count * 4);
                } else {
                    for (size_t i = 0; i < count; i++) to[i] = from[(ptrdiff_t)i * in_strides[last]];
                }
            } else {
                transpose_plane(
                    whole ? end - begin : extents[dense], extents[last], from, in_strides[dense], in_strides[last],
                    to, out_strides[dense]);
            }
            size_t axis = last;
            while (axis-- > 1) {
                if (axis == dense) continue;
                from += in_strides[axis];
                to += out_strides[axis];
                if (++place[axis] < extents[axis]) break;
                from -= (ptrdiff_t)extents[axis] * in_strides[axis];
                to -= extents[axis] * out_strides[axis];
                place[axis] = 0;
            }
            if (axis == 0 || axis > last) break;
        }
    }
}

/* The row that an index means, or `extent` when it lies outside. */
static size_t resolve(int64_t index, size_t extent) {
    if (index >= (int64_t)extent || index < -(int64_t)extent) return extent;
    return (size_t)(index < 0 ? index + (int64_t)extent : index);
}

void ck_gather_32(
    size_t outer_begin, size_t outer_end, size_t extent, size_t inner, const int64_t *indices, size_t count,
    uint32_t missing, const void *in, void *out) {
    for (size_t outer = outer_begin; outer < outer_end; outer++) {
        const uint32_t *from = (const uint32_t *)in + outer * extent * inner;
        uint32_t *to = (uint32_t *)out + outer * count * inner;
        for (size_t i = 0; i < count; i++, to += inner) {
            const size_t row = resolve(indices[i], extent);
            if (row < extent) {
                memcpy(to, from + row * inner, inner * 4);
            } else {
                for (size_t k = 0; k < inner; k++) to[k] = missing;
            }
        }
    }
}

void ck_scatter_add_f32(
    size_t outer_begin, size_t outer_end, size_t extent, size_t inner, const int64_t *indices, size_t count,
    const float *in, float *out) {
    for (size_t outer = outer_begin; outer < outer_end; outer++) {
        const float *from = in + outer * count * inner;
        float *to = out + outer * extent * inner;
        memset(to, 0, extent * inner * 4);
        for (size_t i = 0; i < count; i++, from += inner) {
            const size_t row = resolve(indices[i], extent);
            if (row == extent) continue;
            for (size_t k = 0; k < inner; k++) to[row * inner + k] += from[k];
        }
    }
}

void ck_copy_rows(
    size_t rows, size_t row_bytes, const void *in, size_t in_stride, void *out, size_t out_stride) {
    for (size_t row = 0; row < rows; row++)
        memcpy((char *)out + row * out_stride, (const char *)in + row * in_stride, row_bytes);
}

size_t ck_take(size_t *counter) { return __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED); }
