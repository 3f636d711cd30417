#include <math.h>

#include "ckernels.h"
#include "variants.h"

#include "pass_baseline.h"
#include "elementwise_f32.inc"
#if CK_HAVE_AVX2
#include "pass_avx2.h"
#include "elementwise_f32.inc"
#endif

#define CK_PUBLIC_MAP(name) \
    void ck_##name##_f32(size_t count, const float *in, float *out) { CK_DISPATCH(name##_f32, count, in, out); }
CK_PUBLIC_MAP(relu)
CK_PUBLIC_MAP(gelu)
CK_PUBLIC_MAP(tanh)
CK_PUBLIC_MAP(exp)
CK_PUBLIC_MAP(erf)
CK_PUBLIC_MAP(sqrt)
CK_PUBLIC_MAP(negate)
CK_PUBLIC_MAP(reciprocal)
CK_PUBLIC_MAP(sigmoid)

/* No vector form: logarithms are rare here. */
void ck_log_f32(size_t count, const float *in, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = logf(in[i]);
}

#define CK_PUBLIC_SLOPE(name) \
    void ck_##name##_f32(size_t count, const float *gradient, const float *in, float *out) { \
        CK_DISPATCH(name##_f32, count, gradient, in, out); \
    }
CK_PUBLIC_SLOPE(relu_gradient)
CK_PUBLIC_SLOPE(gelu_gradient)
CK_PUBLIC_SLOPE(tanh_gradient)

void ck_binary_f32(
    ck_binary operation, const ck_broadcast *shape, size_t begin, size_t end, const float *a, const float *b,
    float *out) {
    CK_DISPATCH(binary_f32, operation, shape, begin, end, a, b, out);
}
