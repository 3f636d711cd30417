// Products of row-major matrices, where the vendor's library is missing or does not take the type.
//
// A block makes 64 rows by 64 columns; each of its 256 threads makes 4 by 4 of them.

#define TILE 64
#define DEPTH 16

struct Product {
    i64 rows, columns, depth, batch;
    i64 a_rows, a_columns, b_rows, b_columns; // strides along the product's axes, so that either factor may be transposed
    i64 a_batch, b_batch, d_batch;
};

// d = alpha * a * b + beta * d
extern "C" __global__ void product(
    const element *a, const element *b, element *d, Product shape, double alpha, double beta) {
    __shared__ number left[DEPTH][TILE + 1], right[DEPTH][TILE + 1];
    i64 first_column = (i64)blockIdx.x * TILE, first_row = (i64)blockIdx.y * TILE;
    int thread = threadIdx.x, column = thread % 16, row = thread / 16;
    for (i64 matrix = blockIdx.z; matrix < shape.batch; matrix += gridDim.z) {
        const element *a_matrix = a + matrix * shape.a_batch, *b_matrix = b + matrix * shape.b_batch;
        number sums[4][4] = {};
        for (i64 deep = 0; deep < shape.depth; deep += DEPTH) {
            for (int i = thread; i < TILE * DEPTH; i += 256) {
                int k = i % DEPTH, r = i / DEPTH;
                bool inside = first_row + r < shape.rows && deep + k < shape.depth;
                left[k][r] = inside
                    ? E::load(a_matrix, (first_row + r) * shape.a_rows + (deep + k) * shape.a_columns)
                    : (number)0;
                int c = i % TILE;
                k = i / TILE;
                inside = first_column + c < shape.columns && deep + k < shape.depth;
                right[k][c] = inside
                    ? E::load(b_matrix, (deep + k) * shape.b_rows + (first_column + c) * shape.b_columns)
                    : (number)0;
            }
            __syncthreads();
            for (int k = 0; k < DEPTH; k++)
                for (int i = 0; i < 4; i++)
                    for (int j = 0; j < 4; j++) sums[i][j] += left[k][row * 4 + i] * right[k][column + j * 16];
            __syncthreads();
        }
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                i64 r = first_row + row * 4 + i, c = first_column + column + j * 16;
                if (r >= shape.rows || c >= shape.columns) continue;
                i64 place = matrix * shape.d_batch + r * shape.columns + c;
                number value = (number)alpha * sums[i][j];
                if (beta != 0) value += (number)beta * E::load(d, place);
                E::store(d, place, value);
            }
    }
}
