// One of two elements, as a third says; elements are moved as they are, so only their size matters.

#ifdef HENG_KERNEL_where_elements
kernel void where_elements(
    global void *y, ulong yo, global const void *c, ulong co, global const void *x, ulong xo,
    global const void *z, ulong zo, uint count, Walk walk) {
    uint i = get_global_id(0);
    if (i >= count) return;
    WALK(walk, i, first, at)
    WALK(walk, i, second, bt)
    WALK(walk, i, third, ct)
    OUT(ELEMENT, y, yo)[i] = IN(uchar, c, co)[at] ? IN(ELEMENT, x, xo)[bt] : IN(ELEMENT, z, zo)[ct];
}
#endif
