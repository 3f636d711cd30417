// Attention without the matrix of scores: a block serves one query and walks over the keys, 128 at a time, keeping the
// running maximum, sum and result.

#define THREADS 128
#define WIDTH 256 // the most elements of a head

struct Heads {
    i64 batch, heads, groups; // `groups` heads share one of the keys
    i64 queries, keys, width, value_width;
    i64 query[3], key[3], value[3], result[3]; // strides of batch, head and position
    i64 mask[4];                               // strides of batch, head, query and key
};

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

// `mask_kind` is 0 for none, 1 for booleans, 2 for numbers that are added.
extern "C" __global__ void attention(
    const element *q, const element *k, const element *v, const void *mask, element *y, Heads shape, double factor,
    double cap, int causal, int mask_kind) {
    __shared__ number query[WIDTH], weights[THREADS], parts[THREADS];
    int thread = threadIdx.x;
    const number lowest = -(number)3.0e38;
    for (i64 row = blockIdx.x; row < shape.batch * shape.heads * shape.queries; row += gridDim.x) {
        i64 position = row % shape.queries, head = row / shape.queries % shape.heads;
        i64 image = row / shape.queries / shape.heads, shared_head = head / shape.groups;
        const element *q_row = q + image * shape.query[0] + head * shape.query[1] + position * shape.query[2];
        const element *k_head = k + image * shape.key[0] + shared_head * shape.key[1];
        const element *v_head = v + image * shape.value[0] + shared_head * shape.value[1];
        i64 mask_row = image * shape.mask[0] + head * shape.mask[1] + position * shape.mask[2];
        for (i64 i = thread; i < shape.width; i += THREADS) query[i] = E::load(q_row, i);
        __syncthreads();
        number greatest = lowest, sum = 0, results[WIDTH / THREADS] = {};
        for (i64 first = 0; first < shape.keys; first += THREADS) {
            i64 key = first + thread;
            bool seen = key < shape.keys && (!causal || key <= position);
            number score = lowest;
            if (seen) {
                const element *k_row = k_head + key * shape.key[2];
                score = 0;
                for (i64 i = 0; i < shape.width; i++) score += query[i] * E::load(k_row, i);
                score *= (number)factor;
                if (mask_kind == 2) score += E::load((const element *)mask, mask_row + key * shape.mask[3]);
                if (mask_kind == 1 && !((const unsigned char *)mask)[mask_row + key * shape.mask[3]]) seen = false;
                if (cap > 0) score = (number)cap * MATH(tanh)(score / (number)cap);
                if (!seen || score < lowest) score = lowest;
            }
            number local = joined(score, true, parts);
            number next = local > greatest ? local : greatest;
            number keep = MATH(exp)(greatest - next);
            number weight = seen && score > lowest ? MATH(exp)(score - next) : (number)0;
            weights[thread] = weight;
            sum = sum * keep + joined(weight, false, parts);
            i64 here = shape.keys - first < THREADS ? shape.keys - first : THREADS;
            for (int part = 0; part < WIDTH / THREADS; part++) {
                i64 column = thread + part * THREADS;
                if (column >= shape.value_width) continue;
                number value = results[part] * keep;
                for (i64 j = 0; j < here; j++)
                    value += weights[j] * E::load(v_head, (first + j) * shape.value[2] + column);
                results[part] = value;
            }
            greatest = next;
            __syncthreads();
        }
        element *y_row = y + image * shape.result[0] + head * shape.result[1] + position * shape.result[2];
        for (int part = 0; part < WIDTH / THREADS; part++) {
            i64 column = thread + part * THREADS;
            // A query that sees nothing has no weights to add up.
            if (column < shape.value_width) E::store(y_row, column, sum > 0 ? results[part] / sum : (number)0);
        }
        __syncthreads();
    }
}
