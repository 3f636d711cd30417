// Values of one type as values of another; ELEMENT is the source's type, TO the result's.

#ifndef TO
#define TO 1
#endif
typedef Element<TO> R;

extern "C" __global__ void cast(const element *x, R::Stored *y, i64 count) {
    FOR_EACH(i, count) {
        number value = E::load(x, i);
#if TO == 9
        y[i] = value != (number)0;
#else
        R::store(y, i, (R::Number)value);
#endif
    }
}
