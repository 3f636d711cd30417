// Values that change only their place. Elements are units of 1, 2, 4 or 8 bytes (ELEMENT is 2, 4, 12 or 13).

struct View {
    i64 rank, offset;
    i64 dims[RANK], strides[RANK];
};

__device__ i64 place_in(const View &view, i64 index) {
    i64 place = view.offset;
    for (int axis = (int)view.rank - 1; axis >= 0; axis--) {
        place += index % view.dims[axis] * view.strides[axis];
        index /= view.dims[axis];
    }
    return place;
}

// The result lies dense; each of its values comes from a place of the view.
extern "C" __global__ void read_view(const element *x, element *y, View view, i64 count) {
    FOR_EACH(i, count) y[i] = x[place_in(view, i)];
}

// The source lies dense; each of its values goes to a place of the view.
extern "C" __global__ void write_view(const element *x, element *y, View view, i64 count) {
    FOR_EACH(i, count) y[place_in(view, i)] = x[i];
}

// The result in the image's terms: `dims` are the result's, `image` and `before` those of the source.
struct Frame {
    i64 rank;
    i64 dims[RANK], image[RANK], before[RANK];
};

// 0 a constant around the image, 1 its mirror without the edge, 2 its edge, 3 the image again.
extern "C" __global__ void pad(
    const element *x, const element *constant, element *y, Frame frame, i64 count, int mode) {
    FOR_EACH(i, count) {
        i64 rest = i, place = 0, step = 1;
        bool outside = false;
        for (int axis = (int)frame.rank - 1; axis >= 0; axis--) {
            i64 extent = frame.image[axis], at = rest % frame.dims[axis] - frame.before[axis];
            rest /= frame.dims[axis];
            if (at < 0 || at >= extent) {
                if (mode == 0) outside = true;
                if (mode == 1) {
                    i64 period = extent > 1 ? 2 * (extent - 1) : 1;
                    at = (at % period + period) % period;
                    if (at >= extent) at = period - at;
                }
                if (mode == 2) at = at < 0 ? 0 : extent - 1;
                if (mode == 3) at = (at % extent + extent) % extent;
            }
            place += at * step;
            step *= extent;
        }
        y[i] = !outside ? x[place] : constant ? constant[0] : (element)0;
    }
}

// Rows picked by number along an axis; a number below 0 counts from the end, one that is no row gives zeros.
extern "C" __global__ void gather(
    const element *x, const void *indices, element *y, i64 outer, i64 axis, i64 picked, i64 inner, int wide) {
    FOR_EACH(i, outer * picked * inner) {
        i64 number = i / inner % picked;
        i64 row = wide ? ((const i64 *)indices)[number] : (i64)((const int *)indices)[number];
        if (row < 0) row += axis;
        bool inside = row >= 0 && row < axis;
        y[i] = inside ? x[(i / (inner * picked) * axis + row) * inner + i % inner] : (element)0;
    }
}

// Single elements picked along an axis; the indices have the result's shape.
extern "C" __global__ void gather_elements(
    const element *x, const void *indices, element *y, View view, i64 count, i64 axis, i64 stride, int wide) {
    FOR_EACH(i, count) {
        i64 row = wide ? ((const i64 *)indices)[i] : (i64)((const int *)indices)[i];
        if (row < 0) row += axis;
        bool inside = row >= 0 && row < axis;
        y[i] = inside ? x[place_in(view, i) + row * stride] : (element)0;
    }
}
