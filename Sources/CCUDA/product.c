#include "heng_cuda_product.h"

#include <stdlib.h>

enum { HCU_BLAS_NO_MEMORY = 3, HCU_BLAS_UNSUPPORTED = 15, HCU_TRANSPOSE = 1 };

struct hcu_product {
    const hcu_blas *blas;
    hcu_blas_handle handle;
    hcu_matmul matmul;
    hcu_layout left, right, result; /* in columns: B, A and D */
    hcu_algorithm algorithm;
    size_t workspace;
    int32_t compute;
};

static int32_t make_layout(
    const hcu_blas *blas, const hcu_product_shape *shape, uint64_t rows, uint64_t columns, int64_t stride,
    hcu_layout *layout) {
    int32_t status = blas->cublasLtMatrixLayoutCreate(layout, shape->type, rows, columns, (int64_t)rows);
    if (status || shape->batch <= 1) return status;
    int32_t count = (int32_t)shape->batch;
    status = blas->cublasLtMatrixLayoutSetAttribute(*layout, HCU_LAYOUT_BATCH_COUNT, &count, sizeof count);
    if (status) return status;
    return blas->cublasLtMatrixLayoutSetAttribute(*layout, HCU_LAYOUT_BATCH_STRIDE, &stride, sizeof stride);
}

static int32_t make_matmul(const hcu_blas *blas, const hcu_product_shape *shape, hcu_matmul *matmul) {
    int32_t scale = shape->compute == HCU_COMPUTE_64F ? HCU_REAL_64F : HCU_REAL_32F;
    int32_t status = blas->cublasLtMatmulDescCreate(matmul, shape->compute, scale);
    int32_t transpose = HCU_TRANSPOSE;
    /* B is the left factor of the transposed product, A the right one. */
    if (!status && shape->transposed_b)
        status = blas->cublasLtMatmulDescSetAttribute(*matmul, HCU_MATMUL_TRANSPOSE_A, &transpose, sizeof transpose);
    if (!status && shape->transposed_a)
        status = blas->cublasLtMatmulDescSetAttribute(*matmul, HCU_MATMUL_TRANSPOSE_B, &transpose, sizeof transpose);
    return status;
}

static int32_t pick(hcu_product *product, size_t limit) {
    const hcu_blas *blas = product->blas;
    hcu_preference preference = NULL;
    int32_t status = blas->cublasLtMatmulPreferenceCreate(&preference);
    if (status) return status;
    status = blas->cublasLtMatmulPreferenceSetAttribute(
        preference, HCU_PREFERENCE_WORKSPACE_BYTES, &limit, sizeof limit);
    /* Without this, algorithms are picked for addresses that are multiples of 256. */
    uint32_t alignment = HCU_PRODUCT_ALIGNMENT;
    for (int32_t matrix = 0; !status && matrix < 4; matrix++)
        status = blas->cublasLtMatmulPreferenceSetAttribute(
            preference, HCU_PREFERENCE_ALIGNMENT_A + matrix, &alignment, sizeof alignment);
    hcu_heuristic found = {.state = -1};
    int32_t count = 0;
    if (!status)
        status = blas->cublasLtMatmulAlgoGetHeuristic(
            product->handle, product->matmul, product->left, product->right, product->result, product->result,
            preference, 1, &found, &count);
    blas->cublasLtMatmulPreferenceDestroy(preference);
    if (status) return status;
    if (count < 1 || found.state) return found.state > 0 ? found.state : HCU_BLAS_UNSUPPORTED;
    product->algorithm = found.algorithm;
    product->workspace = found.workspace_bytes;
    return 0;
}

int32_t hcu_product_prepare(
    const hcu_blas *blas, hcu_blas_handle handle, const hcu_product_shape *shape, size_t workspace_limit,
    hcu_product **result) {
    *result = NULL;
    hcu_product *product = calloc(1, sizeof *product);
    if (!product) return HCU_BLAS_NO_MEMORY;
    product->blas = blas;
    product->handle = handle;
    product->compute = shape->compute;
    int32_t status = make_matmul(blas, shape, &product->matmul);
    /* A row-major [r, c] matrix is a column-major [c, r] one, with c as the distance between columns. */
    if (!status)
        status = make_layout(
            blas, shape, shape->transposed_b ? shape->k : shape->n, shape->transposed_b ? shape->n : shape->k,
            shape->stride_b, &product->left);
    if (!status)
        status = make_layout(
            blas, shape, shape->transposed_a ? shape->m : shape->k, shape->transposed_a ? shape->k : shape->m,
            shape->stride_a, &product->right);
    if (!status) status = make_layout(blas, shape, shape->n, shape->m, shape->stride_d, &product->result);
    if (!status) status = pick(product, workspace_limit);
    if (status) {
        hcu_product_destroy(product);
        return status;
    }
    *result = product;
    return 0;
}

size_t hcu_product_workspace(const hcu_product *product) { return product->workspace; }

int32_t hcu_product_run(
    const hcu_product *product, double alpha, hcu_address a, hcu_address b, double beta, hcu_address d,
    hcu_address workspace, size_t workspace_bytes, hcu_stream stream) {
    float single_alpha = (float)alpha, single_beta = (float)beta;
    int wide = product->compute == HCU_COMPUTE_64F;
    void *target = (void *)(uintptr_t)d;
    return product->blas->cublasLtMatmul(
        product->handle, product->matmul, wide ? (const void *)&alpha : &single_alpha, (void *)(uintptr_t)b,
        product->left, (void *)(uintptr_t)a, product->right, wide ? (const void *)&beta : &single_beta, target,
        product->result, target, product->result, &product->algorithm, (void *)(uintptr_t)workspace, workspace_bytes,
        stream);
}

void hcu_product_destroy(hcu_product *product) {
    if (!product) return;
    if (product->result) product->blas->cublasLtMatrixLayoutDestroy(product->result);
    if (product->right) product->blas->cublasLtMatrixLayoutDestroy(product->right);
    if (product->left) product->blas->cublasLtMatrixLayoutDestroy(product->left);
    if (product->matmul) product->blas->cublasLtMatmulDescDestroy(product->matmul);
    free(product);
}
