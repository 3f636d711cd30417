// One value in, one value out. The numbers of the functions are those of Elementwise.swift.

#if IS_REAL
__device__ number normal_part(number x) { return (number)0.5 * ((number)1 + MATH(erf)(x * (number)0.70710678118654752440)); }

__device__ number soft_plus(number x) {
    return x > 0 ? x + MATH(log1p)(MATH(exp)(-x)) : MATH(log1p)(MATH(exp)(x));
}

__device__ number apply(int function, number x, number a, number b) {
    switch (function) {
        case 0: return MATH(fabs)(x);
        case 1: return -x;
        case 2: return MATH(exp)(x);
        case 3: return MATH(log)(x);
        case 4: return MATH(sqrt)(x);
        case 5: return (number)1 / x;
        case 6: return x > 0 || x != x ? x : (number)0;
        case 7: return (number)1 / ((number)1 + MATH(exp)(-x));
        case 8: return MATH(tanh)(x);
        case 9: return MATH(erf)(x);
        case 10: return MATH(sin)(x);
        case 11: return MATH(cos)(x);
        case 12: return MATH(floor)(x);
        case 13: return MATH(ceil)(x);
        case 14: return MATH(rint)(x);
        case 15: return x > 0 ? (number)1 : x < 0 ? (number)-1 : x;
        case 16: return soft_plus(x);
        case 17: return x / ((number)1 + MATH(fabs)(x));
        case 18: return x < 0 ? a * x : x;
        case 19: return x < 0 ? a * MATH(expm1)(x) : x;
        case 20: return MATH(fmax)((number)0, MATH(fmin)((number)1, a * x + b));
        case 21: return x * MATH(fmax)((number)0, MATH(fmin)((number)1, x / (number)6 + (number)0.5));
        case 22: return x * normal_part(x);
        case 23:
            return (number)0.5 * x
                * ((number)1 + MATH(tanh)((number)0.79788456080286535588 * (x + (number)0.044715 * x * x * x)));
        case 24: return x > 0 ? b * x : b * a * MATH(expm1)(x);
        case 25: return x > a ? x : (number)0;
        case 26: return x > 0 ? x : a * MATH(expm1)(x / a);
        case 27: return x * MATH(tanh)(soft_plus(x));
        case 28: return MATH(tan)(x);
        case 29: return MATH(asin)(x);
        case 30: return MATH(acos)(x);
        case 31: return MATH(atan)(x);
        case 32: return MATH(sinh)(x);
        case 33: return MATH(cosh)(x);
        case 34: return MATH(asinh)(x);
        case 35: return MATH(acosh)(x);
        case 36: return MATH(atanh)(x);
        case 37: return x / ((number)1 + MATH(exp)(-a * x));
        default: return x;
    }
}
#else
__device__ number apply(int function, number x, number a, number b) {
    switch (function) {
        case 0: return x < 0 ? (number)(0 - x) : x;
        case 1: return (number)(0 - x);
        case 6: return x > 0 ? x : (number)0;
        case 15: return x > 0 ? (number)1 : x < 0 ? (number)-1 : (number)0;
        case 38: return (number)(x == 0);
        case 39: return (number)~x;
        default: return x;
    }
}
#endif

extern "C" __global__ void unary(const element *x, element *y, i64 count, int function, double a, double b) {
    FOR_EACH(i, count) E::store(y, i, apply(function, E::load(x, i), (number)a, (number)b));
}

// Bounds lie on the device, and either may be left out.
extern "C" __global__ void clip(const element *x, const element *low, const element *high, element *y, i64 count) {
    FOR_EACH(i, count) {
        number value = E::load(x, i);
        if (low && value < E::load(low, 0)) value = E::load(low, 0);
        if (high && value > E::load(high, 0)) value = E::load(high, 0);
        E::store(y, i, value);
    }
}

// Tests of single numbers.
extern "C" __global__ void classify(const element *x, unsigned char *y, i64 count, int function) {
    FOR_EACH(i, count) {
        number value = E::load(x, i);
#if IS_REAL
        bool is_nan = value != value, is_infinite = !is_nan && value - value != 0;
        y[i] = function == 0 ? is_nan : is_infinite;
#else
        y[i] = value != value;
#endif
    }
}
