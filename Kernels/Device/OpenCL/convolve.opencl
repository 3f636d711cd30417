// Convolutions over two spatial axes. The common case is a matrix product over the image's columns, made here;
// grouped and transposed ones are computed directly.

typedef struct {
    uint batches, channels, height, width, filters, out_height, out_width, groups;
    int kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
    int top, left;
    uint has_bias, unused;
} Convolution;

#ifdef HENG_KERNEL_columns_of_image
// Row (channel, kernel row, kernel column), column (output row, output column), for one image.
kernel void columns_of_image(
    global void *y, ulong yo, global const void *x, ulong xo, uint count, Convolution s) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint plane = s.out_height * s.out_width, place = i % plane, rest = i / plane;
    int column = place % s.out_width, row = place / s.out_width;
    int b = rest % s.kernel_width;
    rest /= s.kernel_width;
    int a = rest % s.kernel_height;
    uint channel = rest / s.kernel_height;
    int h = row * s.stride_height - s.top + a * s.dilation_height;
    int w = column * s.stride_width - s.left + b * s.dilation_width;
    bool inside = h >= 0 && h < (int)s.height && w >= 0 && w < (int)s.width;
    VALUE v = inside ? LOAD(IN(TYPE, x, xo), ((size_t)channel * s.height + h) * s.width + w) : (VALUE)0;
    STORE(OUT(TYPE, y, yo), i, v);
}
#endif

#ifdef HENG_KERNEL_convolve_direct
kernel void convolve_direct(
    global void *y, ulong yo, global const void *x, ulong xo, global const void *weights, ulong wo,
    global const void *bias, ulong bo, uint count, Convolution s) {
    uint i = get_global_id(0);
    if (i >= count) return;
    int column = i % s.out_width;
    uint rest = i / s.out_width;
    int row = rest % s.out_height;
    rest /= s.out_height;
    uint filter = rest % s.filters, image = rest / s.filters;
    uint per_group = s.channels / s.groups, group = filter / (s.filters / s.groups);
    VALUE sum = 0;
    for (uint c = 0; c < per_group; c++) {
        size_t plane = ((size_t)image * s.channels + group * per_group + c) * s.height;
        size_t taps = ((size_t)filter * per_group + c) * s.kernel_height;
        for (int a = 0; a < s.kernel_height; a++) {
            int h = row * s.stride_height - s.top + a * s.dilation_height;
            if (h < 0 || h >= (int)s.height) continue;
            for (int b = 0; b < s.kernel_width; b++) {
                int w = column * s.stride_width - s.left + b * s.dilation_width;
                if (w < 0 || w >= (int)s.width) continue;
                sum = fma(
                    (VALUE)LOAD(IN(TYPE, x, xo), (plane + h) * s.width + w),
                    (VALUE)LOAD(IN(TYPE, weights, wo), (taps + a) * s.kernel_width + b), sum);
            }
        }
    }
    if (s.has_bias) sum += LOAD(IN(TYPE, bias, bo), filter);
    STORE(OUT(TYPE, y, yo), i, sum);
}
#endif

#ifdef HENG_KERNEL_convolve_transposed
// The weights are [channels, filters / groups, kernel height, kernel width].
kernel void convolve_transposed(
    global void *y, ulong yo, global const void *x, ulong xo, global const void *weights, ulong wo,
    global const void *bias, ulong bo, uint count, Convolution s) {
    uint i = get_global_id(0);
    if (i >= count) return;
    int column = i % s.out_width;
    uint rest = i / s.out_width;
    int row = rest % s.out_height;
    rest /= s.out_height;
    uint filter = rest % s.filters, image = rest / s.filters;
    uint filters = s.filters / s.groups, per_group = s.channels / s.groups, group = filter / filters;
    VALUE sum = 0;
    for (int a = 0; a < s.kernel_height; a++) {
        int h = row + s.top - a * s.dilation_height;
        if (h < 0 || h % s.stride_height || h / s.stride_height >= (int)s.height) continue;
        for (int b = 0; b < s.kernel_width; b++) {
            int w = column + s.left - b * s.dilation_width;
            if (w < 0 || w % s.stride_width || w / s.stride_width >= (int)s.width) continue;
            for (uint c = 0; c < per_group; c++) {
                uint channel = group * per_group + c;
                size_t from = (((size_t)image * s.channels + channel) * s.height + h / s.stride_height) * s.width;
                size_t tap = ((size_t)channel * filters + filter % filters) * s.kernel_height + a;
                sum = fma(
                    (VALUE)LOAD(IN(TYPE, x, xo), from + w / s.stride_width),
                    (VALUE)LOAD(IN(TYPE, weights, wo), tap * s.kernel_width + b), sum);
            }
        }
    }
    if (s.has_bias) sum += LOAD(IN(TYPE, bias, bo), filter);
    STORE(OUT(TYPE, y, yo), i, sum);
}
#endif
