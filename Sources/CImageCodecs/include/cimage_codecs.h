/*
 * The pixels of images in five formats, through the libraries that the system has for them.
 *
 * One call decodes one image from memory. Nothing is kept between calls, and every call is safe on any thread.
 * The bytes may be anything at all: a library's error becomes a return value and a message.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum cimage_format {
    CIMAGE_JPEG,
    CIMAGE_JPEG2000,
    CIMAGE_PNG,
    CIMAGE_TIFF,
    CIMAGE_WEBP,
};

enum { CIMAGE_MESSAGE_SIZE = 200 };

struct cimage_image {
    /* height * width * 3 bytes, red green blue, rows from the top; NULL where decoding failed. */
    uint8_t *pixels;
    uint32_t width;
    uint32_t height;
    /* Why decoding failed, in the library's words; it may be empty. */
    char message[CIMAGE_MESSAGE_SIZE];
};

/*
 * Decodes the image in `count` bytes. Returns 0, or -EINVAL when the bytes are no image that the library can
 * read, -EFBIG when it has more than `pixel_limit` pixels (nothing of their size is allocated then; width and
 * height are set), or -ENOMEM. After 0 the caller frees the image with cimage_free; after an error there is
 * nothing to free.
 *
 * Gray is spread over the three channels, palettes are looked up, samples of 16 bits lose their low ones, and
 * an alpha channel is left out; TIFF alone multiplies colours by it. Of several images in a file the first counts.
 */
int cimage_decode(enum cimage_format format, const uint8_t *bytes, size_t count, uint64_t pixel_limit,
                  struct cimage_image *image);

/* Frees the pixels. */
void cimage_free(struct cimage_image *image);
