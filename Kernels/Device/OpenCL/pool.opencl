// Pools over two spatial axes; one work item makes one output. One axis is two with a first extent of 1.

typedef struct {
    uint planes, height, width, out_height, out_width;
    int kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
    int top, left, bottom, right;
    uint include_padding, column_major, unused;
} Pool;

#ifdef HENG_KERNEL_pool_max
kernel void pool_max(
    global void *y, ulong yo, global const void *x, ulong xo, uint count, Pool pool) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint column = i % pool.out_width, rest = i / pool.out_width;
    uint row = rest % pool.out_height, plane = rest / pool.out_height;
    global const TYPE *from = IN(TYPE, x, xo) + (size_t)plane * pool.height * pool.width;
#ifdef REAL
    VALUE best = -INFINITY;
#else
    VALUE best = (VALUE)-1 < 0 ? (VALUE)((VALUE)1 << (sizeof(VALUE) * 8 - 1)) : (VALUE)0;
#endif
    for (int a = 0; a < pool.kernel_height; a++) {
        int h = (int)row * pool.stride_height - pool.top + a * pool.dilation_height;
        if (h < 0 || h >= (int)pool.height) continue;
        for (int b = 0; b < pool.kernel_width; b++) {
            int w = (int)column * pool.stride_width - pool.left + b * pool.dilation_width;
            if (w < 0 || w >= (int)pool.width) continue;
            VALUE v = LOAD(from, (size_t)h * pool.width + w);
            best = v > best || v != v ? v : best;
        }
    }
    STORE(OUT(TYPE, y, yo), i, best);
}
#endif

#ifdef HENG_KERNEL_pool_max_index
kernel void pool_max_index(
    global void *y, ulong yo, global const void *x, ulong xo, uint count, Pool pool) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint column = i % pool.out_width, rest = i / pool.out_width;
    uint row = rest % pool.out_height, plane = rest / pool.out_height;
    global const TYPE *from = IN(TYPE, x, xo) + (size_t)plane * pool.height * pool.width;
    VALUE best = 0;
    long place = -1;
    for (int a = 0; a < pool.kernel_height; a++) {
        int h = (int)row * pool.stride_height - pool.top + a * pool.dilation_height;
        if (h < 0 || h >= (int)pool.height) continue;
        for (int b = 0; b < pool.kernel_width; b++) {
            int w = (int)column * pool.stride_width - pool.left + b * pool.dilation_width;
            if (w < 0 || w >= (int)pool.width) continue;
            VALUE v = LOAD(from, (size_t)h * pool.width + w);
            if (place >= 0 && !(v > best)) continue;
            best = v;
            place = pool.column_major ? (long)w * pool.height + h : (long)h * pool.width + w;
        }
    }
    OUT(long, y, yo)[i] = place + (long)plane * pool.height * pool.width;
}
#endif

#ifdef REAL
#ifdef HENG_KERNEL_pool_average
kernel void pool_average(
    global void *y, ulong yo, global const void *x, ulong xo, uint count, Pool pool) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint column = i % pool.out_width, rest = i / pool.out_width;
    uint row = rest % pool.out_height, plane = rest / pool.out_height;
    global const TYPE *from = IN(TYPE, x, xo) + (size_t)plane * pool.height * pool.width;
    SUM sum = 0;
    int number = 0;
    for (int a = 0; a < pool.kernel_height; a++) {
        int h = (int)row * pool.stride_height - pool.top + a * pool.dilation_height;
        for (int b = 0; b < pool.kernel_width; b++) {
            int w = (int)column * pool.stride_width - pool.left + b * pool.dilation_width;
            bool inside = h >= 0 && h < (int)pool.height && w >= 0 && w < (int)pool.width;
            if (inside) sum += LOAD(from, (size_t)h * pool.width + w);
            // What lies beyond the padding, where the extent was rounded up, never counts.
            bool padded = h < (int)pool.height + pool.bottom && w < (int)pool.width + pool.right;
            number += pool.include_padding ? padded : inside;
        }
    }
    STORE(OUT(TYPE, y, yo), i, (VALUE)(number ? sum / number : (SUM)0));
}
#endif
#endif
