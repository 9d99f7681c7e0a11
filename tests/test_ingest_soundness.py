"""What is asked in place of a second parser: whatever passes is taken by that one too."""

import random

import msgspec
import orjson
import pytest

from ingest.soundness import is_sound

TEXTS = 100_000
_cut = msgspec.json.Decoder(msgspec.Raw).decode
_DIGITS = ("0", "1", "9", "12", "308", "309", "0400", "9" * 99, "1" + "0" * 208, "9" * 210, "9" * 308, "1" + "0" * 308)
_WORDS = ("e", "E", "9e123", "550e8400-e29b-41d4", "é", "\\u00e9", "\\ud83d\\ude00", "\\n", "[", " 1e400", "4" * 400)
_BYTES = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"\x00", b"\t", b"\\", b'"', b"e", b"9")


def a_number(rng: random.Random) -> str:
    whole = rng.choice(("", "", "-")) + rng.choice(_DIGITS)
    fraction = rng.choice(("", "", "." + rng.choice(_DIGITS)))
    return whole + fraction + rng.choice(("", rng.choice("eE") + rng.choice(("", "+", "-")) + rng.choice(_DIGITS)))


def a_value(rng: random.Random, levels: int = 3) -> str:
    kind = rng.randrange(5 if levels else 3)
    if kind == 0:
        return a_number(rng)
    if kind <= 2:
        return '"' + "".join(rng.choices(_WORDS, k=rng.randrange(4))) + '"'
    blank = rng.choice(("", "", " ", "\n\t"))
    values = [a_value(rng, levels - 1) for _ in range(rng.randrange(4))]
    if kind == 3:
        return "[" + f"{blank},{blank}".join(values) + "]"
    return "{" + f",{blank}".join(f'"{rng.choice(_WORDS)}"{blank}:{blank}{value}' for value in values) + "}"


def a_text(rng: random.Random) -> bytes:
    text = a_value(rng).encode()
    if rng.random() < 0.2:
        at = rng.randrange(len(text) + 1)
        return text[:at] + rng.choice(_BYTES) + text[at:]
    return text


def msgspec_takes(text: bytes) -> bool:
    try:
        _cut(text)
    except msgspec.DecodeError:
        return False
    return True


def orjson_takes(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def test_what_msgspec_takes_and_is_sound_is_taken_by_orjson() -> None:
    """All that msgspec does not see is seen: letters that are none, numbers beyond all floats."""
    rng, passed, held = random.Random(5), 0, 0
    for _ in range(TEXTS):
        text = a_text(rng)
        if not msgspec_takes(text):
            continue
        if is_sound(text):
            passed += 1
            assert orjson_takes(text), text
        elif not orjson_takes(text):
            held += 1
    assert min(passed, held) > TEXTS / 20, (passed, held)


@pytest.mark.parametrize("before", range(16))
def test_a_number_of_309_digits_is_found_wherever_it_begins(before: int) -> None:
    assert not is_sound(b'{"n":' + b" " * before + b"1" + b"0" * 308 + b"}")


@pytest.mark.parametrize(
    "text",
    [
        b'{"id":"550e8400-e29b-41d4-a716-4466554e0000","price":1.5e10,"n":-2E-300,"at":1700000000.25}',
        b'["9e123","A9E4000",12345678901234567890123456789012345678901234567890]',
        '{"name":"Jürgen 😀","text":"caf\\u00e9\\n"}'.encode(),
    ],
)
def test_what_clients_send_is_sound(text: bytes) -> None:
    """Ids in hexadecimal are not taken for numbers."""
    assert is_sound(text)
