/* TIFF, with libtiff's own conversion to 8-bit colours. */
#include "codecs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

struct reader {
    const struct input *input;
    uint64_t place;
    struct cimage_image *image;
};

/* Never negative: libtiff 4.5 adds what comes back to a place in its buffer before it looks for errors. */
static tmsize_t read_bytes(thandle_t handle, void *target, tmsize_t count)
{
    struct reader *reader = handle;
    if (count < 0 || reader->place > reader->input->count) return 0;
    uint64_t left = reader->input->count - reader->place;
    size_t taken = (uint64_t)count < left ? (size_t)count : (size_t)left;
    memcpy(target, reader->input->bytes + reader->place, taken);
    reader->place += taken;
    return (tmsize_t)taken;
}

static tmsize_t write_bytes(thandle_t handle, void *source, tmsize_t count)
{
    (void)handle;
    (void)source;
    (void)count;
    return -1;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence)
{
    struct reader *reader = handle;
    uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? reader->place : reader->input->count;
    reader->place = base + offset;
    return reader->place;
}

static int close_input(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size_of_input(thandle_t handle) { return ((struct reader *)handle)->input->count; }

static int explain(TIFF *file, void *data, const char *module, const char *format, va_list arguments)
{
    (void)file;
    (void)module;
    char message[CIMAGE_MESSAGE_SIZE];
    vsnprintf(message, sizeof message, format, arguments);
    image_explain(((struct reader *)data)->image, message);
    return 1;
}

static int keep_quiet(TIFF *file, void *data, const char *module, const char *format, va_list arguments)
{
    (void)file;
    (void)data;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static int read_image(TIFF *file, struct reader *reader)
{
    struct cimage_image *image = reader->image;
    uint32_t width = 0;
    uint32_t height = 0;
    TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
    int status = image_allocate(reader->input, image, width, height);
    if (status != 0) return status;
    char message[1024] = "";
    if (!TIFFRGBAImageOK(file, message)) {
        image_explain(image, message);
        return -EINVAL;
    }
    size_t count = (size_t)width * height;
    uint32_t *raster = calloc(count, sizeof *raster);
    if (raster == NULL) return -ENOMEM;
    int is_read = TIFFReadRGBAImageOriented(file, width, height, raster, ORIENTATION_TOPLEFT, 1);
    for (size_t index = 0; is_read && index < count; index++) {
        image->pixels[3 * index] = (uint8_t)TIFFGetR(raster[index]);
        image->pixels[3 * index + 1] = (uint8_t)TIFFGetG(raster[index]);
        image->pixels[3 * index + 2] = (uint8_t)TIFFGetB(raster[index]);
    }
    free(raster);
    return is_read ? 0 : -EINVAL;
}

int decode_tiff(const struct input *input, struct cimage_image *image)
{
    struct reader reader = {input, 0, image};
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL) return -ENOMEM;
    /* Strips and tiles are allocated at the size that the file names: never more than four pixels of limit. */
    uint64_t most = input->pixel_limit < (1u << 28) ? input->pixel_limit : 1u << 28;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)(most * 16 + (1 << 20)));
    TIFFOpenOptionsSetErrorHandlerExtR(options, explain, &reader);
    TIFFOpenOptionsSetWarningHandlerExtR(options, keep_quiet, NULL);
    TIFF *file = TIFFClientOpenExt("image", "rm", &reader, read_bytes, write_bytes, seek, close_input,
                                   size_of_input, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    if (file == NULL) return -EINVAL;
    int status = read_image(file, &reader);
    TIFFClose(file);
    return status;
}
