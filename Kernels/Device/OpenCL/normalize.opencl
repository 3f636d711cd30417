// Normalizations. A row's mean and the reciprocal of its deviation are made first, then all elements in parallel.

#ifdef HENG_KERNEL_batch_normalize
kernel void batch_normalize(
    global void *y, ulong yo, global const void *x, ulong xo, global const void *scale, ulong so,
    global const void *bias, ulong bo, global const void *mean, ulong mo, global const void *variance, ulong vo,
    uint count, uint channels, uint inner, float epsilon) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint c = i / inner % channels;
    VALUE factor = LOAD(IN(TYPE, scale, so), c) / sqrt(LOAD(IN(TYPE, variance, vo), c) + (VALUE)epsilon);
    VALUE v = (LOAD(IN(TYPE, x, xo), i) - LOAD(IN(TYPE, mean, mo), c)) * factor + LOAD(IN(TYPE, bias, bo), c);
    STORE(OUT(TYPE, y, yo), i, v);
}
#endif

#ifdef HENG_KERNEL_row_facts
// Rows of `length` elements; without a mean for RMS. `facts` gets two values for each row.
kernel void row_facts(
    global void *facts, ulong fo, global const void *x, ulong xo, uint rows, uint length, float epsilon,
    uint centered) {
    uint row = get_global_id(0);
    if (row >= rows) return;
    global const TYPE *from = IN(TYPE, x, xo) + (size_t)row * length;
    SUM sum = 0;
    if (centered)
        for (uint k = 0; k < length; k++) sum += LOAD(from, k);
    SUM mean = centered && length ? sum / length : 0;
    SUM squares = 0;
    for (uint k = 0; k < length; k++) {
        SUM d = (SUM)LOAD(from, k) - mean;
        squares += d * d;
    }
    OUT(VALUE, facts, fo)[2 * row] = (VALUE)mean;
    OUT(VALUE, facts, fo)[2 * row + 1] = (VALUE)(1 / sqrt(squares / length + (SUM)epsilon));
}
#endif

#ifdef HENG_KERNEL_apply_facts
// The index of an element's scale: its place in the row (by_row 0), or which `block` of elements among `blocks` it is in.
kernel void apply_facts(
    global void *y, ulong yo, global const void *x, ulong xo, global const void *facts, ulong fo,
    global const void *scale, ulong so, global const void *bias, ulong bo, uint count, uint length, uint by_block,
    uint block, uint blocks, uint biased) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint row = i / length, which = by_block ? i / block % blocks : i % length;
    VALUE mean = IN(VALUE, facts, fo)[2 * row], factor = IN(VALUE, facts, fo)[2 * row + 1];
    VALUE v = (LOAD(IN(TYPE, x, xo), i) - mean) * factor * LOAD(IN(TYPE, scale, so), which);
    if (biased) v += LOAD(IN(TYPE, bias, bo), which);
    STORE(OUT(TYPE, y, yo), i, v);
}
#endif

#ifdef HENG_KERNEL_export_facts
// One of the facts of each row as an output: 0 the mean, 1 the reciprocal deviation.
kernel void export_facts(
    global void *y, ulong yo, global const void *facts, ulong fo, uint rows, uint which) {
    uint row = get_global_id(0);
    if (row < rows) OUT(VALUE, y, yo)[row] = IN(VALUE, facts, fo)[2 * row + which];
}
#endif

#ifdef HENG_KERNEL_local_response
// Local response normalization: `size` channels around an element.
kernel void local_response(
    global void *y, ulong yo, global const void *x, ulong xo, uint count, uint channels, uint inner, uint size,
    float alpha, float beta, float bias) {
    uint i = get_global_id(0);
    if (i >= count) return;
    int c = i / inner % channels;
    int first = max(0, c - (int)((size - 1) / 2)), last = min((int)channels - 1, c + (int)(size / 2));
    SUM sum = 0;
    for (int k = first; k <= last; k++) {
        VALUE v = LOAD(IN(TYPE, x, xo), (long)i + (long)(k - c) * inner);
        sum += (SUM)v * v;
    }
    VALUE base = (VALUE)bias + (VALUE)alpha / size * (VALUE)sum;
    STORE(OUT(TYPE, y, yo), i, LOAD(IN(TYPE, x, xo), i) / pow(base, (VALUE)beta));
}
#endif
