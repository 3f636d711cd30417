/* PNG, with libpng. */
#include "codecs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

struct reader {
    const struct input *input;
    size_t place;
    struct cimage_image *image;
    png_structp codec;
    png_infop info;
    png_bytep *rows;
    int status;
};

static void fail(png_structp codec, png_const_charp message)
{
    struct reader *reader = png_get_error_ptr(codec);
    image_explain(reader->image, message);
    longjmp(png_jmpbuf(codec), 1);
}

static void keep_quiet(png_structp codec, png_const_charp message)
{
    (void)codec;
    (void)message;
}

static void read_bytes(png_structp codec, png_bytep target, size_t count)
{
    struct reader *reader = png_get_io_ptr(codec);
    if (count > reader->input->count - reader->place) png_error(codec, "it ends too early");
    memcpy(target, reader->input->bytes + reader->place, count);
    reader->place += count;
}

static void read_image(struct reader *reader)
{
    png_structp codec = reader->codec;
    struct cimage_image *image = reader->image;
    png_set_read_fn(codec, reader, read_bytes);
    png_set_user_limits(codec, 0x7FFFFFFF, 0x7FFFFFFF);
    png_read_info(codec, reader->info);
    reader->status = image_allocate(
        reader->input, image, png_get_image_width(codec, reader->info),
        png_get_image_height(codec, reader->info));
    if (reader->status != 0) return;
    png_set_palette_to_rgb(codec);
    png_set_expand_gray_1_2_4_to_8(codec);
    png_set_strip_16(codec);
    png_set_strip_alpha(codec);
    png_set_gray_to_rgb(codec);
    png_set_interlace_handling(codec);
    png_read_update_info(codec, reader->info);
    if (png_get_rowbytes(codec, reader->info) != (size_t)image->width * 3) png_error(codec, "its rows do not fit");
    reader->rows = calloc(image->height, sizeof *reader->rows);
    if (reader->rows == NULL) {
        reader->status = -ENOMEM;
        return;
    }
    for (size_t y = 0; y < image->height; y++) reader->rows[y] = image->pixels + y * image->width * 3;
    png_read_image(codec, reader->rows);
}

int decode_png(const struct input *input, struct cimage_image *image)
{
    /* On the heap, so that no local variable changes between setjmp and longjmp. */
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return -ENOMEM;
    reader->input = input;
    reader->image = image;
    reader->codec = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, fail, keep_quiet);
    reader->info = reader->codec == NULL ? NULL : png_create_info_struct(reader->codec);
    if (reader->info == NULL) {
        reader->status = -ENOMEM;
    } else if (setjmp(png_jmpbuf(reader->codec)) == 0) {
        read_image(reader);
    } else {
        reader->status = -EINVAL;
    }
    int status = reader->status;
    png_destroy_read_struct(&reader->codec, &reader->info, NULL);
    free(reader->rows);
    free(reader);
    return status;
}
