// The greatest value or the mean of windows of an image.

struct Pooling {
    i64 image[3], kernel[3], result[3], stride[3], dilation[3], pad[3], pad_end[3];
};

// 0 greatest, 1 mean of the values inside the image, 2 mean that counts the padding.
extern "C" __global__ void pool(const element *x, element *y, Pooling shape, i64 count, int function) {
    i64 places = shape.result[0] * shape.result[1] * shape.result[2];
    i64 pixels = shape.image[0] * shape.image[1] * shape.image[2];
    FOR_EACH(i, count) {
        const element *image = x + i / places * pixels;
        i64 start[3], rest = i % places, padded = 1;
        for (int axis = 2; axis >= 0; axis--) {
            start[axis] = rest % shape.result[axis] * shape.stride[axis] - shape.pad[axis];
            rest /= shape.result[axis];
            // Windows beyond the end padding do not count what lies there.
            i64 steps = 0;
            for (i64 k = 0; k < shape.kernel[axis]; k++)
                steps += start[axis] + k * shape.dilation[axis] < shape.image[axis] + shape.pad_end[axis];
            padded *= steps;
        }
        total sum = 0;
        i64 inside = 0;
        for (i64 a = 0; a < shape.kernel[0]; a++)
            for (i64 b = 0; b < shape.kernel[1]; b++)
                for (i64 c = 0; c < shape.kernel[2]; c++) {
                    i64 at[3] = {
                        start[0] + a * shape.dilation[0], start[1] + b * shape.dilation[1],
                        start[2] + c * shape.dilation[2]};
                    if (at[0] < 0 || at[0] >= shape.image[0] || at[1] < 0 || at[1] >= shape.image[1] || at[2] < 0
                        || at[2] >= shape.image[2])
                        continue;
                    total value = (total)E::load(image, (at[0] * shape.image[1] + at[1]) * shape.image[2] + at[2]);
                    if (function) sum += value;
                    else if (!inside || value > sum || value != value) sum = value;
                    inside++;
                }
        if (function) sum = sum / (total)(function == 2 ? padded : inside);
        E::store(y, i, (number)sum);
    }
}
