/* JPEG, with libjpeg-turbo's defaults: the slow integer transform and smooth upsampling, as ONNX asks for. */
#include "codecs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jerror.h>
#include <jpeglib.h>

enum {
    /* A file of a few bytes may hold any number of scans, each of which costs a pass over all pixels. */
    SCAN_LIMIT = 500
};

struct failure {
    struct jpeg_error_mgr manager;
    jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
};

static void fail(j_common_ptr codec)
{
    struct failure *failure = (struct failure *)codec->err;
    codec->err->format_message(codec, failure->message);
    longjmp(failure->escape, 1);
}

static void note(j_common_ptr codec, int level)
{
    /* Level -1 is damage that the library works around; only missing data is too much of it. */
    if (level < 0 && codec->err->msg_code == JWRN_JPEG_EOF) fail(codec);
}

static void keep_quiet(j_common_ptr codec) { (void)codec; }

static void limit_scans(j_common_ptr codec)
{
    if (codec->is_decompressor && ((j_decompress_ptr)codec)->input_scan_number > SCAN_LIMIT) {
        struct failure *failure = (struct failure *)codec->err;
        snprintf(failure->message, sizeof failure->message, "it has more than %d scans", SCAN_LIMIT);
        longjmp(failure->escape, 1);
    }
}

/* Rows of cyan, magenta, yellow and black to red, green and blue; Adobe's files hold them inverted. */
static void convert_cmyk(const uint8_t *from, uint8_t *to, uint32_t width, int is_inverted)
{
    for (uint32_t x = 0; x < width; x++) {
        unsigned black = is_inverted ? from[4 * x + 3] : 255u - from[4 * x + 3];
        for (int channel = 0; channel < 3; channel++) {
            unsigned ink = is_inverted ? from[4 * x + channel] : 255u - from[4 * x + channel];
            to[3 * x + channel] = (uint8_t)((ink * black + 127) / 255);
        }
    }
}

struct decoder {
    struct jpeg_decompress_struct codec;
    struct jpeg_progress_mgr progress;
    struct failure failure;
    uint8_t *row;
    int status;
};

static void read_image(struct decoder *decoder, const struct input *input, struct cimage_image *image)
{
    j_decompress_ptr codec = &decoder->codec;
    jpeg_mem_src(codec, input->bytes, input->count);
    jpeg_read_header(codec, TRUE);
    decoder->status = image_allocate(input, image, codec->image_width, codec->image_height);
    if (decoder->status != 0) return;
    int is_cmyk = codec->jpeg_color_space == JCS_CMYK || codec->jpeg_color_space == JCS_YCCK;
    codec->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    decoder->row = malloc((size_t)image->width * 4);
    if (decoder->row == NULL) {
        decoder->status = -ENOMEM;
        return;
    }
    jpeg_start_decompress(codec);
    while (codec->output_scanline < codec->output_height) {
        uint8_t *target = image->pixels + (size_t)codec->output_scanline * image->width * 3;
        JSAMPROW row = is_cmyk ? decoder->row : target;
        jpeg_read_scanlines(codec, &row, 1);
        if (is_cmyk) convert_cmyk(decoder->row, target, image->width, codec->saw_Adobe_marker);
    }
}

int decode_jpeg(const struct input *input, struct cimage_image *image)
{
    /* On the heap, so that no local variable changes between setjmp and longjmp. */
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL) return -ENOMEM;
    decoder->codec.err = jpeg_std_error(&decoder->failure.manager);
    decoder->failure.manager.error_exit = fail;
    decoder->failure.manager.emit_message = note;
    decoder->failure.manager.output_message = keep_quiet;
    if (setjmp(decoder->failure.escape) == 0) {
        jpeg_create_decompress(&decoder->codec);
        decoder->progress.progress_monitor = limit_scans;
        decoder->codec.progress = &decoder->progress;
        read_image(decoder, input, image);
    } else {
        decoder->status = -EINVAL;
        image_explain(image, decoder->failure.message);
    }
    int status = decoder->status;
    jpeg_destroy_decompress(&decoder->codec);
    free(decoder->row);
    free(decoder);
    return status;
}
