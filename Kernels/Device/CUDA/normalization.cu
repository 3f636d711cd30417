// Values brought to one mean and spread. A block serves one set of values that are normalized together.

#define THREADS 256

__device__ total summed(total mine, total *parts) {
    int thread = threadIdx.x;
    parts[thread] = mine;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (thread < half) parts[thread] += parts[thread + half];
        __syncthreads();
    }
    total result = parts[0];
    __syncthreads();
    return result;
}

// The mean of the values from `base` on, and one over their spread; for root mean squares the mean counts as 0.
__device__ void moments(
    const element *x, i64 base, i64 width, total epsilon, int root_mean_square, total *parts, total *mean,
    total *scale) {
    total sum = 0;
    if (!root_mean_square) {
        for (i64 i = threadIdx.x; i < width; i += THREADS) sum += E::load(x, base + i);
        sum = summed(sum, parts) / (total)width;
    }
    total squares = 0;
    for (i64 i = threadIdx.x; i < width; i += THREADS) {
        total distance = E::load(x, base + i) - sum;
        squares += distance * distance;
    }
    squares = summed(squares, parts) / (total)width;
    *mean = sum;
    *scale = (total)1 / MATH(sqrt)(squares + epsilon);
}

// Rows of `width`, with a factor and an addend for each place in the row; mean and scale go out where asked for.
extern "C" __global__ void rows(
    const element *x, const element *factor, const element *addend, element *y, float *means, float *scales, i64 count,
    i64 width, double epsilon, int root_mean_square) {
    __shared__ total parts[THREADS];
    for (i64 row = blockIdx.x; row < count; row += gridDim.x) {
        total mean, scale;
        moments(x, row * width, width, (total)epsilon, root_mean_square, parts, &mean, &scale);
        for (i64 i = threadIdx.x; i < width; i += THREADS) {
            total value = (E::load(x, row * width + i) - mean) * scale;
            if (factor) value *= E::load(factor, i);
            if (addend) value += E::load(addend, i);
            E::store(y, row * width + i, (number)value);
        }
        if (threadIdx.x == 0 && means) means[row] = (float)mean;
        if (threadIdx.x == 0 && scales) scales[row] = (float)scale;
        __syncthreads();
    }
}

// Groups of channels of one image; with as many groups as channels, each channel is alone.
extern "C" __global__ void channels(
    const element *x, const element *factor, const element *addend, element *y, i64 images, i64 channel_count,
    i64 groups, i64 inner, double epsilon) {
    __shared__ total parts[THREADS];
    i64 in_group = channel_count / groups, width = in_group * inner;
    for (i64 set = blockIdx.x; set < images * groups; set += gridDim.x) {
        total mean, scale;
        moments(x, set * width, width, (total)epsilon, 0, parts, &mean, &scale);
        for (i64 i = threadIdx.x; i < width; i += THREADS) {
            i64 channel = set % groups * in_group + i / inner;
            total value = (E::load(x, set * width + i) - mean) * scale;
            E::store(y, set * width + i, (number)(value * E::load(factor, channel) + E::load(addend, channel)));
        }
        __syncthreads();
    }
}

// Means and variances that training has left.
extern "C" __global__ void batch(
    const element *x, const element *factor, const element *addend, const element *means, const element *variances,
    element *y, i64 count, i64 channel_count, i64 inner, double epsilon) {
    FOR_EACH(i, count) {
        i64 channel = i / inner % channel_count;
        number scale = E::load(factor, channel) / MATH(sqrt)(E::load(variances, channel) + (number)epsilon);
        E::store(y, i, (E::load(x, i) - E::load(means, channel)) * scale + E::load(addend, channel));
    }
}
