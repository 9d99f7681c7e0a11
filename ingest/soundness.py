"""What msgspec takes and orjson refuses, found without parsing a second time.

A body is judged by both (`ingest.json_text`), for msgspec looks at no letter of what it only cuts out, and at no
number's size. The rest of JSON it knows as well: grammar, escapes, control characters. A test asks both about texts of
all sorts.
"""

import re
from collections.abc import Callable

# A number is beyond all floats if it has 309 digits, or an exponent of three, or one of two behind 210 digits.
# Behind most letters comes no digit, which is seen sooner than what is before them.
_small, _large = (
    re.compile(rb"%b[0-9+](?<=[0-9]%b.)(?:(?<=[0-9])|[0-9])[0-9]{2}" % (e, e), re.DOTALL).search for e in (b"e", b"E")
)
_E = ord("E")  # to look for a number in bytes takes a tenth of what it takes for bytes
_LONG, _STEP = 200, 16
_ZEROS, _LOOKED_AT = bytes.maketrans(b"123456789", b"000000000"), b"0" * (_LONG // _STEP)
_DIGIT, _DIGITS, _BEFORE_NUMBER = b"0123456789", b"0123456789.-", frozenset(b":,[ \t\r\n")


def is_sound(text: bytes) -> bool:
    """Whether orjson takes JSON that msgspec has taken. In doubt it says no."""
    size = len(text)
    # Where there is room for so many digits once, they are in the middle too.
    if size >= _LONG and (size >= 2 * _LONG or text[_LONG - 1] in _DIGIT) and _has_long_number(text):
        return False
    if not (text.isascii() or _is_utf8(text)):
        return False
    if _small(text) is not None and _has_far_number(_small, text):
        return False
    return not (_E in text and _has_far_number(_large, text))


def _has_long_number(text: bytes) -> bool:
    """Wherever so many digits are, every sixteenth byte shows some of them."""
    return _LOOKED_AT in text[::_STEP].translate(_ZEROS)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_far_number(search: Callable[[bytes, int], re.Match[bytes] | None], text: bytes) -> bool:
    found = search(text, 0)
    while found is not None:
        if _is_number(text, found.start()):
            return True
        found = search(text, found.end())
    return False


def _is_number(text: bytes, end: int) -> bool:
    """Or whether it may be one: most often it is some id's hexadecimal digits."""
    before = text[max(0, end - _LONG) : end].rstrip(_DIGITS)
    return not before or before[-1] in _BEFORE_NUMBER
