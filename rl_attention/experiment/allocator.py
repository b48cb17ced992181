"""What the C library does with memory that was given back."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h of the GNU C library
_LARGEST_BLOCK = 2**25  # older releases refuse more
_KEPT, _STEP = 2**28, 2**26


def keep_freed_memory() -> bool:
    """Tell the C library to keep up to 256 MiB that were freed, for the whole process.

    As it comes, the GNU C library gives every large block back to the system at once, and gets it
    again page by page, each page cleared first. Where a minibatch makes and frees hundreds of
    tensors of a megabyte, that can take longer than the arithmetic.

    Returns:
        Whether the C library is one that can be told.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (
        (_M_MMAP_THRESHOLD, _LARGEST_BLOCK),  # first: the others alone would make it worse
        (_M_TRIM_THRESHOLD, _KEPT),
        (_M_TOP_PAD, _STEP),
    )
    return all(mallopt(name, value) == 1 for name, value in settings)
