#include "ckernels.h"
#include "variants.h"

#include "pass_baseline.h"
#include "update_f32.inc"
#if CK_HAVE_AVX2
#include "pass_avx2.h"
#include "update_f32.inc"
#endif

void ck_sgd_update_f32(
    size_t count, const ck_sgd *rule, const float *parameter, const float *gradient, const float *velocity,
    float *new_parameter, float *new_velocity) {
    CK_DISPATCH(sgd_update_f32, count, rule, parameter, gradient, velocity, new_parameter, new_velocity);
}

void ck_adam_update_f32(
    size_t count, const ck_adam *rule, const float *parameter, const float *gradient, const float *first,
    const float *second, float *new_parameter, float *new_first, float *new_second) {
    CK_DISPATCH(
        adam_update_f32, count, rule, parameter, gradient, first, second, new_parameter, new_first, new_second);
}
