// Elements of HENG_TYPE as elements of HENG_TARGET. Numbers to truth: anything but 0 is true. Real numbers to whole
// ones are cut.

#if HENG_TARGET == 1
#define TO(p, i, v) ((global float *)(p))[i] = (float)(v)
#elif HENG_TARGET == 10
#define TO(p, i, v) vstore_half((float)(v), i, (global half *)(p))
#elif HENG_TARGET == 16
#define TO(p, i, v) ((global ushort *)(p))[i] = bfloat_of((float)(v))
#elif HENG_TARGET == 11
#define TO(p, i, v) ((global double *)(p))[i] = (double)(v)
#elif HENG_TARGET == 9
#define TO(p, i, v) ((global uchar *)(p))[i] = (v) != 0
#elif HENG_TARGET == 2
#define WHOLE uchar
#elif HENG_TARGET == 3
#define WHOLE char
#elif HENG_TARGET == 4
#define WHOLE ushort
#elif HENG_TARGET == 5
#define WHOLE short
#elif HENG_TARGET == 6
#define WHOLE int
#elif HENG_TARGET == 12
#define WHOLE uint
#elif HENG_TARGET == 7
#define WHOLE long
#elif HENG_TARGET == 13
#define WHOLE ulong
#endif

#ifdef WHOLE
#if defined(REAL) && HENG_TARGET != 13
#define TO(p, i, v) ((global WHOLE *)(p))[i] = (WHOLE)(long)(v)
#else
#define TO(p, i, v) ((global WHOLE *)(p))[i] = (WHOLE)(v)
#endif
#endif

kernel void cast_elements(global void *y, ulong yo, global const void *x, ulong xo, uint count) {
    uint i = get_global_id(0);
    if (i >= count) return;
    VALUE v = LOAD(IN(TYPE, x, xo), i);
#ifdef TRUTH
    v = v != 0;
#endif
    TO((global char *)y + yo, i, v);
}
