#pragma once
#include <cblas.h>
#include <stddef.h>

// LAPACK's solver for symmetric positive definite systems, column-major, as Fortran calls it; `cblas.h` leaves it out.
// `a` becomes its Cholesky factor and `b` the solution; `info` is 0, or the row where `a` was found not to be positive.
// The last argument is the length of `uplo`.
void dposv_(const char *uplo, const blasint *n, const blasint *nrhs, double *a, const blasint *lda, double *b,
            const blasint *ldb, blasint *info, size_t uplo_length);
