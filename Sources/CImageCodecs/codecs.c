#include "codecs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int image_allocate(const struct input *input, struct cimage_image *image, uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0 || width > UINT32_MAX || height > UINT32_MAX) {
        image_explain(image, "it has no pixels");
        return -EINVAL;
    }
    image->width = (uint32_t)width;
    image->height = (uint32_t)height;
    if (width > input->pixel_limit / height || width > SIZE_MAX / 4 / height) return -EFBIG;
    /* Zeroed, so that a codec that stops early shows no old memory. */
    image->pixels = calloc((size_t)(width * height), 3);
    return image->pixels == NULL ? -ENOMEM : 0;
}

void image_explain(struct cimage_image *image, const char *message)
{
    strncpy(image->message, message, CIMAGE_MESSAGE_SIZE - 1);
    image->message[CIMAGE_MESSAGE_SIZE - 1] = 0;
    image->message[strcspn(image->message, "\r\n")] = 0;
}

static int decode(enum cimage_format format, const struct input *input, struct cimage_image *image)
{
    switch (format) {
    case CIMAGE_JPEG: return decode_jpeg(input, image);
    case CIMAGE_JPEG2000: return decode_jpeg2000(input, image);
    case CIMAGE_PNG: return decode_png(input, image);
    case CIMAGE_TIFF: return decode_tiff(input, image);
    case CIMAGE_WEBP: return decode_webp(input, image);
    }
    return -EINVAL;
}

int cimage_decode(enum cimage_format format, const uint8_t *bytes, size_t count, uint64_t pixel_limit,
                  struct cimage_image *image)
{
    struct input input = {bytes, count, pixel_limit};
    memset(image, 0, sizeof *image);
    int status = decode(format, &input, image);
    if (status != 0) cimage_free(image);
    return status;
}

void cimage_free(struct cimage_image *image)
{
    free(image->pixels);
    image->pixels = NULL;
}
