/* Opens the pass for any machine: 128-bit vectors, which SSE2 and NEON both have. */
#undef CK_SUFFIX
#undef CK_TARGET
#undef CK_LANES
#define CK_SUFFIX _baseline
#define CK_TARGET
#define CK_LANES 4
