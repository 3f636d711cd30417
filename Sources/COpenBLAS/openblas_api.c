#include "openblas_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ROW_MAJOR = 101, UPPER = 121 };

/* The library's functions as Fortran and C call them; lengths of texts come last. */
#define FUNCTIONS(letter, real)                                                                                      \
    struct letter##_functions {                                                                                      \
        void (*gemm)(int, int, int, blasint, blasint, blasint, real, const real *, blasint, const real *, blasint,   \
                     real, real *, blasint);                                                                         \
        void (*getrf)(const blasint *, const blasint *, real *, const blasint *, blasint *, blasint *);              \
        void (*getri)(const blasint *, real *, const blasint *, const blasint *, real *, const blasint *,            \
                      blasint *);                                                                                    \
        void (*getrs)(const char *, const blasint *, const blasint *, const real *, const blasint *,                 \
                      const blasint *, real *, const blasint *, blasint *, size_t);                                  \
        void (*potrf)(const char *, const blasint *, real *, const blasint *, blasint *, size_t);                    \
        void (*geqrf)(const blasint *, const blasint *, real *, const blasint *, real *, real *, const blasint *,    \
                      blasint *);                                                                                    \
        void (*orgqr)(const blasint *, const blasint *, const blasint *, real *, const blasint *, const real *,      \
                      real *, const blasint *, blasint *);                                                           \
        void (*gesdd)(const char *, const blasint *, const blasint *, real *, const blasint *, real *, real *,       \
                      const blasint *, real *, const blasint *, real *, const blasint *, blasint *, blasint *,       \
                      size_t);                                                                                       \
        void (*syevd)(const char *, const char *, const blasint *, real *, const blasint *, real *, real *,          \
                      const blasint *, blasint *, const blasint *, blasint *, size_t, size_t);                       \
        void (*geev)(const char *, const char *, const blasint *, real *, const blasint *, real *, real *, real *,   \
                     const blasint *, real *, const blasint *, real *, const blasint *, blasint *, size_t, size_t);  \
    };                                                                                                               \
    static struct letter##_functions letter;

FUNCTIONS(s, float)
FUNCTIONS(d, double)

static void (*dsyrk)(int, int, int, blasint, blasint, double, const double *, blasint, double, double *, blasint);
static void (*dposv)(const char *, const blasint *, const blasint *, double *, const blasint *, double *,
                     const blasint *, blasint *, size_t);
static void (*set_threads)(int);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char trouble[256];

static int find(void *library, const char *name, void *place) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        snprintf(trouble, sizeof trouble, "it has no function %s", name);
        return 0;
    }
    /* ISO C has no conversion from an object pointer to a function pointer; POSIX promises that the bytes do. */
    memcpy(place, &symbol, sizeof symbol);
    return 1;
}

#define FIND_ALL(letter)                                                                                             \
    (find(library, "cblas_" #letter "gemm", &letter.gemm) && find(library, #letter "getrf_", &letter.getrf) &&       \
     find(library, #letter "getri_", &letter.getri) && find(library, #letter "getrs_", &letter.getrs) &&             \
     find(library, #letter "potrf_", &letter.potrf) && find(library, #letter "geqrf_", &letter.geqrf) &&             \
     find(library, #letter "orgqr_", &letter.orgqr) && find(library, #letter "gesdd_", &letter.gesdd) &&             \
     find(library, #letter "syevd_", &letter.syevd) && find(library, #letter "geev_", &letter.geev))

static void open_library(void) {
    /* LOCAL: another library in the process may bring an OpenBLAS of its own. */
    void *library = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_LOCAL);
    if (!library) library = dlopen("libopenblas.so", RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        snprintf(trouble, sizeof trouble, "%s", why ? why : "it was not found");
        return;
    }
    if (!FIND_ALL(s) || !FIND_ALL(d)) return;
    if (!find(library, "cblas_dsyrk", &dsyrk) || !find(library, "dposv_", &dposv)) return;
    if (!find(library, "openblas_set_num_threads", &set_threads)) return;
    /* Who calls splits the work, so the library must not. */
    set_threads(1);
}

const char *copenblas_open(void) {
    pthread_once(&once, open_library);
    return trouble[0] ? trouble : NULL;
}

#define DEFINE(letter, real)                                                                                         \
    void copenblas_##letter##gemm(CBLAS_TRANSPOSE of_a, CBLAS_TRANSPOSE of_b, blasint rows, blasint columns,         \
                                  blasint terms, const real *a, blasint a_stride, const real *b, blasint b_stride,   \
                                  real *c, blasint c_stride) {                                                       \
        letter.gemm(ROW_MAJOR, of_a, of_b, rows, columns, terms, 1, a, a_stride, b, b_stride, 0, c, c_stride);       \
    }                                                                                                                \
    blasint copenblas_##letter##getrf(blasint n, real *a, blasint *pivots) {                                         \
        blasint info = 0;                                                                                            \
        letter.getrf(&n, &n, a, &n, pivots, &info);                                                                  \
        return info;                                                                                                 \
    }                                                                                                                \
    blasint copenblas_##letter##getri(blasint n, real *a, const blasint *pivots, real *work, blasint lwork) {        \
        blasint info = 0;                                                                                            \
        letter.getri(&n, a, &n, pivots, work, &lwork, &info);                                                        \
        return info;                                                                                                 \
    }                                                                                                                \
    blasint copenblas_##letter##getrs(blasint n, blasint k, const real *a, const blasint *pivots, real *b) {         \
        blasint info = 0;                                                                                            \
        letter.getrs("T", &n, &k, a, &n, pivots, b, &n, &info, 1);                                                   \
        return info;                                                                                                 \
    }                                                                                                                \
    blasint copenblas_##letter##potrf(blasint n, real *a) {                                                          \
        blasint info = 0;                                                                                            \
        letter.potrf("U", &n, a, &n, &info, 1);                                                                      \
        return info;                                                                                                 \
    }                                                                                                                \
    blasint copenblas_##letter##geqrf(blasint m, blasint n, real *a, real *tau, real *work, blasint lwork) {         \
        blasint info = 0;                                                                                            \
        letter.geqrf(&m, &n, a, &m, tau, work, &lwork, &info);                                                       \
        return info;                                                                                                 \
    }                                                                                                                \
    blasint copenblas_##letter##orgqr(blasint m, blasint k, real *a, const real *tau, real *work, blasint lwork) {   \
        blasint info = 0;                                                                                            \
        letter.orgqr(&m, &k, &k, a, &m, tau, work, &lwork, &info);                                                   \
        return info;                                                                                                 \
    }                                                                                                                \
    blasint copenblas_##letter##gesdd(int vectors, blasint m, blasint n, real *a, real *s_values, real *u, real *vt, \
                                      real *work, blasint lwork, blasint *iwork) {                                   \
        blasint info = 0, k = m < n ? m : n;                                                                         \
        letter.gesdd(vectors ? "S" : "N", &m, &n, a, &m, s_values, u, &m, vt, &k, work, &lwork, iwork, &info, 1);    \
        return info;                                                                                                 \
    }                                                                                                                \
    blasint copenblas_##letter##syevd(blasint n, real *a, real *values, real *work, blasint lwork, blasint *iwork,   \
                                      blasint liwork) {                                                              \
        blasint info = 0;                                                                                            \
        letter.syevd("V", "U", &n, a, &n, values, work, &lwork, iwork, &liwork, &info, 1, 1);                        \
        return info;                                                                                                 \
    }                                                                                                                \
    blasint copenblas_##letter##geev(blasint n, real *a, real *re, real *im, real *vectors, real *work,              \
                                     blasint lwork) {                                                                \
        blasint info = 0, one = 1;                                                                                   \
        letter.geev("N", "V", &n, a, &n, re, im, NULL, &one, vectors, &n, work, &lwork, &info, 1, 1);                \
        return info;                                                                                                 \
    }

DEFINE(s, float)
DEFINE(d, double)

void copenblas_dsyrk(blasint n, blasint k, const double *a, double *c) {
    dsyrk(ROW_MAJOR, UPPER, CblasNoTrans, n, k, 1, a, k, 0, c, n);
}

blasint copenblas_dposv(blasint n, blasint k, double *a, double *b) {
    blasint info = 0;
    dposv("L", &n, &k, a, &n, b, &n, &info, 1);
    return info;
}
