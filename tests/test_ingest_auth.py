"""Credentials: how clients send them, and where they are kept."""

import base64
import stat
from pathlib import Path

import pytest

from ingest.auth import authenticate
from ingest.errors import Unauthorized
from ingest.keys import Credentials, credentials
from schemas.settings import BadSettings, Settings

KNOWN = Credentials("site?", "??>>~\xff:with:colons")
STANDARD = base64.b64encode(KNOWN.basic)
URL_SAFE = base64.urlsafe_b64encode(KNOWN.basic)


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.mark.parametrize(
    "header",
    [
        b"Basic " + STANDARD,
        b"Basic " + URL_SAFE,
        b"Basic " + STANDARD.rstrip(b"="),
        b"Basic " + URL_SAFE.rstrip(b"="),
        b"basic  " + STANDARD,
        b"BASIC " + STANDARD + b" ",
    ],
)
def test_credentials_are_known_however_they_are_written(header: bytes) -> None:
    """Both alphabets of base64, padded or not; the scheme in any case."""
    assert STANDARD != URL_SAFE
    assert STANDARD.endswith(b"=")

    assert authenticate(header, KNOWN) == "site?"


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"Basic",
        b"Basic ",
        STANDARD,
        b"Bearer " + STANDARD,
        b"Basic !!!!",
        b"Basic \xff\xfe",
        b"Basic A",
        b"Basic " + STANDARD + b"!",
        basic("site?"),
        basic(":"),
        basic("site?:"),
        basic(":??>>~\xff:with:colons"),
        basic("site?:??>>~\xff:with:colon"),
        basic("site?:??>>~\xff:with:colonss"),
        basic("Site?:??>>~\xff:with:colons"),
        b"Basic " + base64.b64encode(KNOWN.basic.decode().encode("latin-1")),
    ],
)
def test_whoever_has_no_key_is_not_let_in(header: bytes | None) -> None:
    """Always the same answer, which tells nothing."""
    with pytest.raises(Unauthorized, match="Unauthorized request"):
        authenticate(header, KNOWN)


def test_credentials_of_the_settings_come_first(tmp_path: Path) -> None:
    """Nothing is written then."""
    assert Credentials("a", "b") == credentials(Settings(data=tmp_path, site_id="a", api_key="b"))
    assert list(tmp_path.iterdir()) == []


def test_credentials_are_made_once_and_kept(tmp_path: Path) -> None:
    """Readable by their owner only; the folder is made too."""
    settings = Settings(data=tmp_path / "new" / "folder")

    made = credentials(settings)

    assert (len(made.site_id), len(made.api_key)) == (20, 64)
    assert made == credentials(settings)
    assert made != credentials(Settings(data=tmp_path))
    [file] = settings.data.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("credentials.json", 0o600)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "[]",
        '{"site_id":"a"}',
        '{"site_id":"","api_key":""}',
        '{"site_id":1,"api_key":2}',
        '{"site_id":"a:b","api_key":"c"}',
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    """New credentials in its place would lock every client out."""
    (tmp_path / "credentials.json").write_text(text)

    with pytest.raises(BadSettings, match=r"credentials\.json"):
        credentials(Settings(data=tmp_path))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """With the setting that names it."""
    (tmp_path / "file").touch()

    with pytest.raises(BadSettings, match="PENSTOCK_DATA"):
        credentials(Settings(data=tmp_path / "file"))
