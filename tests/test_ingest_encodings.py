"""Compressed bodies: what every client may send, and what nobody gets away with."""

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import limits
from ingest.encodings import unpacked
from ingest.errors import BadRequest, TooLarge
from tests.calling import Called, edge

try:
    from compression import zstd  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from backports import zstd

BODY = b'{"name":"purchased"}'
BOMB = b" " * 100_000_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
WAYS = [*PACKERS.items(), ("deflate", raw_deflate)]
IDS = [*PACKERS, "deflate-raw"]
each_way = pytest.mark.parametrize(("encoding", "pack"), WAYS, ids=IDS)


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


@each_way
def test_a_compressed_body_is_read(called: Called, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """However the encoding is written; and the budget is given back."""
    for name in (encoding, encoding.upper(), f" {encoding} "):
        assert called.events(pack(BODY), content_encoding=name).status == 200
    assert [message.name for message in called.log.messages] == ["purchased"] * 3
    assert called.app.state.edge.budget.used == 0


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_one_behind_the_other_are_one_body(called: Called, encoding: str) -> None:
    """As `cat` makes them; not without end, for each copies what follows it."""
    pack = PACKERS[encoding]

    assert called.events(pack(BODY[:5]) + pack(b"") + pack(BODY[5:]), content_encoding=encoding).status == 200
    assert called.log.messages[0].name == "purchased"
    assert called.events(pack(b"") * (limits.MEMBERS + 1), content_encoding=encoding).status == 400


@each_way
@pytest.mark.parametrize("size", [limits.BODY, limits.BODY + 1])
def test_a_body_is_taken_up_to_the_limit_of_what_it_unpacks_to(
    called: Called, encoding: str, pack: Callable[[bytes], bytes], size: int
) -> None:
    """To the byte, in one part and in two."""
    body = BODY + b" " * (size - len(BODY))
    status = 200 if size <= limits.BODY else 413

    assert called.events(pack(body), content_encoding=encoding).status == status
    if "gzip" in encoding:
        assert called.events(pack(body[:9]) + pack(body[9:]), content_encoding=encoding).status == status


@each_way
def test_a_bomb_is_a_413_and_takes_no_memory(called: Called, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """100 MB are unpacked no further than the limit."""
    bomb = pack(BOMB)
    assert len(bomb) < limits.BODY
    tracemalloc.start()

    answer = called.events(bomb, content_encoding=encoding)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status == 413
    assert "retry-after" not in answer.headers
    assert peak < 4 * limits.BODY
    assert called.app.state.edge.budget.used == 0


def test_a_zstd_frame_cannot_ask_for_memory(called: Called) -> None:
    """A frame names the window that it needs, and this one wants 128 MiB."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    frame = packer.compress(BODY) + packer.flush()

    assert called.events(frame, content_encoding="zstd").status == 400


@each_way
def test_a_damaged_body_is_a_400(called: Called, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """Cut off anywhere, followed by something else, or not compressed at all."""
    packed = pack(BODY)
    damaged = [packed[:length] for length in range(1, len(packed))]
    for body in [*damaged, packed + b"x", packed + b"\0\0", packed + packed[:4], BODY, b"\0", b"\xff" * 100]:
        answer = called.events(body, content_encoding=encoding)
        assert (answer.status, list(answer.json["meta"])) == (400, ["errors"]), body
    assert called.log.messages == []


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, gzip", "gzip,deflate", "nonsense", "gzip;q=1", "*", "é"])
def test_an_unknown_encoding_is_a_415_that_names_the_known(called: Called, encoding: str) -> None:
    """One encoding is taken, not one within another."""
    answer = called.events(gzip.compress(gzip.compress(BODY)), content_encoding=encoding)

    assert answer.status == 415
    assert answer.headers["accept-encoding"] == "gzip, deflate, zstd"


@pytest.mark.parametrize("encoding", ["identity", "", "Identity "])
def test_identity_is_no_encoding(called: Called, encoding: str) -> None:
    """Nor is an empty header."""
    assert called.events(BODY, content_encoding=encoding).status == 200


def test_where_the_body_does_not_matter_nor_does_its_encoding(called: Called) -> None:
    """A DELETE's is thrown away; and an empty body has nothing to unpack."""
    assert called.send("DELETE", "/api/v1/customers/5", b"\0\1", content_encoding="gzip").status == 200
    assert called.send("PUT", "/api/v1/customers/5", b"", content_encoding="br").status == 200


def test_unpacked_bytes_are_charged(called: Called) -> None:
    """What is in flight is counted as large as it is."""
    budget = called.app.state.edge.budget
    budget.free = 1_000

    answer = called.events(gzip.compress(BODY + b" " * 2_000), content_encoding="gzip")

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert budget.free == 1_000


@given(st.binary(max_size=2_000), st.sampled_from(WAYS), st.integers(0, 3_000))
def test_what_is_packed_is_unpacked_or_refused(
    data: bytes, way: tuple[str, Callable[[bytes], bytes]], limit: int
) -> None:
    """Whole, or too large."""
    encoding, pack = way
    if len(data) <= limit:
        assert unpacked(pack(data), encoding.encode(), limit) == data
    else:
        with pytest.raises(TooLarge):
            unpacked(pack(data), encoding.encode(), limit)


@given(st.binary(min_size=1, max_size=200), st.sampled_from([b"gzip", b"deflate", b"zstd"]))
def test_arbitrary_bytes_are_never_our_mistake(data: bytes, encoding: bytes) -> None:
    """They unpack, or are refused."""
    with contextlib.suppress(BadRequest, TooLarge):
        assert len(unpacked(data, encoding, 1_000)) <= 1_000
