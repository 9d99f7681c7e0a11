"""Where keys are kept: the file, the first key, what an edge holds of them, when they were used."""

import asyncio
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ingest.keys import Key, digest, key_file
from ingest.keys.changes import Refused, add, revoke, rotate
from ingest.keys.file import changing, read
from ingest.keys.first import Credentials, forget, keyring, make_first, shown
from ingest.keys.private import check_private
from ingest.keys.ring import Keyring
from ingest.keys.uses import FOLDER, last_uses, uses_of
from ingest.keys.watch import EVERY, watched
from schemas.settings import BadSettings, Settings
from tests.fakes import FakeClock

AT = 1_700_000_000
GOOD: dict[str, Any] = {"id": "a", "workspace": "s", "role": "server", "sha256": "0" * 64, "created_at": AT}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def files(folder: Path) -> dict[str, str]:
    """Every file below, with its mode."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): f"{stat.S_IMODE(path.stat().st_mode):o}" for path in found}


def put(path: Path, content: str, mode: int = 0o600) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    path.chmod(mode)


def test_a_key_is_kept_as_its_hash(settings: Settings) -> None:
    """In a file that only its owner reads, without a trace of the text, and nothing else is left behind."""
    made = add(settings, "server", "s", "a label", AT)

    assert files(settings.data) == {"keys.json": "600"}
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700
    assert len(made.plain) == 64
    text = key_file(settings).read_text()
    assert made.plain not in text
    assert digest(made.plain.encode()) in text
    assert list(read(key_file(settings)).keys) == [made.key]


def test_keys_made_at_once_are_all_kept(settings: Settings) -> None:
    """Each change waits for the one before, in whatever process."""
    threads = [threading.Thread(target=add, args=(settings, "server", "s", str(number), AT)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {key.label for key in read(key_file(settings)).keys} == {str(number) for number in range(20)}


def test_a_change_that_fails_changes_nothing(settings: Settings) -> None:
    """The file stays as it was, to the byte."""
    add(settings, "server", "s", "", AT)
    before = key_file(settings).read_bytes()

    def fail() -> None:
        with changing(key_file(settings)) as keys:
            keys.clear()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert key_file(settings).read_bytes() == before
    assert files(settings.data) == {"keys.json": "600"}


def test_a_key_of_no_named_workspace_joins_the_only_one(settings: Settings) -> None:
    """Or makes one; where there are several it has to be said."""
    first = add(settings, "server", "", "", AT)
    second = add(settings, "ops", "", "", AT)
    third = add(settings, "ops", "other", "", AT)

    assert (first.new_workspace, second.new_workspace, third.new_workspace) == (True, False, True)
    assert first.key.workspace == second.key.workspace
    with pytest.raises(Refused, match=r"--workspace: .*, other"):
        add(settings, "ops", "", "", AT)
    assert add(Settings(data=settings.data / "x", site_id="p", api_key="k"), "ops", "", "", AT).key.workspace == "p"


@pytest.mark.parametrize(("workspace", "label"), [("a:b", ""), ("a\n", ""), ("x" * 101, ""), ("a", "\x1b[31m")])
def test_what_basic_auth_or_a_terminal_cannot_carry_is_refused(settings: Settings, workspace: str, label: str) -> None:
    """Before anything is written."""
    with pytest.raises(Refused):
        add(settings, "server", workspace, label, AT)
    assert not settings.data.exists()


def test_a_browser_s_key_may_be_chosen(settings: Settings) -> None:
    """The site id that pages have already: whoever reads a page knows it. No other role's may be, nor what is a key
    already, the preset one too; what was revoked may come back."""
    chosen = add(settings, "browser", "shop", "", AT, "old site")

    assert (chosen.plain, chosen.key.sha256) == ("old site", digest(b"old site"))
    preset = Settings(data=settings.data, site_id="s", api_key="secret")
    for text in ("a:b", "old site", "secret"):
        with pytest.raises(Refused):
            add(preset, "browser", "shop", "", AT, text)
    with pytest.raises(Refused):
        add(preset, "ops", "shop", "", AT, "x")
    revoke(settings, chosen.key.id, AT)
    assert add(settings, "browser", "shop", "", AT, "old site").plain == "old site"


def test_rotation_overlaps_and_never_prolongs(settings: Settings) -> None:
    """A second rotation of the same key ends it no later; one that is over cannot be rotated."""
    old = add(settings, "browser", "s", "shop", AT).key

    new, ending = rotate(settings, old.id, 100, AT)
    _, again = rotate(settings, old.id, 500, AT)

    assert (new.key.role, new.key.workspace, new.key.label) == ("browser", "s", "shop")
    assert ending.expires_at == again.expires_at == AT + 100
    assert (ending.lives(AT + 99), ending.lives(AT + 100)) == (True, False)
    with pytest.raises(Refused, match="lets nobody in"):
        rotate(settings, old.id, 10, AT + 100)


def test_revoking_twice_keeps_the_first_time(settings: Settings) -> None:
    """And an unknown key is said to be one; the preset one is changed elsewhere."""
    key = add(settings, "server", "s", "", AT).key

    assert revoke(settings, key.id, AT + 1).revoked_at == AT + 1
    assert revoke(settings, key.id, AT + 2).revoked_at == AT + 1
    with pytest.raises(Refused, match="no key nothing"):
        revoke(settings, "nothing", AT)
    with pytest.raises(Refused, match="PENSTOCK_API_KEY"):
        rotate(settings, "preset", 1, AT)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "{}",
        "[]",
        "\xff",
        '{"keys":{}}',
        '{"keys":[{}]}',
        json.dumps({"keys": [GOOD | {"role": "root"}]}),
        json.dumps({"keys": [GOOD | {"sha256": "0" * 63}]}),
        json.dumps({"keys": [GOOD | {"sha256": "A" * 64}]}),
        json.dumps({"keys": [GOOD | {"workspace": ""}]}),
        json.dumps({"keys": [GOOD | {"workspace": "a:b"}]}),
        json.dumps({"keys": [GOOD | {"id": "preset"}]}),
        json.dumps({"keys": [GOOD | {"expire_at": 1}]}),
        json.dumps({"keys": [GOOD, GOOD | {"sha256": "1" * 64}]}),
        json.dumps({"keys": [GOOD, GOOD | {"id": "b"}]}),
    ],
)
def test_a_damaged_file_is_named_and_left_alone(settings: Settings, content: str) -> None:
    """Nobody starts on it and nobody writes over it; a misspelt field would else be a key that never ends."""
    put(key_file(settings), content)

    for use in (lambda: read(key_file(settings)), lambda: add(settings, "server", "s", "", AT)):
        with pytest.raises(BadSettings, match=r"keys\.json is damaged"):
            use()
    assert key_file(settings).read_text() == content


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o444])
def test_a_file_of_the_owners_or_a_read_only_one_is_taken(settings: Settings, mode: int) -> None:
    """Secrets are mounted read-only, for a group or for all: of a hash nobody makes a key."""
    put(key_file(settings), json.dumps({"keys": [GOOD]}), mode)

    assert len(read(key_file(settings)).keys) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o606, 0o464, 0o446])
def test_a_file_that_is_open_to_others_is_refused(settings: Settings, mode: int) -> None:
    """Who can write there can let himself in. The remedy is named."""
    put(key_file(settings), json.dumps({"keys": [GOOD]}), mode)

    with pytest.raises(BadSettings, match=f"mode 0{mode:o}.*chmod 600 {key_file(settings)}"):
        read(key_file(settings))


def test_a_file_that_this_process_cannot_write_may_be_read_by_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Kubernetes mounts a secret: 0644, on a file system that is read-only."""
    monkeypatch.setattr(os, "access", lambda *_: False)

    check_private(key_file(settings), 0o100644)
    with pytest.raises(BadSettings):
        check_private(key_file(settings), 0o100664)


def test_a_read_only_file_is_not_written_over(settings: Settings) -> None:
    """Replacing it would only ask the folder."""
    put(key_file(settings), json.dumps({"keys": [GOOD]}), 0o440)

    with pytest.raises(BadSettings, match="read-only"):
        revoke(settings, "a", AT)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_changes_stays_readable_for_its_owner(settings: Settings) -> None:
    """An edge that is not root has to read it after `sudo penstock keys add`."""
    settings.data.mkdir()
    os.chown(settings.data, 12345, 12345)

    key = add(settings, "server", "s", "", AT).key
    os.chown(settings.data, 0, 0)
    revoke(settings, key.id, AT)

    status = key_file(settings).stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 12345, 0o600)


def test_a_link_stays_one(settings: Settings, tmp_path: Path) -> None:
    """What it points at is changed."""
    put(tmp_path / "real" / "keys.json", json.dumps({"keys": [GOOD]}))
    (tmp_path / "link.json").symlink_to(tmp_path / "real" / "keys.json")

    revoke(Settings(keys=str(tmp_path / "link.json")), "a", AT)

    assert (tmp_path / "link.json").is_symlink()
    assert read(tmp_path / "real" / "keys.json").keys[0].revoked_at == AT


def test_the_first_start_makes_one_key_and_keeps_it_in_plain(settings: Settings) -> None:
    """Once, whoever starts; both files are their owner's only."""
    make_first(settings, AT)
    made = shown(settings, AT)
    make_first(settings, AT)

    assert made is not None
    assert (len(made.site_id), len(made.api_key)) == (20, 64)
    assert shown(settings, AT) == made
    assert files(settings.data) == {"keys.json": "600", "credentials.json": "600"}
    [key] = read(key_file(settings)).keys
    assert (key.workspace, key.role, key.sha256) == (made.site_id, "server", digest(made.api_key.encode()))


def test_a_pair_kept_by_an_earlier_version_goes_on(settings: Settings) -> None:
    """Its clients notice nothing."""
    put(settings.data / "credentials.json", '{"site_id":"old","api_key":"secret"}')

    keys = keyring(settings, FakeClock())

    found = keys.find(b"secret")
    assert found is not None
    assert (found.workspace, found.role) == ("old", "server")
    assert shown(settings, AT) == Credentials("old", "secret")


def test_credentials_of_the_settings_come_first(settings: Settings) -> None:
    """Nothing is written then."""
    preset = Settings(data=settings.data, site_id="a", api_key="b")

    keys = keyring(preset, FakeClock())

    assert shown(preset, AT) == Credentials("a", "b")
    assert keys.find(b"b") is not None
    assert not settings.data.exists()


@pytest.mark.parametrize("how", ["revoked", "rotated"])
def test_a_first_key_that_was_replaced_is_shown_no_more(settings: Settings, how: str) -> None:
    """What was kept of it in plain is gone, and no other first key is made."""
    make_first(settings, AT)
    [key] = read(key_file(settings)).keys
    kept = (settings.data / "credentials.json").read_bytes()

    changed = revoke(settings, key.id, AT) if how == "revoked" else rotate(settings, key.id, 60, AT)[1]
    assert shown(settings, AT) is None
    forget(settings, changed)
    make_first(settings, AT)

    assert kept
    assert not (settings.data / "credentials.json").exists()
    assert shown(settings, AT) is None
    assert len(read(key_file(settings)).keys) == (1 if how == "revoked" else 2)


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", '{"site_id":"a"}', '{"site_id":"","api_key":""}', '{"site_id":"a:b","api_key":"c"}'],
)
def test_damaged_credentials_are_named(settings: Settings, text: str) -> None:
    """A new pair in their place would lock every client out."""
    put(settings.data / "credentials.json", text)

    with pytest.raises(BadSettings, match=r"credentials\.json is damaged"):
        make_first(settings, AT)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """With the settings that name it."""
    (tmp_path / "file").touch()

    with pytest.raises(BadSettings, match="PENSTOCK_DATA"):
        make_first(Settings(data=tmp_path / "file"), AT)


def test_a_named_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    """A misspelt path must not make a key that no client has."""
    with pytest.raises(BadSettings, match=r"PENSTOCK_KEYS=.*nowhere.* is not there"):
        keyring(Settings(data=tmp_path, keys=str(tmp_path / "nowhere")), FakeClock())
    assert list(tmp_path.iterdir()) == []


def test_an_edge_whose_keys_let_nobody_in_says_so(settings: Settings) -> None:
    """With what to do about it."""
    revoke(settings, add(settings, "server", "s", "", AT).key.id, AT)

    with capture_logs() as lines:
        keyring(settings, FakeClock())

    assert [line["event"] for line in lines] == ["no_key_lets_anybody_in"]


@pytest.mark.parametrize("harm", ["damaged", "open", "gone"])
def test_a_running_edge_keeps_its_keys_when_the_file_goes_bad(settings: Settings, harm: str) -> None:
    """It says so once, and takes the file again when it is mended, by a chmod too."""
    made, path = add(settings, "server", "s", "", AT), key_file(settings)
    keys, good = Keyring(path, None, FakeClock()), path.read_text()
    if harm == "damaged":
        path.write_text(good[:-5])
    elif harm == "open":
        path.chmod(0o644)
    else:
        path.unlink()
    with capture_logs() as lines:
        for _ in range(3):
            keys.refresh()
    assert [(line["event"], line["log_level"]) for line in lines] == [("keys_not_reloaded", "error")]
    assert keys.find(made.plain.encode()) is not None

    put(path, good)
    with capture_logs() as lines:
        keys.refresh()
    assert [line["event"] for line in lines] == ["keys_changed"]


def test_a_mounted_secret_is_swapped_as_kubernetes_does(settings: Settings, tmp_path: Path) -> None:
    """By a link to another folder; file and path stay the same."""
    for number in ("1", "2"):
        put(tmp_path / number / "keys.json", json.dumps({"keys": [GOOD | {"sha256": digest(number.encode())}]}), 0o440)
    link = tmp_path / "..data"
    link.symlink_to("1")
    keys = Keyring(link / "keys.json", None, FakeClock())
    assert keys.find(b"1") is not None

    (tmp_path / "fresh").symlink_to("2")
    (tmp_path / "fresh").replace(link)
    keys.refresh()

    assert keys.find(b"1") is None
    assert keys.find(b"2") is not None


async def test_a_change_is_seen_within_a_second(settings: Settings) -> None:
    """Without a request and without a restart."""
    clock = FakeClock()
    old = add(settings, "server", "s", "", AT)
    keys = Keyring(key_file(settings), None, clock)
    async with watched(keys, uses_of(settings, clock)):
        new = add(settings, "server", "s", "", AT)
        revoke(settings, old.key.id, AT)
        async with asyncio.timeout(20):
            while keys.find(new.plain.encode()) != new.key or keys.find(old.plain.encode()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert EVERY <= 1


async def test_the_last_use_is_kept_beside_the_keys(settings: Settings) -> None:
    """By each edge in a file of its own, which a restart goes on with; the latest counts."""
    clock = FakeClock(AT + 5)
    made = [add(settings, "server", "s", "", AT) for _ in range(3)]
    keys = Keyring(key_file(settings), None, clock)
    async with watched(keys, uses_of(settings, clock)):
        keys.find(made[0].plain.encode())
    clock.now += 10
    async with watched(keys, uses_of(settings, clock)):
        keys.find(made[1].plain.encode())
    put(settings.data / FOLDER / "another.json", json.dumps({made[0].key.id: AT + 7}))
    put(settings.data / FOLDER / "broken.json", "{")

    assert last_uses(settings.data) == {made[0].key.id: AT + 7, made[1].key.id: AT + 15}
    assert set(files(settings.data / FOLDER).values()) == {"600"}


async def test_an_edge_without_a_data_folder_notes_nothing(settings: Settings) -> None:
    """On Kafka with preset keys it needs none."""
    clock = FakeClock()
    key = Key(id="preset", workspace="s", role="server", sha256=digest(b"k"), created_at=0)
    keys = Keyring(key_file(settings), key, clock)
    async with watched(keys, uses_of(settings, clock)):
        assert keys.find(b"k") == key

    assert not settings.data.exists()
