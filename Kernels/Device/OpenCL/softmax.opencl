// Softmax over `count` elements that lie `inner` apart; one work item makes one such row.

#ifdef HENG_KERNEL_softmax_rows
kernel void softmax_rows(
    global void *y, ulong yo, global const void *x, ulong xo, uint rows, uint count, uint inner,
    uint logarithm) {
    uint row = get_global_id(0);
    if (row >= rows) return;
    size_t place = (size_t)(row / inner) * count * inner + row % inner;
    global const TYPE *from = IN(TYPE, x, xo) + place;
    global TYPE *to = OUT(TYPE, y, yo) + place;
    VALUE most = -INFINITY;
    for (uint k = 0; k < count; k++) most = fmax(most, (VALUE)LOAD(from, (size_t)k * inner));
    SUM sum = 0;
    for (uint k = 0; k < count; k++) sum += (SUM)exp(LOAD(from, (size_t)k * inner) - most);
    if (logarithm) {
        VALUE shift = (VALUE)log(sum);
        for (uint k = 0; k < count; k++)
            STORE(to, (size_t)k * inner, (LOAD(from, (size_t)k * inner) - most) - shift);
    } else {
        VALUE scale = (VALUE)(1 / sum);
        for (uint k = 0; k < count; k++)
            STORE(to, (size_t)k * inner, exp(LOAD(from, (size_t)k * inner) - most) * scale);
    }
}
#endif
