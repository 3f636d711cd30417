/* What the examples share: every call is checked, and a failure is told with the library's own sentence. */
#ifndef CHECK_H
#define CHECK_H

#include <heng_accelerator.h>
#include <stdio.h>
#include <stdlib.h>

/* The library's one table. */
static const heng_accelerator_table *heng;

static inline void check(int32_t status, heng_error *error, const char *call) {
    if (status == HENG_OK) return;
    heng_error_description facts = {.header = {.struct_size = sizeof facts}};
    if (error && heng->error_describe(error, &facts) == HENG_OK) {
        fprintf(stderr, "%s: %s (code %d)\n", facts.operation, facts.text, facts.code);
    } else {
        fprintf(stderr, "%s failed with code %d\n", call, status);
    }
    heng->error_destroy(error);
    exit(1);
}

/* CHECK(heng->device_count(&count, &error)): ends the program with the reason where the call fails. */
#define CHECK(call)                     \
    do {                                \
        heng_error *error = NULL;       \
        const int32_t status_ = (call); \
        check(status_, error, #call);   \
    } while (0)

/* The header that every struct starts with: sizes and kinds let old programs work with new libraries. */
#define HEADER(type, kind) {.struct_size = (uint32_t)sizeof(type), .struct_kind = (kind)}

static inline void start(void) {
    heng = heng_accelerator_get(HENG_ACCELERATOR_MAJOR);
    if (!heng) {
        fprintf(stderr, "libheng.so does not serve interface version %u\n", HENG_ACCELERATOR_MAJOR);
        exit(1);
    }
    const heng_initialize_arguments arguments = {
        .header = HEADER(heng_initialize_arguments, HENG_KIND_INITIALIZE_ARGUMENTS),
        .abi_major = HENG_ACCELERATOR_MAJOR,
        .abi_minor = HENG_ACCELERATOR_MINOR};
    CHECK(heng->initialize(&arguments, &error));
}

/* The device whose number is given, the first one by default, with its name printed. */
static inline heng_device *choose_device(const char *number) {
    uint32_t count = 0;
    CHECK(heng->device_count(&count, &error));
    heng_device *device = NULL;
    CHECK(heng->device_get(number ? (uint32_t)strtoul(number, NULL, 10) : 0, &device, &error));
    heng_device_description facts = {.header = HEADER(heng_device_description, HENG_KIND_DEVICE_DESCRIPTION)};
    CHECK(heng->device_describe(device, &facts, &error));
    printf("device: %s (%s), one of %u\n", facts.name, facts.kind, count);
    return device;
}

static inline heng_buffer *allocate(heng_context *context, uint64_t size) {
    const heng_buffer_arguments arguments = {
        .header = HEADER(heng_buffer_arguments, HENG_KIND_BUFFER_ARGUMENTS), .size = size, .numa_node = -1};
    heng_buffer *buffer = NULL;
    CHECK(heng->buffer_allocate(context, &arguments, &buffer, &error));
    return buffer;
}

static inline heng_range whole(heng_buffer *buffer, uint64_t size) {
    return (heng_range){.buffer = buffer, .size = size};
}

static inline heng_range on_host(void *address, uint64_t size) {
    return (heng_range){.host = address, .size = size};
}

#endif
