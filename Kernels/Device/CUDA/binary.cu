// Two or three values in, one out, with broadcasting: an extent of 1 has a stride of 0. The numbers of the functions are
// those of Binary.swift.

struct Operands {
    i64 rank;
    i64 dims[RANK];
    i64 strides[3][RANK];
};

__device__ void locate(const Operands &shape, i64 index, i64 *first, i64 *second, i64 *third) {
    *first = *second = *third = 0;
    for (int axis = (int)shape.rank - 1; axis >= 0; axis--) {
        i64 at = index % shape.dims[axis];
        index /= shape.dims[axis];
        *first += at * shape.strides[0][axis];
        *second += at * shape.strides[1][axis];
        *third += at * shape.strides[2][axis];
    }
}

#if IS_REAL
__device__ number modulo(number a, number b, int as_in_c) {
    number rest = MATH(fmod)(a, b);
    return !as_in_c && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
__device__ number power(number a, number b) { return MATH(pow)(a, b); }
__device__ number quotient(number a, number b) { return a / b; }
__device__ bool is_nan(number a) { return a != a; }
#else
__device__ number quotient(number a, number b) {
    // The one quotient that does not fit comes out as what it wraps to.
    if (b == 0) return 0;
    return b == (number)-1 && (number)-1 < 0 ? (number)(0 - a) : (number)(a / b);
}
__device__ number modulo(number a, number b, int as_in_c) {
    if (b == 0 || (b == (number)-1 && (number)-1 < 0)) return 0;
    number rest = (number)(a % b);
    return !as_in_c && rest != 0 && (rest < 0) != (b < 0) ? (number)(rest + b) : rest;
}
__device__ number power(number a, number b) {
    number result = 1;
    if (b < 0) return a == 1 ? (number)1 : a == (number)-1 ? (b % 2 ? a : (number)1) : (number)0;
    for (; b > 0; b = (number)(b / 2)) {
        if (b % 2) result = (number)(result * a);
        a = (number)(a * a);
    }
    return result;
}
__device__ bool is_nan(number) { return false; }
#endif

__device__ number combine(int function, number a, number b) {
    switch (function) {
        case 0: return (number)(a + b);
        case 1: return (number)(a - b);
        case 2: return (number)(a * b);
        case 3: return quotient(a, b);
        case 4: return power(a, b);
        case 5: return is_nan(a) || is_nan(b) ? (number)(a + b) : a < b ? a : b;
        case 6: return is_nan(a) || is_nan(b) ? (number)(a + b) : a > b ? a : b;
        case 7: return modulo(a, b, 0);
        case 8: return modulo(a, b, 1);
        case 9: return a < 0 ? (number)(a * b) : a;
#if !IS_REAL
        case 10: return (number)(a & b);
        case 11: return (number)(a | b);
        case 12: return (number)(a ^ b);
        case 13: return (number)(a && b);
        case 14: return (number)(a || b);
        case 15: return (number)(!a != !b);
#endif
        default: return a;
    }
}

extern "C" __global__ void binary(
    const element *a, const element *b, element *y, Operands shape, i64 count, int function, int flat) {
    FOR_EACH(i, count) {
        i64 first = i, second = i, third;
        if (!flat) locate(shape, i, &first, &second, &third);
        E::store(y, i, combine(function, E::load(a, first), E::load(b, second)));
    }
}

extern "C" __global__ void compare(
    const element *a, const element *b, unsigned char *y, Operands shape, i64 count, int function, int flat) {
    FOR_EACH(i, count) {
        i64 first = i, second = i, third;
        if (!flat) locate(shape, i, &first, &second, &third);
        number left = E::load(a, first), right = E::load(b, second);
        y[i] = function == 0 ? left == right
            : function == 1 ? left < right
            : function == 2 ? left > right
            : function == 3 ? left <= right
                            : left >= right;
    }
}

extern "C" __global__ void choose(
    const unsigned char *condition, const element *a, const element *b, element *y, Operands shape, i64 count,
    int flat) {
    FOR_EACH(i, count) {
        i64 first = i, second = i, third = i;
        if (!flat) locate(shape, i, &first, &second, &third);
        y[i] = condition[first] ? a[second] : b[third];
    }
}
