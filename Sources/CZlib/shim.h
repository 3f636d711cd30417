#pragma once
#include <zlib.h>

// Streams without a header of zlib's own, as members of ZIP archives are; the functions behind are macros.
static inline int czlib_begin_raw_inflate(z_stream *stream)
{
    return inflateInit2(stream, -MAX_WBITS);
}

static inline int czlib_begin_raw_deflate(z_stream *stream)
{
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}
