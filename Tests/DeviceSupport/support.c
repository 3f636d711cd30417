/* What heng_device_support.h promises. */
#include "check.h"

static void test_errors(void) {
    heng_error *error = NULL;
    heng_error none;
    memset(&none, 0, sizeof none);
    CHECK(heng_support_give_error(&error, &none) == HENG_OK && error == NULL);
    CHECK(heng_support_fail(NULL, HENG_ERROR_GENERAL, "there", "No %s.", "room") == HENG_ERROR_GENERAL);
    CHECK(heng_support_fail_memory(&error, "allocate", 7, 5) == HENG_ERROR_OUT_OF_DEVICE_MEMORY);

    heng_error_description description;
    memset(&description, 0x55, sizeof description);
    set_header(&description.header, sizeof description, HENG_KIND_ERROR_DESCRIPTION);
    CHECK(heng_support_error_describe(error, &description) == HENG_OK);
    CHECK(description.code == HENG_ERROR_OUT_OF_DEVICE_MEMORY && description.scope == HENG_SCOPE_CALL);
    CHECK(description.requested == 7 && description.available == 5 && description.retriable == 1);
    CHECK(description.correlation == 0 && description.native_code == 0);
    CHECK(description.node == NULL && description.operator_name == NULL);
    CHECK(strcmp(description.operation, "allocate") == 0 && strstr(description.text, "7 bytes"));
    CHECK(heng_support_error_describe(NULL, &description) == HENG_ERROR_INVALID_ARGUMENT);
    CHECK(heng_support_error_describe(error, NULL) == HENG_ERROR_VERSION);
    heng_support_error_destroy(error);
    heng_support_error_destroy(NULL);

    /* A copy lasts longer than what it was made of, and may be given any number of times. */
    heng_error kept = heng_support_make_error(HENG_ERROR_EXECUTION, "launch", "%d", 3);
    kept.correlation = 9;
    for (int i = 0; i < 2; i++) {
        CHECK(heng_support_give_error(&error, &kept) == HENG_ERROR_EXECUTION);
        CHECK(
            error != &kept && error->correlation == 9 && strcmp(error->text, "3") == 0 && !error->retriable);
        heng_support_error_destroy(error);
    }
}

static void test_text(void) {
    /*
     * Characters of 1 to 4 bytes: whatever the room, what is there is a start of the text, of whole
     * characters.
     */
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t capacity = 1; capacity <= 12; capacity++) {
        char written[16];
        memset(written, 0x7f, sizeof written);
        heng_support_write_text(written, capacity, "%s", text);
        CHECK(strlen(written) == ends[capacity - 1] && strncmp(written, text, strlen(written)) == 0);
        CHECK(written[capacity] == 0x7f);
    }
}

/* ---- Structs ---- */

static void test_reading(void) {
    heng_buffer_arguments given, copy;
    heng_error *error = NULL;
    memset(&given, 0x11, sizeof given);
    set_header(&given.header, sizeof given, HENG_KIND_BUFFER_ARGUMENTS);
    CHECK(heng_support_read_struct(&copy, sizeof copy, &given, "read", &error) == HENG_OK);
    CHECK(memcmp(&copy, &given, sizeof given) == 0);

    /* A shorter one reads as zero, and one from a later version is cut. */
    given.header.struct_size = 24;
    CHECK(heng_support_read_struct(&copy, sizeof copy, &given, "read", &error) == HENG_OK);
    CHECK(copy.size == given.size && copy.numa_node == 0 && copy.pages == 0);
    given.header.struct_size = 4096;
    CHECK(heng_support_read_struct(&copy, sizeof copy, &given, "read", &error) == HENG_OK);
    CHECK(copy.pages == given.pages);

    memset(&copy, 0x22, sizeof copy);
    given.header.struct_size = 8;
    CHECK(heng_support_read_struct(&copy, sizeof copy, &given, "read", &error) == HENG_ERROR_VERSION);
    CHECK(code_of(&error) == HENG_ERROR_VERSION);
    CHECK(heng_support_read_struct(&copy, sizeof copy, NULL, "read", &error) == HENG_ERROR_VERSION);
    CHECK(code_of(&error) == HENG_ERROR_VERSION && copy.pages == 0x22222222);
}

static void test_extensions(void) {
    const uint32_t vital = HENG_KIND_MUST_UNDERSTAND | 77, other = HENG_KIND_MUST_UNDERSTAND | 78;
    heng_header given, first, second, copy;
    heng_error *error = NULL;
    set_header(&given, sizeof given, 1);
    set_header(&first, sizeof first, 5);
    set_header(&second, sizeof second, vital);
    given.next = &first;
    CHECK(heng_support_read_struct(&copy, sizeof copy, &given, "read", &error) == HENG_OK);
    first.next = &second;
    CHECK(heng_support_read_struct(&copy, sizeof copy, &given, "read", &error) == HENG_ERROR_UNSUPPORTED);
    CHECK(code_of(&error) == HENG_ERROR_UNSUPPORTED);
    CHECK(
        heng_support_read_extended_struct(&copy, sizeof copy, &given, &other, 1, "read", NULL) ==
        HENG_ERROR_UNSUPPORTED);
    CHECK(
        heng_support_read_extended_struct(&copy, sizeof copy, &given, &vital, 1, "read", &error) == HENG_OK);
    CHECK(
        heng_support_find_extension(&given, 5) == &first &&
        heng_support_find_extension(&given, vital) == &second);
    CHECK(heng_support_find_extension(&given, 1) == NULL && heng_support_find_extension(NULL, 5) == NULL);
}

static void test_writing(void) {
    heng_memory_info full, given;
    memset(&full, 0x33, sizeof full);
    for (uint32_t size = sizeof given.header; size <= sizeof given; size += 8) {
        memset(&given, 0x55, sizeof given);
        set_header(&given.header, size, HENG_KIND_MEMORY_INFO);
        CHECK(heng_support_write_struct(&given, &full, sizeof full, "write", NULL) == HENG_OK);
        CHECK(given.header.struct_size == size && given.header.struct_kind == HENG_KIND_MEMORY_INFO);
        const unsigned char *bytes = (const unsigned char *)&given;
        for (uint32_t i = sizeof given.header; i < sizeof given; i++)
            CHECK(bytes[i] == (i < size ? 0x33 : 0x55));
    }
    given.header.struct_size = 0;
    CHECK(heng_support_write_struct(&given, &full, sizeof full, "write", NULL) == HENG_ERROR_VERSION);
}

static void test_phases(void) {
    heng_initialize_arguments given, copy;
    heng_error *error = NULL;
    memset(&given, 0, sizeof given);
    set_header(&given.header, sizeof given, HENG_KIND_INITIALIZE_ARGUMENTS);
    given.abi_major = HENG_ACCELERATOR_MAJOR;
    CHECK(heng_support_check_start(HENG_SUPPORT_FRESH, &copy, &given, "", NULL) == HENG_OK);
    CHECK(heng_support_check_start(HENG_SUPPORT_ENDED, &copy, &given, "", NULL) == HENG_OK);
    CHECK(
        heng_support_check_start(HENG_SUPPORT_STARTED, &copy, &given, "", &error) ==
        HENG_ERROR_REPEATED_INITIALIZE);
    CHECK(code_of(&error) == HENG_ERROR_REPEATED_INITIALIZE);
    given.abi_major++;
    CHECK(heng_support_check_start(HENG_SUPPORT_FRESH, &copy, &given, "", NULL) == HENG_ERROR_VERSION);
    CHECK(heng_support_check_started(HENG_SUPPORT_STARTED, "", NULL) == HENG_OK);
    CHECK(heng_support_check_started(HENG_SUPPORT_ENDED, "", NULL) == HENG_ERROR_NOT_INITIALIZED);
    CHECK(heng_support_check_end(HENG_SUPPORT_FRESH, 0, "", NULL) == HENG_ERROR_NOT_INITIALIZED);
    CHECK(heng_support_check_end(HENG_SUPPORT_ENDED, 0, "", NULL) == HENG_ERROR_REPEATED_FINALIZE);
    CHECK(heng_support_check_end(HENG_SUPPORT_STARTED, 2, "", NULL) == HENG_ERROR_NOT_RELEASED);
    CHECK(heng_support_check_end(HENG_SUPPORT_STARTED, 0, "", NULL) == HENG_OK);
}

/* ---- Memory ---- */

static void test_buffer_arguments(void) {
    heng_buffer_arguments given, copy;
    memset(&given, 0, sizeof given);
    set_header(&given.header, sizeof given, HENG_KIND_BUFFER_ARGUMENTS);
    CHECK(heng_support_read_buffer_arguments(&copy, &given, "", NULL) == HENG_ERROR_INVALID_ARGUMENT);
    given.size = 1;
    const int32_t right[] = {0, 1, 2, 3, HENG_PAGES_PEER, HENG_PAGES_PEER | 3},
                  wrong[] = {-1, 4, 0x200, 0x104};
    for (int i = 0; i < 6; i++) {
        given.pages = right[i];
        CHECK(
            heng_support_read_buffer_arguments(&copy, &given, "", NULL) == HENG_OK && copy.pages == right[i]);
    }
    for (int i = 0; i < 4; i++) {
        given.pages = wrong[i];
        CHECK(heng_support_read_buffer_arguments(&copy, &given, "", NULL) == HENG_ERROR_INVALID_ARGUMENT);
    }
    CHECK(heng_support_round_up(0, 64) == 0 && heng_support_round_up(1, 64) == 64);
    CHECK(heng_support_round_up(64, 64) == 64 && heng_support_round_up(65, 3) == 66);
    CHECK(heng_support_round_up(UINT64_MAX - 1, 64) == UINT64_MAX);
}

static int32_t check_range(heng_buffer *buffer, void *host, uint64_t offset, uint64_t size, uint64_t bytes) {
    heng_range range;
    range.buffer = buffer;
    range.host = host;
    range.offset = offset;
    range.size = size;
    return heng_support_check_range(&range, bytes, 100, "", NULL);
}

static void test_ranges(void) {
    char memory[8];
    heng_buffer *buffer = (heng_buffer *)(void *)memory; /* only its being there is looked at */
    CHECK(
        check_range(buffer, NULL, 0, 100, 100) == HENG_OK && check_range(buffer, NULL, 99, 1, 1) == HENG_OK);
    CHECK(check_range(NULL, memory, 1000, 8, 8) == HENG_OK && check_range(NULL, NULL, 0, 0, 0) == HENG_OK);
    CHECK(check_range(buffer, NULL, 0, 99, 100) == HENG_ERROR_OUT_OF_RANGE);
    CHECK(check_range(buffer, NULL, 1, 100, 50) == HENG_ERROR_OUT_OF_RANGE);
    CHECK(check_range(buffer, NULL, UINT64_MAX, 2, 1) == HENG_ERROR_OUT_OF_RANGE);
    CHECK(check_range(NULL, NULL, 0, 8, 8) == HENG_ERROR_INVALID_ARGUMENT);
    CHECK(check_range(buffer, memory, 0, 8, 8) == HENG_ERROR_INVALID_ARGUMENT);
    CHECK(heng_support_check_range(NULL, 0, 0, "", NULL) == HENG_ERROR_INVALID_ARGUMENT);

    heng_range range;
    memset(&range, 0, sizeof range);
    range.buffer = buffer;
    range.offset = 6;
    range.size = 20;
    CHECK(heng_support_check_operand(&range, 8, 4, 100, "", NULL) == HENG_ERROR_ALIGNMENT);
    CHECK(heng_support_check_operand(&range, 8, 2, 100, "", NULL) == HENG_OK);
    range.buffer = NULL;
    range.host = memory;
    CHECK(heng_support_check_operand(&range, 8, 2, 100, "", NULL) == HENG_ERROR_MEMORY_TYPE);
}

static void test_accounts(void) {
    heng_support_account device, one, other;
    memset(&device, 0, sizeof device);
    memset(&one, 0, sizeof one);
    CHECK(heng_support_room(&device) == UINT64_MAX);
    device.limit = 100;
    one.outer = &device;
    other = one;
    other.limit = 30;
    heng_support_take_memory(&one, 40);
    CHECK(heng_support_room(&one) == 60 && heng_support_room(&other) == 30);
    heng_support_take_memory(&other, 20);
    CHECK(device.in_use == 60 && heng_support_room(&other) == 10);
    other.limit = 10; /* below what is in use */
    CHECK(heng_support_room(&other) == 0 && heng_support_room(&one) == 40);
    heng_support_give_memory_back(&one, 40);
    heng_memory_info info;
    memset(&info, 0, sizeof info);
    set_header(&info.header, sizeof info, HENG_KIND_MEMORY_INFO);
    CHECK(heng_support_describe_memory(&one, &info, "", NULL) == HENG_OK);
    CHECK(info.in_use == 0 && info.high_water == 40 && info.limit == 0 && device.in_use == 20);
}

void test_support(void) {
    test_errors();
    test_text();
    test_reading();
    test_extensions();
    test_writing();
    test_phases();
    test_buffer_arguments();
    test_ranges();
    test_accounts();
}
