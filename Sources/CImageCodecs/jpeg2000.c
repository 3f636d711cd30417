/* JPEG 2000, with OpenJPEG: files (.jp2) and bare codestreams (.j2k). */
#include "codecs.h"

#include <errno.h>
#include <string.h>

/* Debian keeps the header in a folder of its version. */
#if __has_include(<openjpeg-2.5/openjpeg.h>)
#include <openjpeg-2.5/openjpeg.h>
#else
#include <openjpeg.h>
#endif

enum {
    /* Colours and alpha; what has more channels is no picture. */
    CHANNEL_LIMIT = 4
};

struct reader {
    const struct input *input;
    size_t place;
};

static OPJ_SIZE_T read_bytes(void *target, OPJ_SIZE_T count, void *data)
{
    struct reader *reader = data;
    size_t left = reader->input->count - reader->place;
    if (left == 0) return (OPJ_SIZE_T)-1;
    size_t taken = count < left ? count : left;
    memcpy(target, reader->input->bytes + reader->place, taken);
    reader->place += taken;
    return taken;
}

static OPJ_BOOL seek(OPJ_OFF_T place, void *data)
{
    struct reader *reader = data;
    if (place < 0 || (uint64_t)place > reader->input->count) return OPJ_FALSE;
    reader->place = (size_t)place;
    return OPJ_TRUE;
}

static OPJ_OFF_T skip(OPJ_OFF_T count, void *data)
{
    struct reader *reader = data;
    if (count < 0 || !seek((OPJ_OFF_T)reader->place + count, data)) return -1;
    return count;
}

static void explain(const char *message, void *data) { image_explain(data, message); }

static void keep_quiet(const char *message, void *data)
{
    (void)message;
    (void)data;
}

/* The sample of a channel that covers a pixel, as 8 bits. */
static int sample(const opj_image_comp_t *channel, uint32_t x, uint32_t y)
{
    uint32_t column = x / channel->dx;
    uint32_t row = y / channel->dy;
    if (column >= channel->w) column = channel->w - 1;
    if (row >= channel->h) row = channel->h - 1;
    int64_t value = channel->data[(size_t)row * channel->w + column];
    if (channel->sgnd) value += INT64_C(1) << (channel->prec - 1);
    int64_t largest = (INT64_C(1) << channel->prec) - 1;
    value = value < 0 ? 0 : value > largest ? largest : value;
    return (int)(channel->prec >= 8 ? value >> (channel->prec - 8) : (value * 255 + largest / 2) / largest);
}

static uint8_t clamped(double value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5); }

static void write_pixel(const opj_image_t *decoded, uint32_t x, uint32_t y, uint8_t *pixel)
{
    int first = sample(&decoded->comps[0], x, y);
    if (decoded->numcomps < 3) {
        memset(pixel, first, 3);
        return;
    }
    int second = sample(&decoded->comps[1], x, y);
    int third = sample(&decoded->comps[2], x, y);
    if (decoded->color_space == OPJ_CLRSPC_SYCC) {
        pixel[0] = clamped(first + 1.402 * (third - 128));
        pixel[1] = clamped(first - 0.344136 * (second - 128) - 0.714136 * (third - 128));
        pixel[2] = clamped(first + 1.772 * (second - 128));
    } else {
        pixel[0] = (uint8_t)first;
        pixel[1] = (uint8_t)second;
        pixel[2] = (uint8_t)third;
    }
}

static int are_channels_usable(const opj_image_t *decoded)
{
    for (uint32_t index = 0; index < decoded->numcomps; index++) {
        const opj_image_comp_t *channel = &decoded->comps[index];
        if (channel->w == 0 || channel->h == 0 || channel->dx == 0 || channel->dy == 0) return 0;
        if (channel->prec == 0 || channel->prec > 31) return 0;
    }
    return 1;
}

static int check_header(const opj_image_t *header, const struct input *input, struct cimage_image *image)
{
    if (header->x1 <= header->x0 || header->y1 <= header->y0) return -EINVAL;
    if (header->numcomps == 0 || header->numcomps > CHANNEL_LIMIT) {
        image_explain(image, "it has more channels than a picture");
        return -EINVAL;
    }
    if (header->color_space == OPJ_CLRSPC_CMYK || header->color_space == OPJ_CLRSPC_EYCC) {
        image_explain(image, "its colour space is not read");
        return -EINVAL;
    }
    return image_allocate(input, image, header->x1 - header->x0, header->y1 - header->y0);
}

static int read_image(opj_codec_t *codec, opj_stream_t *stream, opj_image_t **decoded, const struct input *input,
                      struct cimage_image *image)
{
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    if (!opj_setup_decoder(codec, &parameters)) return -ENOMEM;
    if (!opj_read_header(stream, codec, decoded)) return -EINVAL;
    int status = check_header(*decoded, input, image);
    if (status != 0) return status;
    if (!opj_decode(codec, stream, *decoded) || !opj_end_decompress(codec, stream)) return -EINVAL;
    /* A palette may have changed the channels. */
    if ((*decoded)->numcomps == 0 || !are_channels_usable(*decoded)) return -EINVAL;
    for (uint32_t index = 0; index < (*decoded)->numcomps; index++) {
        if ((*decoded)->comps[index].data == NULL) return -EINVAL;
    }
    for (uint32_t y = 0; y < image->height; y++) {
        for (uint32_t x = 0; x < image->width; x++) {
            write_pixel(*decoded, x, y, image->pixels + ((size_t)y * image->width + x) * 3);
        }
    }
    return 0;
}

int decode_jpeg2000(const struct input *input, struct cimage_image *image)
{
    struct reader reader = {input, 0};
    int is_bare = input->count >= 2 && input->bytes[0] == 0xFF && input->bytes[1] == 0x4F;
    opj_codec_t *codec = opj_create_decompress(is_bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
    opj_stream_t *stream = opj_stream_default_create(OPJ_TRUE);
    opj_image_t *decoded = NULL;
    int status = -ENOMEM;
    if (codec != NULL && stream != NULL) {
        opj_set_error_handler(codec, explain, image);
        opj_set_warning_handler(codec, keep_quiet, NULL);
        opj_set_info_handler(codec, keep_quiet, NULL);
        opj_stream_set_user_data(stream, &reader, NULL);
        opj_stream_set_user_data_length(stream, input->count);
        opj_stream_set_read_function(stream, read_bytes);
        opj_stream_set_skip_function(stream, skip);
        opj_stream_set_seek_function(stream, seek);
        status = read_image(codec, stream, &decoded, input, image);
    }
    if (decoded != NULL) opj_image_destroy(decoded);
    if (stream != NULL) opj_stream_destroy(stream);
    if (codec != NULL) opj_destroy_codec(codec);
    return status;
}
