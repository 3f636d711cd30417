/*
 * The part of OpenBLAS that Heng uses, declared by ourselves; the library is opened when it is first asked for.
 *
 * A program that is linked with OpenBLAS starts its threads whenever it starts itself, also where it multiplies nothing.
 * No function but `copenblas_open` may be called before that has returned NULL. All of them compute on the calling
 * thread alone. No operand may overlap a result, and nothing is allocated for the caller.
 */
#ifndef HENG_OPENBLAS_H
#define HENG_OPENBLAS_H

#include <stdint.h>

/* An integer of the library's usual interface; the one of 64 bits has other names. */
typedef int32_t blasint;

/* CBLAS's numbers for an operand taken as it is, and for its transpose. */
typedef enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112 } CBLAS_TRANSPOSE;

/* Opens the library once; from any thread. NULL, or why it cannot be had, a text that stays. */
const char *copenblas_open(void);

/*
 * Every function is there for float, with the letter s, and for double, with the letter d.
 *
 * gemm: c = a b, rows x columns, all row by row; each operand with its row stride, and transposed where it says.
 *
 * The rest is LAPACK, column-major and without gaps between columns. Each returns LAPACK's info: 0, or the number of a
 * bad argument, negative, or a positive number where the values do not allow a result. `work` has `lwork` elements; with
 * `lwork` -1 a call only writes the best size to `work[0]`.
 *
 * getrf: `a`, n x n, becomes its triangular factors; `pivots[i]` is the row that row i was exchanged with, from 1.
 * getri: the factors of getrf become the inverse.
 * getrs: solves a' x = b with the factors of getrf of `a` for the n x k `b`, which becomes x.
 * potrf: the upper triangle of `a` becomes the U of U' U = a.
 * geqrf: `a`, m x n, becomes R and the reflectors with the min(m, n) factors `tau`.
 * orgqr: the first k reflectors of geqrf become the first k columns of Q, m x k.
 * gesdd: the singular values of `a`, m x n, falling, and with `vectors` u, m x k, and vt, k x n, for the smaller k of
 *   both; `a` is lost, and `iwork` has 8 k elements.
 * syevd: the eigenvalues, rising, and unit eigenvectors of `a`, of which the upper triangle is read and which becomes
 *   the vectors.
 * geev: the eigenvalues of `a`, which is lost, and unit right eigenvectors; of a conjugate pair the one with the
 *   positive imaginary part is first, and its two columns hold the real and the imaginary part of its vector.
 */
#define COPENBLAS_DECLARE(letter, real)                                                                              \
    void copenblas_##letter##gemm(CBLAS_TRANSPOSE of_a, CBLAS_TRANSPOSE of_b, blasint rows, blasint columns,         \
                                  blasint terms, const real *a, blasint a_stride, const real *b, blasint b_stride,   \
                                  real *c, blasint c_stride);                                                        \
    blasint copenblas_##letter##getrf(blasint n, real *a, blasint *pivots);                                          \
    blasint copenblas_##letter##getri(blasint n, real *a, const blasint *pivots, real *work, blasint lwork);         \
    blasint copenblas_##letter##getrs(blasint n, blasint k, const real *a, const blasint *pivots, real *b);          \
    blasint copenblas_##letter##potrf(blasint n, real *a);                                                           \
    blasint copenblas_##letter##geqrf(blasint m, blasint n, real *a, real *tau, real *work, blasint lwork);          \
    blasint copenblas_##letter##orgqr(blasint m, blasint k, real *a, const real *tau, real *work, blasint lwork);    \
    blasint copenblas_##letter##gesdd(int vectors, blasint m, blasint n, real *a, real *s, real *u, real *vt,        \
                                      real *work, blasint lwork, blasint *iwork);                                    \
    blasint copenblas_##letter##syevd(blasint n, real *a, real *values, real *work, blasint lwork, blasint *iwork,   \
                                      blasint liwork);                                                               \
    blasint copenblas_##letter##geev(blasint n, real *a, real *re, real *im, real *vectors, real *work,              \
                                     blasint lwork);

COPENBLAS_DECLARE(s, float)
COPENBLAS_DECLARE(d, double)
#undef COPENBLAS_DECLARE

/* The upper triangle of c = a a', n x n, for the n x k `a`; both row by row without gaps. */
void copenblas_dsyrk(blasint n, blasint k, const double *a, double *c);

/*
 * Solves a x = b for a symmetric positive definite `a`, n x n, of which the lower triangle is read and becomes its
 * Cholesky factor; `b`, n x k, becomes x. Column-major. Returns 0, or the row where `a` was found not to be positive.
 */
blasint copenblas_dposv(blasint n, blasint k, double *a, double *b);

#endif
