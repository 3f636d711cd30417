/* What the two files of the sample share. */
#ifndef SAMPLE_DEVICE_H
#define SAMPLE_DEVICE_H

#include <stdbool.h>

#include "heng_accelerator.h"

enum {
    MEMORY_BYTES = 256 << 20, /* what the device has */
    MAXIMUM_INPUTS = 3        /* of an operator */
};

/* Makes an error for the caller, where it wants one, and returns its code. */
__attribute__((format(printf, 4, 5)))
int32_t fail(heng_error **place, int32_t code, const char *operation, const char *format, ...);

/* For pointers that a function cannot do without. */
#define REQUIRE(condition, operation) \
    if (!(condition)) return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "A pointer given is NULL.")

/* Reads a struct of arguments: no byte beyond its struct_size, and zeros for what is missing. */
int32_t read_arguments(void *copy, uint32_t size, const void *from, const char *operation, heng_error **error);

/* Fills a struct of the caller's up to its struct_size, all but the header. */
int32_t write_result(void *to, const void *full, uint32_t size, const char *operation, heng_error **error);

/* Zeroed memory for an object, or NULL and the error. */
void *make_object(size_t size, const char *operation, heng_error **error);

/* Counts what a context owns: it cannot be destroyed before that. */
void count_child(heng_context *context, int by);

heng_context *context_of(const heng_stream *stream);

/* Where a range starts, once it is known to hold `bytes`, in memory of `context`; NULL: in any memory. */
int32_t find_address(
    const heng_range *range, uint64_t bytes, const heng_context *context, uint8_t **address, const char *operation,
    heng_error **error);

/* Puts a computation into a stream; what the inputs and the output point to is found already. */
typedef void (*computation)(const heng_operator *plan, const float *const *inputs, float *output);
int32_t submit_computation(
    heng_stream *stream, computation run, const heng_operator *plan, const float *const inputs[MAXIMUM_INPUTS],
    float *output, uint64_t correlation, heng_error **error);

extern const heng_operator_table sample_operators;

#endif
