// Matrix products. On CPUs a work item makes a tile of 4 x 16 in registers; on other devices a group makes a tile of
// 64 x 64 through local memory. float32 and float64.
//
// y[batch] = alpha * a[batch] x b[batch] + beta * c. The strides of c count elements, 0 where it repeats.

#define WIDE GLUE(TYPE, 16)

typedef struct {
    uint rows, columns, depth, batches;
    ulong row_pitch, column_pitch; // of c
    uint has_c, packed;            // packed: b lies in panels of 16 columns
    float alpha, beta;
    Walk walk;                     // the batch's place in a and b
} Product;

inline void finish(global TYPE *y, global const TYPE *c, Product p, uint row, uint column, TYPE sum) {
    TYPE v = sum;
    if (p.alpha != 1) v *= (TYPE)p.alpha;
    if (p.has_c) v += (TYPE)p.beta * c[row * p.row_pitch + column * p.column_pitch];
    y[(size_t)row * p.columns + column] = v;
}

#ifdef HENG_KERNEL_pack_panels
// b in panels of 16 columns, one after the other, the last one filled with 0.
kernel void pack_panels(global void *y, ulong yo, global const void *b, ulong bo, uint depth, uint columns) {
    uint panel = get_global_id(1), k = get_global_id(0);
    if (k >= depth) return;
    global TYPE *to = OUT(TYPE, y, yo) + ((size_t)panel * depth + k) * 16;
    global const TYPE *from = IN(TYPE, b, bo) + (size_t)k * columns + panel * 16;
    for (uint j = 0; j < 16; j++) to[j] = panel * 16 + j < columns ? from[j] : (TYPE)0;
}
#endif

#ifdef HENG_KERNEL_product_registers
kernel void product_registers(
    global void *y, ulong yo, global const void *a, ulong ao, global const void *b, ulong bo,
    global const void *c, ulong co, Product p) {
    uint row = get_global_id(0) * 4, column = get_global_id(1) * 16, batch = get_global_id(2);
    if (row >= p.rows || column >= p.columns) return;
    WALK(p.walk, batch, first, at)
    WALK(p.walk, batch, second, bt)
    global const TYPE *left = IN(TYPE, a, ao) + at + (size_t)row * p.depth;
    global const TYPE *right = IN(TYPE, b, bo) + (p.packed ? (size_t)column * p.depth : bt + column);
    global TYPE *to = OUT(TYPE, y, yo) + (size_t)batch * p.rows * p.columns;
    global const TYPE *added = IN(TYPE, c, co);
    size_t pitch = p.packed ? 16 : p.columns;
    uint depth = p.depth, rows = min(4u, p.rows - row), columns = min(16u, p.columns - column);
    bool wide = p.packed || columns == 16;
    TYPE tile[64];
    if (rows == 4 && wide) {
        WIDE s0 = (WIDE)(0), s1 = (WIDE)(0), s2 = (WIDE)(0), s3 = (WIDE)(0);
        for (uint k = 0; k < depth; k++) {
            WIDE v = vload16(0, right + k * pitch);
            s0 = fma((WIDE)(left[k]), v, s0);
            s1 = fma((WIDE)(left[depth + k]), v, s1);
            s2 = fma((WIDE)(left[2 * (size_t)depth + k]), v, s2);
            s3 = fma((WIDE)(left[3 * (size_t)depth + k]), v, s3);
        }
        if (columns == 16 && !p.has_c && p.alpha == 1) {
            to += (size_t)row * p.columns + column;
            vstore16(s0, 0, to);
            vstore16(s1, 0, to + p.columns);
            vstore16(s2, 0, to + 2 * (size_t)p.columns);
            vstore16(s3, 0, to + 3 * (size_t)p.columns);
            return;
        }
        vstore16(s0, 0, tile);
        vstore16(s1, 1, tile);
        vstore16(s2, 2, tile);
        vstore16(s3, 3, tile);
    } else if (wide) {
        for (uint r = 0; r < rows; r++) {
            WIDE sum = (WIDE)(0);
            for (uint k = 0; k < depth; k++)
                sum = fma((WIDE)(left[(size_t)r * depth + k]), vload16(0, right + k * pitch), sum);
            vstore16(sum, r, tile);
        }
    } else {
        for (uint i = 0; i < 64; i++) tile[i] = 0;
        for (uint k = 0; k < depth; k++)
            for (uint r = 0; r < rows; r++)
                for (uint j = 0; j < columns; j++)
                    tile[r * 16 + j] = fma(left[(size_t)r * depth + k], right[k * pitch + j], tile[r * 16 + j]);
    }
    for (uint r = 0; r < rows; r++)
        for (uint j = 0; j < columns; j++) finish(to, added, p, row + r, column + j, tile[r * 16 + j]);
}
#endif

#ifdef HENG_KERNEL_product_local
kernel __attribute__((reqd_work_group_size(16, 16, 1))) void product_local(
    global void *y, ulong yo, global const void *a, ulong ao, global const void *b, ulong bo,
    global const void *c, ulong co, Product p) {
    local TYPE left[16][68], right[16][68];
    uint x = get_local_id(0), z = get_local_id(1), batch = get_global_id(2), lane = z * 16 + x;
    uint row = get_group_id(1) * 64, column = get_group_id(0) * 64;
    WALK(p.walk, batch, first, at)
    WALK(p.walk, batch, second, bt)
    global const TYPE *from_a = IN(TYPE, a, ao) + at;
    global const TYPE *from_b = IN(TYPE, b, bo) + bt;
    TYPE sums[4][4];
    for (int r = 0; r < 4; r++)
        for (int j = 0; j < 4; j++) sums[r][j] = 0;
    for (uint k = 0; k < p.depth; k += 16) {
        for (uint i = lane; i < 1024; i += 256) {
            uint ar = row + i / 16, ak = k + i % 16, bk = k + i / 64, bc = column + i % 64;
            left[i % 16][i / 16] = ar < p.rows && ak < p.depth ? from_a[(size_t)ar * p.depth + ak] : (TYPE)0;
            right[i / 64][i % 64] = bk < p.depth && bc < p.columns ? from_b[(size_t)bk * p.columns + bc] : (TYPE)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int q = 0; q < 16; q++)
            for (int r = 0; r < 4; r++)
                for (int j = 0; j < 4; j++) sums[r][j] = fma(left[q][z * 4 + r], right[q][x + j * 16], sums[r][j]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    global TYPE *to = OUT(TYPE, y, yo) + (size_t)batch * p.rows * p.columns;
    for (uint r = 0; r < 4; r++)
        for (uint j = 0; j < 4; j++) {
            uint at_row = row + z * 4 + r, at_column = column + x + j * 16;
            if (at_row < p.rows && at_column < p.columns)
                finish(to, IN(TYPE, c, co), p, at_row, at_column, sums[r][j]);
        }
}
#endif

