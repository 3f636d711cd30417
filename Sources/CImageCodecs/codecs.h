/* What the files of this target share. */
#pragma once

#include "cimage_codecs.h"

struct input {
    const uint8_t *bytes;
    size_t count;
    uint64_t pixel_limit;
};

/*
 * Sets the image's extents, checks them against the limit, and allocates its pixels. Returns 0, -EINVAL,
 * -EFBIG or -ENOMEM. cimage_decode frees the pixels when a codec fails.
 */
int image_allocate(const struct input *input, struct cimage_image *image, uint64_t width, uint64_t height);

/* Keeps a message, cut to its room and to one line. */
void image_explain(struct cimage_image *image, const char *message);

int decode_jpeg(const struct input *input, struct cimage_image *image);
int decode_jpeg2000(const struct input *input, struct cimage_image *image);
int decode_png(const struct input *input, struct cimage_image *image);
int decode_tiff(const struct input *input, struct cimage_image *image);
int decode_webp(const struct input *input, struct cimage_image *image);
