"""Zstandard, from wherever this Python has it: from 3.14 on in its own library."""

import sys

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

__all__ = ["ZstdError", "zstd_decompressor"]

# RFC 8878 asks for 8 MiB at least; what a frame asks for beyond it would be allocated before a byte is unpacked.
_WINDOW_LOG = 23


def zstd_decompressor() -> ZstdDecompressor:
    """A decompressor of one frame, in bounded memory."""
    return ZstdDecompressor(options={DecompressionParameter.window_log_max: _WINDOW_LOG})
