/*
 * Help for those who write a device in C or C++: what every device needs behind heng_accelerator.h, and none
 * should write again. Optional, and no part of the contract: errors, structs that cross the boundary,
 * starting and ending, and memory. Beside it are heng_device_operators.h for operators, and
 * heng_device_queue.h for streams and events.
 *
 * Everything is static inline, for C11 and C++17, and needs only the C library. Nothing has hidden state or
 * takes a lock: functions may be called from any threads at once, as long as what they are given is not
 * changed meanwhile. Only error objects are allocated. Everything given is borrowed for the call, unless a
 * function says otherwise.
 *
 * Functions that return int32_t return HENG_OK or a code, and then store an error at `error` where that is
 * not NULL, so that a function of the table can return what they return. `operation` is the name of that
 * function: a literal, or __func__. Functions that return bool make no error.
 */
#ifndef HENG_DEVICE_SUPPORT_H
#define HENG_DEVICE_SUPPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heng_accelerator.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HENG_SUPPORT_FORMAT(at, first) __attribute__((format(printf, at, first)))
#else
#define HENG_SUPPORT_FORMAT(at, first)
#endif

/* ---- Errors ---- */

#define HENG_SUPPORT_TEXT_LIMIT 256u

/*
 * An error, as the caller gets one, and as a stream can keep the one that it failed with: it owns no memory,
 * and is copied by assignment. All zero is no error. A device may set the fields as it likes.
 */
struct heng_error {
    int32_t code;
    int32_t scope;
    int64_t native_code;
    uint64_t requested;
    uint64_t available;
    uint64_t correlation;
    const char *operation; /* lives as long as the library */
    bool retriable;
    char text[HENG_SUPPORT_TEXT_LIMIT];
    char node[HENG_NAME_LIMIT + 1];          /* empty: none */
    char operator_name[HENG_NAME_LIMIT + 1]; /* empty: none */
};

/*
 * Writes text into room for `capacity` bytes, at least 1; what is cut off is cut between characters of UTF-8.
 */
static inline void heng_support_write_text_list(
    char *text, size_t capacity, const char *format, va_list values) {
    int wanted = vsnprintf(text, capacity, format, values);
    if (wanted < 0) text[0] = 0;
    if (wanted < 0 || (size_t)wanted < capacity) return;
    size_t end = capacity - 1, start = end;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
    if (start == 0) return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (end - (start - 1) < length) text[start - 1] = 0;
}

HENG_SUPPORT_FORMAT(3, 4)
static inline void heng_support_write_text(char *text, size_t capacity, const char *format, ...) {
    va_list values;
    va_start(values, format);
    heng_support_write_text_list(text, capacity, format, values);
    va_end(values);
}

static inline heng_error heng_support_make_error_list(
    int32_t code, const char *operation, const char *format, va_list values) {
    heng_error error;
    memset(&error, 0, sizeof error);
    error.code = code;
    error.scope = HENG_SCOPE_CALL;
    error.operation = operation;
    error.retriable = code == HENG_ERROR_TIMEOUT || code == HENG_ERROR_OUT_OF_DEVICE_MEMORY ||
                      code == HENG_ERROR_OUT_OF_HOST_MEMORY || code == HENG_ERROR_OUT_OF_STREAMS ||
                      code == HENG_ERROR_OUT_OF_EVENTS || code == HENG_ERROR_OUT_OF_RESOURCES;
    heng_support_write_text_list(error.text, sizeof error.text, format, values);
    return error;
}

/* An error of one call, with a sentence. */
HENG_SUPPORT_FORMAT(3, 4)
static inline heng_error heng_support_make_error(
    int32_t code, const char *operation, const char *format, ...) {
    va_list values;
    va_start(values, format);
    heng_error error = heng_support_make_error_list(code, operation, format, values);
    va_end(values);
    return error;
}

/*
 * Gives the caller a copy, where it wants one, and returns the code; for HENG_OK it does nothing. The caller
 * owns the copy; it is NULL where there is no memory for it.
 */
static inline int32_t heng_support_give_error(heng_error **error, const heng_error *given) {
    if (error && given->code != HENG_OK) {
        *error = (heng_error *)malloc(sizeof **error);
        if (*error) **error = *given;
    }
    return given->code;
}

/* Gives the caller an error of this call, and returns its code. */
HENG_SUPPORT_FORMAT(4, 5)
static inline int32_t heng_support_fail(
    heng_error **error, int32_t code, const char *operation, const char *format, ...) {
    va_list values;
    va_start(values, format);
    heng_error made = heng_support_make_error_list(code, operation, format, values);
    va_end(values);
    return heng_support_give_error(error, &made);
}

/* The same for memory that the device lacks: how many bytes were asked for, and how many there were. */
static inline int32_t heng_support_fail_memory(
    heng_error **error, const char *operation, uint64_t requested, uint64_t available) {
    heng_error made = heng_support_make_error(
        HENG_ERROR_OUT_OF_DEVICE_MEMORY, operation, "%llu bytes were asked for, and there were %llu.",
        (unsigned long long)requested, (unsigned long long)available);
    made.requested = requested;
    made.available = available;
    return heng_support_give_error(error, &made);
}

/* ---- Structs that cross the boundary ---- */

/* The struct of that kind which is chained to the caller's; NULL where there is none. */
static inline const void *heng_support_find_extension(const void *from, uint32_t kind) {
    const heng_header *next = from ? (const heng_header *)((const heng_header *)from)->next : NULL;
    while (next && next->struct_kind != kind) next = (const heng_header *)next->next;
    return next;
}

/*
 * Whether a struct of the caller's may be read or filled: it is there, its struct_size is set, and each
 * struct chained to it that must be understood has a kind among `known`.
 */
static inline int32_t heng_support_check_struct(
    const void *given, const uint32_t *known, uint32_t known_count, const char *operation,
    heng_error **error) {
    const heng_header *header = (const heng_header *)given;
    if (!header || header->struct_size < sizeof *header) {
        heng_support_fail(
            error, HENG_ERROR_VERSION, operation, "A struct is missing, or its struct_size is not set.");
        return HENG_ERROR_VERSION; /* in so many words, for compilers that would warn of what comes after */
    }
    const heng_header *next = (const heng_header *)header->next;
    for (; next; next = (const heng_header *)next->next) {
        uint32_t place = 0;
        while (place < known_count && known[place] != next->struct_kind) place++;
        if (place < known_count || (next->struct_kind & HENG_KIND_MUST_UNDERSTAND) == 0) continue;
        heng_support_fail(
            error, HENG_ERROR_UNSUPPORTED, operation,
            "An extension must be understood and is not known: %x.", (unsigned)next->struct_kind);
        return HENG_ERROR_UNSUPPORTED;
    }
    return HENG_OK;
}

/*
 * Copies a struct of the caller's, whose extensions of the kinds `known` the device understands: no byte
 * beyond its struct_size, and zeros for what is missing.
 */
static inline int32_t heng_support_read_extended_struct(
    void *copy, uint32_t size, const void *given, const uint32_t *known, uint32_t known_count,
    const char *operation, heng_error **error) {
    int32_t status = heng_support_check_struct(given, known, known_count, operation, error);
    if (status != HENG_OK) return status;
    uint32_t there = ((const heng_header *)given)->struct_size;
    memset(copy, 0, size);
    memcpy(copy, given, there < size ? there : size);
    return HENG_OK;
}

/* The same where no extension is known that must be understood. */
static inline int32_t heng_support_read_struct(
    void *copy, uint32_t size, const void *given, const char *operation, heng_error **error) {
    return heng_support_read_extended_struct(copy, size, given, NULL, 0, operation, error);
}

/* Fills a struct of the caller's up to its struct_size, all but the header; `size` is that of `full`. */
static inline int32_t heng_support_write_struct(
    void *given, const void *full, uint32_t size, const char *operation, heng_error **error) {
    int32_t status = heng_support_check_struct(given, NULL, 0, operation, error);
    if (status != HENG_OK) return status;
    heng_header *header = (heng_header *)given;
    uint32_t end = header->struct_size < size ? header->struct_size : size;
    memcpy(header + 1, (const heng_header *)full + 1, end - sizeof *header);
    return HENG_OK;
}

/* For the table: error_describe. */
static inline int32_t heng_support_error_describe(
    const heng_error *error, heng_error_description *description) {
    heng_error_description full;
    if (!error) return HENG_ERROR_INVALID_ARGUMENT;
    memset(&full, 0, sizeof full);
    full.code = error->code;
    full.scope = error->scope;
    full.native_code = error->native_code;
    full.requested = error->requested;
    full.available = error->available;
    full.operation = error->operation;
    full.text = error->text;
    full.retriable = error->retriable;
    full.correlation = error->correlation;
    full.node = error->node[0] ? error->node : NULL;
    full.operator_name = error->operator_name[0] ? error->operator_name : NULL;
    return heng_support_write_struct(description, &full, sizeof full, "error_describe", NULL);
}

/* For the table: error_destroy. */
static inline void heng_support_error_destroy(heng_error *error) { free(error); }

/* ---- Start and end ---- */

/* How far a library is; the device keeps it. 0 is where it begins. */
typedef enum { HENG_SUPPORT_FRESH = 0, HENG_SUPPORT_STARTED = 1, HENG_SUPPORT_ENDED = 2 } heng_support_phase;

/*
 * Whether initialize may go on; the arguments are copied. Chained host services: heng_support_find_extension.
 */
static inline int32_t heng_support_check_start(
    heng_support_phase phase, heng_initialize_arguments *copy, const heng_initialize_arguments *given,
    const char *operation, heng_error **error) {
    int32_t status = heng_support_read_struct(copy, sizeof *copy, given, operation, error);
    if (status != HENG_OK) return status;
    if (copy->abi_major != HENG_ACCELERATOR_MAJOR)
        return heng_support_fail(
            error, HENG_ERROR_VERSION, operation, "The caller has version %u; this is version %u.",
            (unsigned)copy->abi_major, HENG_ACCELERATOR_MAJOR);
    if (phase == HENG_SUPPORT_STARTED)
        return heng_support_fail(
            error, HENG_ERROR_REPEATED_INITIALIZE, operation, "The library is initialized already.");
    return HENG_OK;
}

/* Whether anything but initialize may be called. */
static inline int32_t heng_support_check_started(
    heng_support_phase phase, const char *operation, heng_error **error) {
    if (phase == HENG_SUPPORT_STARTED) return HENG_OK;
    return heng_support_fail(error, HENG_ERROR_NOT_INITIALIZED, operation, "The library is not initialized.");
}

/* Whether an owner of that many living objects may go. */
static inline int32_t heng_support_check_released(
    uint64_t living, const char *operation, heng_error **error) {
    if (living == 0) return HENG_OK;
    return heng_support_fail(
        error, HENG_ERROR_NOT_RELEASED, operation, "It still owns %llu objects; destroy them first.",
        (unsigned long long)living);
}

/* Whether finalize may go on, while that many contexts live. */
static inline int32_t heng_support_check_end(
    heng_support_phase phase, uint64_t contexts, const char *operation, heng_error **error) {
    if (phase == HENG_SUPPORT_ENDED)
        return heng_support_fail(
            error, HENG_ERROR_REPEATED_FINALIZE, operation, "The library is finalized already.");
    int32_t status = heng_support_check_started(phase, operation, error);
    return status == HENG_OK ? heng_support_check_released(contexts, operation, error) : status;
}

/* ---- Memory ---- */

/* Reads what buffer_allocate is given, and refuses what no device can make. */
static inline int32_t heng_support_read_buffer_arguments(
    heng_buffer_arguments *copy, const heng_buffer_arguments *given, const char *operation,
    heng_error **error) {
    int32_t status = heng_support_read_struct(copy, sizeof *copy, given, operation, error);
    if (status != HENG_OK) return status;
    if (copy->size == 0)
        return heng_support_fail(
            error, HENG_ERROR_INVALID_ARGUMENT, operation, "A buffer has at least 1 byte.");
    if (copy->pages < 0 || (copy->pages & ~HENG_PAGES_PEER) > HENG_PAGES_HUGE_ONLY)
        return heng_support_fail(
            error, HENG_ERROR_INVALID_ARGUMENT, operation, "There are no pages of kind %d.",
            (int)copy->pages);
    return HENG_OK;
}

/* Bytes rounded up to a multiple; UINT64_MAX where that is no number. */
static inline uint64_t heng_support_round_up(uint64_t bytes, uint64_t multiple) {
    uint64_t beyond = bytes % multiple;
    if (beyond == 0) return bytes;
    return bytes > UINT64_MAX - (multiple - beyond) ? UINT64_MAX : bytes + (multiple - beyond);
}

/*
 * What may be in use, and what is: of a device, and of each of its contexts with the device's account as
 * `outer`, so that what is taken from one is taken from both. It takes no lock: the device guards its
 * accounts with its own.
 */
typedef struct heng_support_account {
    struct heng_support_account *outer; /* NULL: none */
    uint64_t limit;                     /* 0: none of its own */
    uint64_t in_use;
    uint64_t high_water;
} heng_support_account;

/* How many bytes may still be taken. */
static inline uint64_t heng_support_room(const heng_support_account *account) {
    uint64_t room = UINT64_MAX;
    for (; account; account = account->outer) {
        uint64_t own = account->limit > account->in_use ? account->limit - account->in_use : 0;
        if (account->limit > 0 && own < room) room = own;
    }
    return room;
}

static inline void heng_support_take_memory(heng_support_account *account, uint64_t bytes) {
    for (; account; account = account->outer) {
        account->in_use += bytes;
        if (account->high_water < account->in_use) account->high_water = account->in_use;
    }
}

static inline void heng_support_give_memory_back(heng_support_account *account, uint64_t bytes) {
    for (; account; account = account->outer) account->in_use -= bytes;
}

/* For context_memory_info of a device that keeps no freed memory. */
static inline int32_t heng_support_describe_memory(
    const heng_support_account *account, heng_memory_info *info, const char *operation, heng_error **error) {
    heng_memory_info full;
    memset(&full, 0, sizeof full);
    full.in_use = account->in_use;
    full.high_water = account->high_water;
    full.reserved = account->in_use;
    full.limit = account->limit;
    return heng_support_write_struct(info, &full, sizeof full, operation, error);
}

/* Whether a range names one memory and holds `bytes`; `buffer_size` is that of its buffer, if it has one. */
static inline int32_t heng_support_check_range(
    const heng_range *range, uint64_t bytes, uint64_t buffer_size, const char *operation,
    heng_error **error) {
    if (!range) return heng_support_fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "A range is NULL.");
    if (bytes > range->size)
        return heng_support_fail(
            error, HENG_ERROR_OUT_OF_RANGE, operation, "A range of %llu bytes is asked for %llu.",
            (unsigned long long)range->size, (unsigned long long)bytes);
    if (bytes == 0) return HENG_OK;
    if ((range->buffer == NULL) == (range->host == NULL))
        return heng_support_fail(
            error, HENG_ERROR_INVALID_ARGUMENT, operation, "A range names no memory, or two.");
    if (range->buffer && (range->offset > buffer_size || range->size > buffer_size - range->offset))
        return heng_support_fail(
            error, HENG_ERROR_OUT_OF_RANGE, operation, "%llu bytes from byte %llu on leave a buffer of %llu.",
            (unsigned long long)range->size, (unsigned long long)range->offset,
            (unsigned long long)buffer_size);
    return HENG_OK;
}

/* The same for an operand of an operator: in a buffer, and starting at a multiple of `alignment` in it. */
static inline int32_t heng_support_check_operand(
    const heng_range *range, uint64_t bytes, uint64_t alignment, uint64_t buffer_size, const char *operation,
    heng_error **error) {
    int32_t status = heng_support_check_range(range, bytes, buffer_size, operation, error);
    if (status != HENG_OK) return status;
    if (range->host)
        return heng_support_fail(error, HENG_ERROR_MEMORY_TYPE, operation, "An operand lies in host memory.");
    if (range->offset % alignment != 0)
        return heng_support_fail(
            error, HENG_ERROR_ALIGNMENT, operation, "An operand does not start at a multiple of %llu bytes.",
            (unsigned long long)alignment);
    return HENG_OK;
}

#ifdef __cplusplus
}
#endif

#endif
