/*
 * Products of row-major matrices through cuBLASLt, which thinks in columns: the transposed product is asked for, with
 * the factors in the other order, so that nothing is moved.
 */
#ifndef HENG_CUDA_PRODUCT_H
#define HENG_CUDA_PRODUCT_H

#include "heng_cuda.h"

#ifdef __cplusplus
extern "C" {
#endif

/* D[m, n] = alpha * op(A)[m, k] * op(B)[k, n] + beta * D, for each of `batch` matrices. */
typedef struct hcu_product_shape {
    uint64_t m, n, k;
    uint64_t batch;
    int64_t stride_a, stride_b, stride_d; /* elements from a matrix to the next; 0: the same one */
    int32_t transposed_a; /* 1: A lies as [k, m] */
    int32_t transposed_b; /* 1: B lies as [n, k] */
    int32_t type;         /* HCU_REAL_... of all three */
    int32_t compute;      /* HCU_COMPUTE_... */
} hcu_product_shape;

typedef struct hcu_product hcu_product;

/* Every matrix starts at a multiple of this. */
enum { HCU_PRODUCT_ALIGNMENT = 16 };

/* Makes the descriptors and picks an algorithm with at most so much scratch memory; 0, or cuBLASLt's status. */
int32_t hcu_product_prepare(
    const hcu_blas *_Nonnull blas, hcu_blas_handle _Nonnull handle, const hcu_product_shape *_Nonnull shape,
    size_t workspace_limit, hcu_product *_Nullable *_Nonnull product);

/* The scratch memory that the picked algorithm needs. */
size_t hcu_product_workspace(const hcu_product *_Nonnull product);

int32_t hcu_product_run(
    const hcu_product *_Nonnull product, double alpha, hcu_address a, hcu_address b, double beta, hcu_address d,
    hcu_address workspace, size_t workspace_bytes, hcu_stream _Nullable stream);

void hcu_product_destroy(hcu_product *_Nullable product);

#ifdef __cplusplus
}
#endif

#endif
