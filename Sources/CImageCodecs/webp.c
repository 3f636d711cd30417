/* WebP, with libwebp. */
#include "codecs.h"

#include <errno.h>

#include <webp/decode.h>

int decode_webp(const struct input *input, struct cimage_image *image)
{
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(input->bytes, input->count, &features) != VP8_STATUS_OK) return -EINVAL;
    if (features.has_animation) {
        image_explain(image, "it is animated");
        return -EINVAL;
    }
    int status = image_allocate(input, image, (uint64_t)features.width, (uint64_t)features.height);
    if (status != 0) return status;
    size_t stride = (size_t)image->width * 3;
    uint8_t *decoded = WebPDecodeRGBInto(
        input->bytes, input->count, image->pixels, stride * image->height, (int)stride);
    return decoded == NULL ? -EINVAL : 0;
}
