// Many values to one. A block makes one result: its threads take every 256th value, and their parts are joined in a
// tree whose shape never changes, so that the bits do not depend on the device's size.

#define THREADS 256

struct Reduction {
    i64 kept_rank, reduced_rank;
    i64 kept_dims[RANK], kept_strides[RANK];
    i64 reduced_dims[RANK], reduced_strides[RANK];
};

__device__ i64 offset_of(i64 index, i64 rank, const i64 *dims, const i64 *strides) {
    i64 offset = 0;
    for (int axis = (int)rank - 1; axis >= 0; axis--) {
        offset += index % dims[axis] * strides[axis];
        index /= dims[axis];
    }
    return offset;
}

// 0 sum, 1 mean, 2 maximum, 3 minimum, 4 product, 5 sum of magnitudes, 6 root of the sum of squares, 7 sum of squares,
// 8 logarithm of the sum, 9 logarithm of the sum of exponentials.
__device__ total part_of(int function, total value, total greatest) {
    switch (function) {
        case 5: return value < 0 ? -value : value;
        case 6: case 7: return value * value;
#if IS_REAL
        case 9: return MATH(exp)(value - greatest);
#endif
        default: return value;
    }
}

__device__ total join(int function, total a, total b) {
    switch (function) {
        case 2: return a != a ? a : b != b ? b : a > b ? a : b;
        case 3: return a != a ? a : b != b ? b : a < b ? a : b;
        case 4: return a * b;
        default: return a + b;
    }
}

__device__ total reduced(
    const element *x, i64 base, const Reduction &shape, i64 inner, int function, total greatest, total *parts) {
    int thread = threadIdx.x;
    bool any = false;
    total sum = function == 4 ? (total)1 : (total)0;
    for (i64 i = thread; i < inner; i += THREADS) {
        i64 at = base + offset_of(i, shape.reduced_rank, shape.reduced_dims, shape.reduced_strides);
        total part = part_of(function, (total)E::load(x, at), greatest);
        sum = any || (function != 2 && function != 3) ? join(function, sum, part) : part;
        any = true;
    }
    // Threads without a value repeat the first one, which changes no extreme.
    if (!any && (function == 2 || function == 3)) sum = (total)E::load(x, base);
    parts[thread] = sum;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (thread < half) parts[thread] = join(function, parts[thread], parts[thread + half]);
        __syncthreads();
    }
    total result = parts[0];
    __syncthreads();
    return result;
}

extern "C" __global__ void reduce(
    const element *x, element *y, Reduction shape, i64 outputs, i64 inner, int function) {
    __shared__ total parts[THREADS];
    for (i64 output = blockIdx.x; output < outputs; output += gridDim.x) {
        i64 base = offset_of(output, shape.kept_rank, shape.kept_dims, shape.kept_strides);
        total greatest = 0;
        if (function == 9) {
            greatest = reduced(x, base, shape, inner, 2, 0, parts);
            // Infinite values must not be subtracted from each other.
            if (greatest - greatest != 0) greatest = 0;
        }
        total result = reduced(x, base, shape, inner, function == 1 ? 0 : function, greatest, parts);
        if (function == 1) result = result / (total)inner;
#if IS_REAL
        if (function == 6) result = MATH(sqrt)(result);
        if (function == 8) result = MATH(log)(result);
        if (function == 9) result = MATH(log)(result) + greatest;
#endif
        if (threadIdx.x == 0) E::store(y, output, (number)result);
        __syncthreads();
    }
}

// The place of the greatest or least value along an axis, the first or the last of equal ones.
extern "C" __global__ void place(
    const element *x, i64 *y, i64 outer, i64 axis, i64 inner, int least, int last) {
    FOR_EACH(i, outer * inner) {
        const element *row = x + i / inner * axis * inner + i % inner;
        i64 best = 0;
        number value = E::load(row, 0);
        for (i64 at = 1; at < axis; at++) {
            number other = E::load(row, at * inner);
            bool better = least ? other < value : other > value;
            if (better || (last && other == value)) {
                best = at;
                value = other;
            }
        }
        y[i] = best;
    }
}
