/* What the test programs share: each expectation that fails is printed with its line and counted. */
#ifndef EXPECT_H
#define EXPECT_H

#include <heng_accelerator.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const heng_accelerator_table *heng;
extern int failures;

#define EXPECT(condition)                                                        \
    do {                                                                         \
        if (!(condition)) {                                                      \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);       \
            failures++;                                                          \
        }                                                                        \
    } while (0)

/* The call gives that code, and an error object that says the same and has a sentence. */
#define EXPECT_CODE(expected, call)                                              \
    do {                                                                         \
        heng_error *error = NULL;                                                \
        const int32_t status_ = (call);                                          \
        expect_code(expected, status_, error, #call, __FILE__, __LINE__);        \
    } while (0)

#define EXPECT_OK(call) EXPECT_CODE(HENG_OK, call)

void expect_code(int32_t expected, int32_t got, heng_error *error, const char *call, const char *file, int line);

#define HEADER(type, kind) {.struct_size = (uint32_t)sizeof(type), .struct_kind = (kind)}

void start(void);
/* The first device, or the one whose number TEST_DEVICE says. */
heng_device *first_device(void);
heng_context *make_context(void);
heng_stream *make_stream(heng_context *context);
heng_buffer *make_buffer(heng_context *context, uint64_t size);
void *address_of(heng_buffer *buffer);
/* Copies to and from the start of a buffer, and waits. */
void put(heng_stream *stream, heng_buffer *buffer, const void *bytes, uint64_t size);
void get(heng_stream *stream, heng_buffer *buffer, void *bytes, uint64_t size);
const void *group(uint32_t kind);

/* The parts, each with a name that main.c knows. */
void test_lifecycle(void);
void test_handles(void);
void test_filled(void);
void test_selection(void);
void test_callbacks(void);
void test_interchange(void);
void test_operators(void);
void test_models(const char *folder);
void test_graphs(const char *folder);
void test_missing(void);

#endif
