// Rows that are made to add up to 1. A block serves one row.

#define THREADS 256

__device__ number joined(number mine, bool is_maximum, number *parts) {
    int thread = threadIdx.x;
    parts[thread] = mine;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (thread < half) {
            number a = parts[thread], b = parts[thread + half];
            parts[thread] = is_maximum ? (a > b ? a : b) : a + b;
        }
        __syncthreads();
    }
    number result = parts[0];
    __syncthreads();
    return result;
}

extern "C" __global__ void softmax(
    const element *x, element *y, i64 outer, i64 axis, i64 inner, int logarithm) {
    __shared__ number parts[THREADS];
    for (i64 row = blockIdx.x; row < outer * inner; row += gridDim.x) {
        i64 base = row / inner * axis * inner + row % inner;
        number greatest = E::load(x, base);
        for (i64 i = threadIdx.x; i < axis; i += THREADS) {
            number value = E::load(x, base + i * inner);
            greatest = value > greatest ? value : greatest;
        }
        greatest = joined(greatest, true, parts);
        number sum = 0;
        for (i64 i = threadIdx.x; i < axis; i += THREADS) sum += MATH(exp)(E::load(x, base + i * inner) - greatest);
        sum = joined(sum, false, parts);
        number shift = MATH(log)(sum);
        for (i64 i = threadIdx.x; i < axis; i += THREADS) {
            number value = E::load(x, base + i * inner) - greatest;
            E::store(y, base + i * inner, logarithm ? value - shift : MATH(exp)(value) / sum);
        }
        __syncthreads();
    }
}
