#pragma once
#include <cblas.h>
#include <stddef.h>

// LAPACK's solver for symmetric positive definite systems, column-major, as Fortran calls it; `cblas.h` leaves it out.
// `a` becomes its Cholesky factor and `b` the solution; `info` is 0, or the row where `a` was found not to be positive.
// The last argument is the length of `uplo`.
void dposv_(const char *uplo, const blasint *n, const blasint *nrhs, double *a, const blasint *lda, double *b,
            const blasint *ldb, blasint *info, size_t uplo_length);

// Parts of LAPACK that `cblas.h` leaves out, in both precisions: `copenblas_sgetrf` is for float, `copenblas_dgetrf`
// for double. Column-major and without gaps between columns. Each returns LAPACK's info: 0, or the number of a bad
// argument, negative, or a positive number where the values do not allow a result. `work` has `lwork` elements; with
// `lwork` -1 a call only writes the best size to `work[0]`. Nothing is allocated, and no matrix may overlap another.
//
// getrf: `a`, n x n, becomes its triangular factors; `pivots[i]` is the row that row i was exchanged with, from 1.
// getri: the factors of getrf become the inverse.
// getrs: solves a' x = b with the factors of getrf of `a` for the n x k `b`, which becomes x.
// potrf: the upper triangle of `a` becomes the U of U' U = a.
// geqrf: `a`, m x n, becomes R and the reflectors with the min(m, n) factors `tau`.
// orgqr: the first k reflectors of geqrf become the first k columns of Q, m x k.
// gesdd: the singular values of `a`, m x n, falling, and with `vectors` u, m x k, and vt, k x n, for the smaller k of
//   both; `a` is lost, and `iwork` has 8 k elements.
// syevd: the eigenvalues, rising, and unit eigenvectors of `a`, of which the upper triangle is read and which becomes
//   the vectors.
// geev: the eigenvalues of `a`, which is lost, and unit right eigenvectors; of a conjugate pair the one with the
//   positive imaginary part is first, and its two columns hold the real and the imaginary part of its vector.
#define COPENBLAS_LAPACK(letter, real)                                                                             \
    void letter##getrf_(const blasint *, const blasint *, real *, const blasint *, blasint *, blasint *);          \
    void letter##getri_(const blasint *, real *, const blasint *, const blasint *, real *, const blasint *,        \
                        blasint *);                                                                                \
    void letter##getrs_(const char *, const blasint *, const blasint *, const real *, const blasint *,             \
                        const blasint *, real *, const blasint *, blasint *, size_t);                              \
    void letter##potrf_(const char *, const blasint *, real *, const blasint *, blasint *, size_t);                \
    void letter##geqrf_(const blasint *, const blasint *, real *, const blasint *, real *, real *,                 \
                        const blasint *, blasint *);                                                               \
    void letter##orgqr_(const blasint *, const blasint *, const blasint *, real *, const blasint *, const real *,  \
                        real *, const blasint *, blasint *);                                                       \
    void letter##gesdd_(const char *, const blasint *, const blasint *, real *, const blasint *, real *, real *,   \
                        const blasint *, real *, const blasint *, real *, const blasint *, blasint *, blasint *,   \
                        size_t);                                                                                   \
    void letter##syevd_(const char *, const char *, const blasint *, real *, const blasint *, real *, real *,      \
                        const blasint *, blasint *, const blasint *, blasint *, size_t, size_t);                   \
    void letter##geev_(const char *, const char *, const blasint *, real *, const blasint *, real *, real *,       \
                       real *, const blasint *, real *, const blasint *, real *, const blasint *, blasint *,       \
                       size_t, size_t);                                                                            \
                                                                                                                   \
    static inline blasint copenblas_##letter##getrf(blasint n, real *a, blasint *pivots) {                         \
        blasint info = 0;                                                                                          \
        letter##getrf_(&n, &n, a, &n, pivots, &info);                                                              \
        return info;                                                                                               \
    }                                                                                                              \
    static inline blasint copenblas_##letter##getri(blasint n, real *a, const blasint *pivots, real *work,         \
                                                    blasint lwork) {                                               \
        blasint info = 0;                                                                                          \
        letter##getri_(&n, a, &n, pivots, work, &lwork, &info);                                                    \
        return info;                                                                                               \
    }                                                                                                              \
    static inline blasint copenblas_##letter##getrs(blasint n, blasint k, const real *a, const blasint *pivots,    \
                                                    real *b) {                                                     \
        blasint info = 0;                                                                                          \
        letter##getrs_("T", &n, &k, a, &n, pivots, b, &n, &info, 1);                                               \
        return info;                                                                                               \
    }                                                                                                              \
    static inline blasint copenblas_##letter##potrf(blasint n, real *a) {                                          \
        blasint info = 0;                                                                                          \
        letter##potrf_("U", &n, a, &n, &info, 1);                                                                  \
        return info;                                                                                               \
    }                                                                                                              \
    static inline blasint copenblas_##letter##geqrf(blasint m, blasint n, real *a, real *tau, real *work,          \
                                                    blasint lwork) {                                               \
        blasint info = 0;                                                                                          \
        letter##geqrf_(&m, &n, a, &m, tau, work, &lwork, &info);                                                   \
        return info;                                                                                               \
    }                                                                                                              \
    static inline blasint copenblas_##letter##orgqr(blasint m, blasint k, real *a, const real *tau, real *work,    \
                                                    blasint lwork) {                                               \
        blasint info = 0;                                                                                          \
        letter##orgqr_(&m, &k, &k, a, &m, tau, work, &lwork, &info);                                               \
        return info;                                                                                               \
    }                                                                                                              \
    static inline blasint copenblas_##letter##gesdd(int vectors, blasint m, blasint n, real *a, real *s, real *u,  \
                                                    real *vt, real *work, blasint lwork, blasint *iwork) {         \
        blasint info = 0, k = m < n ? m : n;                                                                       \
        letter##gesdd_(vectors ? "S" : "N", &m, &n, a, &m, s, u, &m, vt, &k, work, &lwork, iwork, &info, 1);       \
        return info;                                                                                               \
    }                                                                                                              \
    static inline blasint copenblas_##letter##syevd(blasint n, real *a, real *values, real *work, blasint lwork,   \
                                                    blasint *iwork, blasint liwork) {                              \
        blasint info = 0;                                                                                          \
        letter##syevd_("V", "U", &n, a, &n, values, work, &lwork, iwork, &liwork, &info, 1, 1);                    \
        return info;                                                                                               \
    }                                                                                                              \
    static inline blasint copenblas_##letter##geev(blasint n, real *a, real *re, real *im, real *vectors,          \
                                                   real *work, blasint lwork) {                                    \
        blasint info = 0, one = 1;                                                                                 \
        letter##geev_("N", "V", &n, a, &n, re, im, NULL, &one, vectors, &n, work, &lwork, &info, 1, 1);            \
        return info;                                                                                               \
    }

COPENBLAS_LAPACK(s, float)
COPENBLAS_LAPACK(d, double)
#undef COPENBLAS_LAPACK
