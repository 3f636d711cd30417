// Operators that make one element from one element; a and b are the operator's parameters.
// Each line says what an operator makes of v.

#ifdef REAL
#define SQRT_HALF ((VALUE)0.70710678118654752)
#define SQRT_2_PI ((VALUE)0.79788456080286536)
#define TO_relu v > 0 ? v : v != v ? v : (VALUE)0
#define TO_leaky_relu v < 0 ? a * v : v
#define TO_sigmoid 1 / (1 + exp(-v))
#define TO_tanh tanh(v)
#define TO_exp exp(v)
#define TO_log log(v)
#define TO_sqrt sqrt(v)
#define TO_abs fabs(v)
#define TO_neg -v
#define TO_erf erf(v)
#define TO_gelu (VALUE)0.5 * v * (1 + erf(v * SQRT_HALF))
#define TO_gelu_tanh (VALUE)0.5 * v * (1 + tanh(SQRT_2_PI * (v + (VALUE)0.044715 * v * v * v)))
#define TO_elu v < 0 ? a * expm1(v) : v
#define TO_celu fmax(v, (VALUE)0) + fmin((VALUE)0, a * expm1(v / a))
#define TO_selu v > 0 ? b * v : b * a * expm1(v)
#define TO_softplus fmax(v, (VALUE)0) + log1p(exp(-fabs(v)))
#define TO_softsign v / (1 + fabs(v))
#define TO_hard_sigmoid fmax((VALUE)0, fmin((VALUE)1, a * v + b))
#define TO_hard_swish v * fmax((VALUE)0, fmin((VALUE)1, v * (VALUE)(1.0 / 6) + (VALUE)0.5))
#define TO_swish v / (1 + exp(-a * v))
#define TO_mish v * tanh(fmax(v, (VALUE)0) + log1p(exp(-fabs(v))))
#define TO_thresholded_relu v > a ? v : (VALUE)0
#define TO_shrink v < -a ? v + b : v > a ? v - b : (VALUE)0
#define TO_clip v != v ? v : fmin(fmax(v, a), b)
#define TO_floor floor(v)
#define TO_ceil ceil(v)
#define TO_round rint(v)
#define TO_sign v > 0 ? (VALUE)1 : v < 0 ? (VALUE)-1 : v
#define TO_reciprocal 1 / v
#define TO_sin sin(v)
#define TO_cos cos(v)
#define TO_tan tan(v)
#define TO_asin asin(v)
#define TO_acos acos(v)
#define TO_atan atan(v)
#define TO_sinh sinh(v)
#define TO_cosh cosh(v)
#define TO_asinh asinh(v)
#define TO_acosh acosh(v)
#define TO_atanh atanh(v)

#define TO_is_nan v != v
// a: whether negative infinity counts; b: whether positive does.
#define TO_is_inf isinf(v) && (v < 0 ? a != 0 : b != 0)
#elif defined(TRUTH)
#define TO_not !v
#else
#define TO_relu v > 0 ? v : 0
#define TO_abs v < 0 ? -v : v
#define TO_neg -v
#define TO_sign (v > 0) - (v < 0)
#define TO_clip min(max(v, a), b)
#define TO_bitwise_not ~v
#endif

// HENG_MAKES_TRUTH: the result is a truth value.
#ifdef HENG_MAKES_TRUTH
#define RESULT uchar
#define PUT(p, i, v) ((p)[i] = (v) ? 1 : 0)
#else
#define RESULT TYPE
#define PUT(p, i, v) STORE(p, i, (VALUE)(v))
#endif

kernel void unary(global void *y, ulong yo, global const void *x, ulong xo, uint count, VALUE a, VALUE b) {
    uint i = get_global_id(0);
    if (i >= count) return;
    VALUE v = LOAD(IN(TYPE, x, xo), i);
    PUT(OUT(RESULT, y, yo), i, HENG_OPERATOR);
}
