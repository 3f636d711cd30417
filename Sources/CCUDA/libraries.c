/* Opens NVIDIA's libraries and fills our tables from their symbols. */
#include "heng_cuda.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const char *symbol;
    size_t offset;
    int optional;
} entry;

#define REQUIRED(table, name, symbol) {symbol, offsetof(table, name), 0},
#define OPTIONAL(table, name, symbol) {symbol, offsetof(table, name), 1},
#define DRIVER(name, symbol, parameters) REQUIRED(hcu_driver, name, symbol)
#define DRIVER_OPTIONAL(name, symbol, parameters) OPTIONAL(hcu_driver, name, symbol)
#define COMPILER(name, symbol, parameters) REQUIRED(hcu_compiler, name, symbol)
#define BLAS(name, symbol, parameters) REQUIRED(hcu_blas, name, symbol)
#define MANAGEMENT(name, symbol, parameters) REQUIRED(hcu_management, name, symbol)

static const entry driver_entries[] = {HCU_DRIVER_FUNCTIONS(DRIVER) HCU_DRIVER_OPTIONAL(DRIVER_OPTIONAL){NULL, 0, 0}};
static const entry compiler_entries[] = {HCU_COMPILER_FUNCTIONS(COMPILER){NULL, 0, 0}};
static const entry blas_entries[] = {HCU_BLAS_FUNCTIONS(BLAS){NULL, 0, 0}};
static const entry management_entries[] = {HCU_MANAGEMENT_FUNCTIONS(MANAGEMENT){NULL, 0, 0}};

static void *open_in(const char *folder, size_t length, const char *name) {
    char path[4096];
    int written = snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, name);
    return length > 0 && written > 0 && (size_t)written < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

static void *open_library(const char *folders, int only, const char *const *names) {
    for (const char *folder = folders; folder && *folder;) {
        size_t length = strcspn(folder, ":");
        for (const char *const *name = names; *name; name++) {
            void *library = open_in(folder, length, *name);
            if (library) return library;
        }
        folder += length + (folder[length] == ':');
    }
    for (const char *const *name = names; !only && *name; name++) {
        void *library = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
        if (library) return library;
    }
    return NULL;
}

static void *open_table(
    const char *folders, int only, const char *const *names, const entry *entries, size_t size, const char **missing) {
    if (missing) *missing = NULL;
    void *library = open_library(folders, only, names);
    if (!library) return NULL;
    char *table = calloc(1, size);
    for (const entry *at = entries; table && at->symbol; at++) {
        void *function = dlsym(library, at->symbol);
        if (!function && !at->optional) {
            if (missing) *missing = at->symbol;
            free(table);
            table = NULL;
            break;
        }
        memcpy(table + at->offset, &function, sizeof function);
    }
    if (!table) dlclose(library);
    return table;
}

const hcu_driver *hcu_open_driver(const char *folders, int only, const char **missing) {
    static const char *const names[] = {"libcuda.so.1", NULL};
    return open_table(folders, only, names, driver_entries, sizeof(hcu_driver), missing);
}

const hcu_compiler *hcu_open_compiler(const char *folders, int only, const char **missing) {
    static const char *const names[] = {
        "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so", NULL};
    return open_table(folders, only, names, compiler_entries, sizeof(hcu_compiler), missing);
}

const hcu_blas *hcu_open_blas(const char *folders, int only, const char **missing) {
    static const char *const names[] = {
        "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11", "libcublasLt.so", NULL};
    return open_table(folders, only, names, blas_entries, sizeof(hcu_blas), missing);
}

const hcu_management *hcu_open_management(const char *folders, int only, const char **missing) {
    static const char *const names[] = {"libnvidia-ml.so.1", NULL};
    return open_table(folders, only, names, management_entries, sizeof(hcu_management), missing);
}
