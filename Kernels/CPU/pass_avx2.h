/* Opens the pass for x86-64 with AVX2 and FMA. */
#undef CK_SUFFIX
#undef CK_TARGET
#undef CK_LANES
#define CK_SUFFIX _avx2
#define CK_TARGET __attribute__((target("avx2,fma")))
#define CK_LANES 8
