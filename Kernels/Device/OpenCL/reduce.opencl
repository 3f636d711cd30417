// Reductions of rows: `count` elements, `stride` apart, from the place that the walk gives for an output.
//
// Long rows of few outputs are cut into parts: `reduce_parts` makes a value for each part, `reduce_combine` one of those.
//
// A line says what a sum starts with, what becomes of an element v, how it joins the sum, and what the sum becomes.

#define ROW_sum 0, v, sum + v, sum
#define ROW_prod 1, v, sum * v, sum
#define ROW_sum_square 0, v * v, sum + v, sum
#define ROW_l1 0, v < 0 ? -v : v, sum + v, sum
#ifdef REAL
#define ROW_max -INFINITY, v, v > sum || v != v ? v : sum, sum
#define ROW_min INFINITY, v, v < sum || v != v ? v : sum, sum
#define ROW_mean 0, v, sum + v, sum / (SUM)count
#define ROW_l2 0, v * v, sum + v, sqrt(sum)
#define ROW_log_sum 0, v, sum + v, log(sum)
#else
// Of the wider type that values are joined in; no element lies beyond.
#define LOWEST ((SUM)-1 < 0 ? (SUM)LONG_MIN : (SUM)0)
#define HIGHEST ((SUM)-1 < 0 ? (SUM)LONG_MAX : (SUM)ULONG_MAX)
#define ROW_max LOWEST, v, v > sum ? v : sum, sum
#define ROW_min HIGHEST, v, v < sum ? v : sum, sum
#endif

#ifdef HENG_KERNEL_reduce_rows
#define KERNEL(start, change, join, finish) \
    kernel void reduce_rows( \
        global void *y, ulong yo, global const void *x, ulong xo, uint outputs, uint count, long stride, \
        Walk walk) { \
        uint i = get_global_id(0); \
        if (i >= outputs) return; \
        WALK(walk, i, first, place) \
        SUM sum = start; \
        for (uint k = 0; k < count; k++) { \
            SUM v = (SUM)LOAD(IN(TYPE, x, xo), place + (long)k * stride); \
            v = change; \
            sum = join; \
        } \
        STORE(OUT(TYPE, y, yo), i, (VALUE)(finish)); \
    }
APPLY(KERNEL, HENG_OPERATOR)
#endif

#ifdef HENG_KERNEL_reduce_parts
#define KERNEL(start, change, join, finish) \
    kernel void reduce_parts( \
        global void *y, ulong yo, global const void *x, ulong xo, uint outputs, uint count, long stride, \
        Walk walk, uint parts, uint length) { \
        uint i = get_global_id(0); \
        if (i >= outputs * parts) return; \
        uint output = i / parts, begin = (i % parts) * length, end = min(begin + length, count); \
        WALK(walk, output, first, place) \
        SUM sum = start; \
        for (uint k = begin; k < end; k++) { \
            SUM v = (SUM)LOAD(IN(TYPE, x, xo), place + (long)k * stride); \
            v = change; \
            sum = join; \
        } \
        OUT(SUM, y, yo)[i] = sum; \
    }
APPLY(KERNEL, HENG_OPERATOR)
#endif

#ifdef HENG_KERNEL_reduce_combine
#define KERNEL(start, change, join, finish) \
    kernel void reduce_combine( \
        global void *y, ulong yo, global const void *x, ulong xo, uint outputs, uint count, uint parts) { \
        uint i = get_global_id(0); \
        if (i >= outputs) return; \
        SUM sum = start; \
        for (uint k = 0; k < parts; k++) { \
            SUM v = IN(SUM, x, xo)[i * parts + k]; \
            sum = join; \
        } \
        STORE(OUT(TYPE, y, yo), i, (VALUE)(finish)); \
    }
APPLY(KERNEL, HENG_OPERATOR)
#endif

#ifdef HENG_KERNEL_reduce_log_sum_exp
kernel void reduce_log_sum_exp(
    global void *y, ulong yo, global const void *x, ulong xo, uint outputs, uint count, long stride,
    Walk walk) {
    uint i = get_global_id(0);
    if (i >= outputs) return;
    WALK(walk, i, first, place)
    VALUE most = -INFINITY;
    for (uint k = 0; k < count; k++) {
        VALUE v = LOAD(IN(TYPE, x, xo), place + (long)k * stride);
        most = v > most || v != v ? v : most;
    }
    // Where all are minus infinity or one is infinity, subtracting it would make something else of them.
    VALUE shift = isfinite(most) ? most : (VALUE)0;
    SUM sum = 0;
    for (uint k = 0; k < count; k++)
        sum += exp((SUM)(LOAD(IN(TYPE, x, xo), place + (long)k * stride) - shift));
    STORE(OUT(TYPE, y, yo), i, (VALUE)(log(sum) + shift));
}
#endif

#ifdef HENG_KERNEL_reduce_argument
#define BETTER_max(a, b) (a) > (b)
#define BETTER_min(a, b) (a) < (b)
kernel void reduce_argument(
    global void *y, ulong yo, global const void *x, ulong xo, uint outputs, uint count, long stride,
    Walk walk, uint last) {
    uint i = get_global_id(0);
    if (i >= outputs) return;
    WALK(walk, i, first, place)
    uint at = 0;
    VALUE best = LOAD(IN(TYPE, x, xo), place);
    for (uint k = 1; k < count; k++) {
        VALUE v = LOAD(IN(TYPE, x, xo), place + (long)k * stride);
        if (HENG_OPERATOR(v, best) || (v != v && best == best) || (last && v == best)) { best = v; at = k; }
    }
    OUT(long, y, yo)[i] = at;
}
#endif
