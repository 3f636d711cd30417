// Convolution as a product of matrices, of which the right one is not made but read from the image place by place.
//
// For each image and group: result[channel, place] = weights[channel, tap] * image[tap, place]. A block makes 64 channels
// by 64 places; each of its 256 threads makes 4 by 4 of them.

#define TILE 64
#define DEPTH 16

struct Convolution {
    i64 groups, channels_in, channels_out; // channels for each group
    i64 image[3], kernel[3], result[3], stride[3], dilation[3], pad[3];
};

__device__ number pixel(const element *image, const Convolution &shape, i64 tap, i64 place) {
    i64 volume = shape.kernel[0] * shape.kernel[1] * shape.kernel[2];
    i64 channel = tap / volume, offset = channel;
    i64 step[3], at[3];
    tap %= volume;
    for (int axis = 2; axis >= 0; axis--) {
        step[axis] = tap % shape.kernel[axis];
        at[axis] = place % shape.result[axis];
        tap /= shape.kernel[axis];
        place /= shape.result[axis];
    }
    for (int axis = 0; axis < 3; axis++) {
        i64 position = at[axis] * shape.stride[axis] - shape.pad[axis] + step[axis] * shape.dilation[axis];
        if (position < 0 || position >= shape.image[axis]) return (number)0;
        offset = offset * shape.image[axis] + position;
    }
    return E::load(image, offset);
}

extern "C" __global__ void convolution(
    const element *x, const element *weights, const element *bias, element *y, Convolution shape, i64 images) {
    __shared__ number left[DEPTH][TILE + 1], right[DEPTH][TILE + 1];
    i64 places = shape.result[0] * shape.result[1] * shape.result[2];
    i64 pixels = shape.image[0] * shape.image[1] * shape.image[2];
    i64 taps = shape.channels_in * shape.kernel[0] * shape.kernel[1] * shape.kernel[2];
    i64 first_place = (i64)blockIdx.x * TILE, first_channel = (i64)blockIdx.y * TILE;
    int thread = threadIdx.x, column = thread % 16, row = thread / 16;
    for (i64 set = blockIdx.z; set < images * shape.groups; set += gridDim.z) {
        i64 group = set % shape.groups;
        const element *image = x + set * shape.channels_in * pixels;
        const element *filter = weights + group * shape.channels_out * taps;
        number sums[4][4] = {};
        for (i64 tap = 0; tap < taps; tap += DEPTH) {
            for (int i = thread; i < TILE * DEPTH; i += 256) {
                int depth = i % DEPTH, channel = i / DEPTH;
                bool inside = first_channel + channel < shape.channels_out && tap + depth < taps;
                left[depth][channel] =
                    inside ? E::load(filter, (first_channel + channel) * taps + tap + depth) : (number)0;
                int place = i % TILE, deep = i / TILE;
                inside = first_place + place < places && tap + deep < taps;
                right[deep][place] = inside ? pixel(image, shape, tap + deep, first_place + place) : (number)0;
            }
            __syncthreads();
            for (int depth = 0; depth < DEPTH; depth++)
                for (int i = 0; i < 4; i++)
                    for (int j = 0; j < 4; j++)
                        sums[i][j] += left[depth][row * 4 + i] * right[depth][column + j * 16];
            __syncthreads();
        }
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                i64 channel = first_channel + row * 4 + i, place = first_place + column + j * 16;
                if (channel >= shape.channels_out || place >= places) continue;
                number start = bias ? E::load(bias, group * shape.channels_out + channel) : (number)0;
                E::store(y, (set * shape.channels_out + channel) * places + place, sums[i][j] + start);
            }
    }
}
