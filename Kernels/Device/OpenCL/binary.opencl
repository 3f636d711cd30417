// Operators on two tensors, and the choice between two. The plain form is for tensors that lie alike; the walking
// form repeats elements of the smaller one.

#define OF_equal a == b
#ifdef TRUTH
#define OF_and a && b
#define OF_or a || b
#define OF_xor (a != 0) != (b != 0)
#else
#define OF_greater a > b
#define OF_greater_or_equal a >= b
#define OF_less a < b
#define OF_less_or_equal a <= b
#define OF_add a + b
#define OF_sub a - b
#define OF_mul a * b
#define OF_max a > b || a != a ? a : b
#define OF_min a < b || a != a ? a : b
#define OF_prelu a < 0 ? a * b : a
#ifdef REAL
#define OF_div a / b
#define OF_pow pow(a, b)
#define OF_fmod fmod(a, b)
#else
inline VALUE safe_div(VALUE a, VALUE b) { return b == 0 ? 0 : a / b; }
inline VALUE power(VALUE base, VALUE exponent) {
    VALUE result = 1;
    if (exponent < 0) return base == 1 ? 1 : base == (VALUE)-1 ? (exponent & 1 ? base : 1) : 0;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) result *= base;
    return result;
}
inline VALUE remainder_as_c(VALUE a, VALUE b) { return b == 0 ? 0 : a % b; }
inline VALUE remainder_as_python(VALUE a, VALUE b) {
    VALUE r = b == 0 ? 0 : a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
#define OF_div safe_div(a, b)
#define OF_pow power(a, b)
#define OF_fmod remainder_as_c(a, b)
#define OF_mod remainder_as_python(a, b)
#define OF_bitwise_and a & b
#define OF_bitwise_or a | b
#define OF_bitwise_xor a ^ b
#define OF_shift_left b < sizeof(TYPE) * 8 ? a << b : 0
#define OF_shift_right b < sizeof(TYPE) * 8 ? a >> b : 0
#endif
#endif

// HENG_MAKES_TRUTH: the result is a truth value.
#ifdef HENG_MAKES_TRUTH
#define RESULT uchar
#define PUT(p, i, v) ((p)[i] = (v) ? 1 : 0)
#else
#define RESULT TYPE
#define PUT(p, i, v) STORE(p, i, (VALUE)(v))
#endif

#ifdef HENG_KERNEL_binary
kernel void binary(
    global void *y, ulong yo, global const void *x, ulong xo, global const void *z, ulong zo, uint count) {
    uint i = get_global_id(0);
    if (i >= count) return;
    VALUE a = LOAD(IN(TYPE, x, xo), i), b = LOAD(IN(TYPE, z, zo), i);
    PUT(OUT(RESULT, y, yo), i, HENG_OPERATOR);
}
#endif

#ifdef HENG_KERNEL_binary_walk
kernel void binary_walk(
    global void *y, ulong yo, global const void *x, ulong xo, global const void *z, ulong zo, uint count,
    Walk walk) {
    uint i = get_global_id(0);
    if (i >= count) return;
    WALK(walk, i, first, at)
    WALK(walk, i, second, bt)
    VALUE a = LOAD(IN(TYPE, x, xo), at), b = LOAD(IN(TYPE, z, zo), bt);
    PUT(OUT(RESULT, y, yo), i, HENG_OPERATOR);
}
#endif

#ifdef HENG_KERNEL_binary_scalar
kernel void binary_scalar(
    global void *y, ulong yo, global const void *x, ulong xo, uint count, VALUE b) {
    uint i = get_global_id(0);
    if (i >= count) return;
    VALUE a = LOAD(IN(TYPE, x, xo), i);
    PUT(OUT(RESULT, y, yo), i, HENG_OPERATOR);
}
#endif
