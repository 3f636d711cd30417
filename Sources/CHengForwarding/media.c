/* The media group, handed on to makers that have one. */
#include "forwarding.h"

#define TABLE(of) ((of)->maker->media)

static int32_t image_describe(
    heng_device *device, const void *bytes, uint64_t size, heng_image_description *image, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "image_describe");
    NEED(found->maker, TABLE(found) && TABLE(found)->image_describe, "image_describe");
    CALL(found->maker, "image_describe",
        TABLE(found)->image_describe(found->inner, bytes, size, image, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t image_decode(
    heng_stream *stream, const void *bytes, uint64_t size, const heng_range *destination,
    const heng_image_description *image, uint64_t correlation, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "image_decode");
    NEED(found->maker, TABLE(found) && TABLE(found)->image_decode, "image_decode");
    heng_range to;
    const int32_t status = translate(device_of(found), destination, &to, "image_decode", error);
    if (status != HENG_OK) return status;
    CALL(found->maker, "image_decode",
        TABLE(found)->image_decode(found->inner, bytes, size, &to, image, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t image_transform(
    heng_stream *stream, const heng_range *destination, const heng_image_description *result,
    const heng_range *source, const heng_image_description *image, const uint32_t region[4], uint64_t correlation,
    heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "image_transform");
    NEED(found->maker, TABLE(found) && TABLE(found)->image_transform, "image_transform");
    heng_range to, from;
    int32_t status = translate(device_of(found), destination, &to, "image_transform", error);
    if (status == HENG_OK) status = translate(device_of(found), source, &from, "image_transform", error);
    if (status != HENG_OK) return status;
    CALL(found->maker, "image_transform",
        TABLE(found)->image_transform(
            found->inner, &to, result, &from, image, region, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t image_normalize(
    heng_stream *stream, const heng_range *destination, const heng_range *source,
    const heng_image_description *image, const float mean[4], const float scale[4], uint64_t correlation,
    heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "image_normalize");
    NEED(found->maker, TABLE(found) && TABLE(found)->image_normalize, "image_normalize");
    heng_range to, from;
    int32_t status = translate(device_of(found), destination, &to, "image_normalize", error);
    if (status == HENG_OK) status = translate(device_of(found), source, &from, "image_normalize", error);
    if (status != HENG_OK) return status;
    CALL(found->maker, "image_normalize",
        TABLE(found)->image_normalize(
            found->inner, &to, &from, image, mean, scale, correlation, error ? &inner : NULL));
    return HENG_OK;
}

const heng_media_table media_group = {
    .header = HEADER(heng_media_table, HENG_KIND_MEDIA_TABLE),
    .image_describe = image_describe,
    .image_decode = image_decode,
    .image_transform = image_transform,
    .image_normalize = image_normalize,
};
