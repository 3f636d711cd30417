/* Ranges: from the layer's buffers to the makers', with the checks that need no maker. */
#include <stdlib.h>

#include "forwarding.h"

int32_t same_device(const object *one, const object *other, const char *operation, heng_error **error) {
    if (device_of(one) == device_of(other)) return HENG_OK;
    return fail(error, HENG_ERROR_WRONG_OWNER, operation, "%s got objects of different devices.", operation);
}

int32_t translate(
    const object *device, const heng_range *range, heng_range *inner, const char *operation, heng_error **error) {
    if (!range) return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "%s got NULL for a range.", operation);
    *inner = *range;
    if (!range->buffer) return HENG_OK;
    FIND(buffer, range->buffer, HENG_OBJECT_BUFFER, operation);
    if (device_of(buffer) != device) {
        return fail(error, HENG_ERROR_WRONG_OWNER, operation, "%s got a buffer of another device.", operation);
    }
    if (range->host) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "A range names a buffer and host memory.");
    }
    const uint64_t size = buffer->of.buffer.size;
    if (range->offset > size || range->size > size - range->offset) {
        return fail(error, HENG_ERROR_OUT_OF_RANGE, operation,
            "%llu bytes from %llu leave a buffer of %llu.", (unsigned long long)range->size,
            (unsigned long long)range->offset, (unsigned long long)size);
    }
    if (buffer->of.buffer.is_foreign) {
        inner->buffer = NULL;
        inner->host = buffer->of.buffer.host;
    } else {
        inner->buffer = buffer->inner;
    }
    return HENG_OK;
}

int32_t translate_target(
    const object *device, const heng_range *range, heng_range *inner, const char *operation, heng_error **error) {
    const int32_t status = translate(device, range, inner, operation, error);
    if (status != HENG_OK || !range->buffer) return status;
    if (((const object *)range->buffer)->of.buffer.is_read_only) {
        return fail(error, HENG_ERROR_PERMISSION, operation, "%s would write to a tensor that may only be read.",
            operation);
    }
    return HENG_OK;
}

void *host_address(const heng_range *range) {
    if (!range->buffer) return range->host ? (char *)range->host + range->offset : NULL;
    const object *buffer = living(range->buffer, HENG_OBJECT_BUFFER);
    return buffer && buffer->of.buffer.host ? (char *)buffer->of.buffer.host + range->offset : NULL;
}

int32_t translate_all(
    const object *device, const heng_range *ranges, uint32_t count, heng_range *room, uint32_t capacity,
    heng_range **inner, const char *operation, heng_error **error) {
    *inner = NULL;
    if (count > 0 && !ranges) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "%s got NULL for %u ranges.", operation, count);
    }
    heng_range *place = count <= capacity ? room : calloc(count, sizeof *place);
    if (!place) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, operation, "There is no memory for ranges.");
    for (uint32_t i = 0; i < count; i++) {
        const int32_t status = translate(device, &ranges[i], &place[i], operation, error);
        if (status != HENG_OK) {
            if (place != room) free(place);
            return status;
        }
    }
    *inner = place;
    return HENG_OK;
}

int32_t heng_forwarding_range(
    const void *device, const heng_range *range, heng_range *inner, void **address, const char *operation,
    heng_error **error) {
    const int32_t status = translate(device, range, inner, operation, error);
    if (status == HENG_OK) *address = host_address(range);
    return status;
}
