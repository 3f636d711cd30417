// Elements to other places: transposes, slices, repeats, joins, paddings and gathers. Only an element's size matters.

#ifdef HENG_KERNEL_move
kernel void move(
    global void *y, ulong yo, global const void *x, ulong xo, uint count, Walk walk, long to,
    long from) {
    uint i = get_global_id(0);
    if (i >= count) return;
    WALK(walk, i, first, target)
    WALK(walk, i, second, source)
    OUT(ELEMENT, y, yo)[to + target] = IN(ELEMENT, x, xo)[from + source];
}
#endif
#ifdef HENG_KERNEL_gather
// y is [outer, indices, inner]; x is [outer, extent, inner].
kernel void gather(
    global void *y, ulong yo, global const void *x, ulong xo, global const void *indices, ulong io,
    uint count, uint chosen, uint extent, uint inner, uint wide) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint lane = i % inner, rest = i / inner;
    uint which = rest % chosen, outer = rest / chosen;
    long index = wide ? IN(long, indices, io)[which] : (long)IN(int, indices, io)[which];
    if (index < 0) index += extent;
    bool there = index >= 0 && index < extent;
    OUT(ELEMENT, y, yo)[i] =
        there ? IN(ELEMENT, x, xo)[((ulong)outer * extent + (ulong)index) * inner + lane] : (ELEMENT)0;
}
#endif
#ifdef HENG_KERNEL_gather_elements
// y is [outer, chosen, inner] as the indices; x is [.., extent, ..] with the strides of the walk.
kernel void gather_elements(
    global void *y, ulong yo, global const void *x, ulong xo, global const void *indices, ulong io,
    uint count, Walk walk, long stride, uint extent, uint wide) {
    uint i = get_global_id(0);
    if (i >= count) return;
    WALK(walk, i, first, place)
    long index = wide ? IN(long, indices, io)[i] : (long)IN(int, indices, io)[i];
    if (index < 0) index += extent;
    bool there = index >= 0 && index < extent;
    OUT(ELEMENT, y, yo)[i] = there ? IN(ELEMENT, x, xo)[place + index * stride] : (ELEMENT)0;
}
#endif
#ifdef HENG_KERNEL_pad
// mode 0: value, 1: mirror without the edge, 2: the edge, 3: around. `first` holds x's strides, `second`
// the elements before it, `third` its extents.
kernel void pad(
    global void *y, ulong yo, global const void *x, ulong xo, uint count, Walk walk, int mode,
    ulong value) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint left = i;
    long place = 0;
    bool inside = true;
    for (int axis = (int)walk.rank - 1; axis >= 0; axis--) {
        uint rest = left / walk.dims[axis];
        long at = (long)(left - rest * walk.dims[axis]) - walk.second[axis], extent = walk.third[axis];
        left = rest;
        if (at < 0 || at >= extent) {
            if (mode == 0 || extent <= 0) { inside = false; continue; }
            if (mode == 2) at = at < 0 ? 0 : extent - 1;
            else if (mode == 3) at = (at % extent + extent) % extent;
            else if (extent == 1) at = 0;
            else {
                long period = 2 * (extent - 1);
                at = (at % period + period) % period;
                if (at >= extent) at = period - at;
            }
        }
        place += at * walk.first[axis];
    }
    OUT(ELEMENT, y, yo)[i] = inside ? IN(ELEMENT, x, xo)[place] : (ELEMENT)value;
}
#endif
