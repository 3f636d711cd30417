/* Runs one part by its name; ends with 0 when every expectation held. */
#include "expect.h"

const heng_accelerator_table *heng;
int failures;

void expect_code(int32_t expected, int32_t got, heng_error *error, const char *call, const char *file, int line) {
    heng_error_description facts = {.header = HEADER(heng_error_description, HENG_KIND_ERROR_DESCRIPTION)};
    if (error) heng->error_describe(error, &facts);
    if (got != expected) {
        printf("%s:%d: %s gave %d (%s), not %d\n", file, line, call, got, facts.text ? facts.text : "-", expected);
        failures++;
    } else if (got != HENG_OK && (!error || facts.code != got || !facts.text || strlen(facts.text) < 10)) {
        printf("%s:%d: %s gave %d without a proper error object\n", file, line, call, got);
        failures++;
    }
    heng->error_destroy(error);
}

void start(void) {
    const heng_initialize_arguments arguments = {
        .header = HEADER(heng_initialize_arguments, HENG_KIND_INITIALIZE_ARGUMENTS),
        .abi_major = HENG_ACCELERATOR_MAJOR,
        .abi_minor = HENG_ACCELERATOR_MINOR};
    EXPECT_OK(heng->initialize(&arguments, &error));
}

heng_device *first_device(void) {
    heng_device *device = NULL;
    const char *number = getenv("TEST_DEVICE");
    EXPECT_OK(heng->device_get(number ? (uint32_t)atoi(number) : 0, &device, &error));
    return device;
}

heng_context *make_context(void) {
    heng_context *context = NULL;
    EXPECT_OK(heng->context_create(first_device(), &context, &error));
    return context;
}

heng_stream *make_stream(heng_context *context) {
    heng_stream *stream = NULL;
    EXPECT_OK(heng->stream_create(context, NULL, &stream, &error));
    return stream;
}

heng_buffer *make_buffer(heng_context *context, uint64_t size) {
    const heng_buffer_arguments arguments = {
        .header = HEADER(heng_buffer_arguments, HENG_KIND_BUFFER_ARGUMENTS), .size = size, .numa_node = -1};
    heng_buffer *buffer = NULL;
    EXPECT_OK(heng->buffer_allocate(context, &arguments, &buffer, &error));
    return buffer;
}

void *address_of(heng_buffer *buffer) {
    void *address = NULL;
    EXPECT_OK(heng->buffer_host_address(buffer, &address, &error));
    return address;
}

void put(heng_stream *stream, heng_buffer *buffer, const void *bytes, uint64_t size) {
    const heng_range to = {.buffer = buffer, .size = size}, from = {.host = (void *)bytes, .size = size};
    EXPECT_OK(heng->stream_copy(stream, &to, &from, size, 0, &error));
    EXPECT_OK(heng->stream_synchronize(stream, -1, &error));
}

void get(heng_stream *stream, heng_buffer *buffer, void *bytes, uint64_t size) {
    const heng_range from = {.buffer = buffer, .size = size}, to = {.host = bytes, .size = size};
    EXPECT_OK(heng->stream_copy(stream, &to, &from, size, 0, &error));
    EXPECT_OK(heng->stream_synchronize(stream, -1, &error));
}

const void *group(uint32_t kind) {
    const heng_header *found = NULL;
    EXPECT_OK(heng->group(kind, &found, &error));
    EXPECT(found && found->struct_kind == kind);
    return found;
}

int main(int argc, char **argv) {
    heng = heng_accelerator_get(HENG_ACCELERATOR_MAJOR);
    if (!heng || argc < 3) return 2;
    const char *part = argv[1], *folder = argv[2];
    if (!strcmp(part, "lifecycle")) test_lifecycle();
    else if (!strcmp(part, "handles")) test_handles();
    else if (!strcmp(part, "filled")) test_filled();
    else if (!strcmp(part, "selection")) test_selection();
    else if (!strcmp(part, "callbacks")) test_callbacks();
    else if (!strcmp(part, "interchange")) test_interchange();
    else if (!strcmp(part, "operators")) test_operators();
    else if (!strcmp(part, "models")) test_models(folder);
    else if (!strcmp(part, "graphs")) test_graphs(folder);
    else if (!strcmp(part, "missing")) test_missing();
    else return 2;
    printf("%s: %s\n", part, failures ? "FAILED" : "passed");
    return failures != 0;
}
