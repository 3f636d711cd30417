/*
 * What the parts of this program share. It is compiled as C11 and as C++17.
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "heng_device_support.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

void test_support(void);
void test_operators(void);
void test_queues(void);

static inline void set_header(heng_header *header, uint32_t size, uint32_t kind) {
    header->struct_size = size;
    header->struct_kind = kind;
    header->next = NULL;
}

/* The code of an error that a call stored, which is then destroyed. */
static inline int32_t code_of(heng_error **error) {
    int32_t code = *error ? (*error)->code : HENG_OK;
    heng_support_error_destroy(*error);
    *error = NULL;
    return code;
}

#endif
