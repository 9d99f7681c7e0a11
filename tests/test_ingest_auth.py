"""Credentials as clients send them, and whom they let in."""

import base64
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from ingest import limits
from ingest.auth import authenticate, authenticate_body, authenticate_write_key, key_if_known
from ingest.errors import Forbidden, Unauthorized, UnknownWorkspace
from ingest.keys import Key, Role, preset_key
from ingest.keys.changes import Made, add, revoke, rotate
from ingest.keys.ring import REMEMBERED, Keyring
from ingest.roles import BROWSER, READERS, SENDERS, SERVER, Roles, check_kind, check_role
from schemas.messages import Kind
from schemas.settings import Settings
from tests.fakes import FakeClock

KNOWN = "site?:??>>~\xff:with:colons"
STANDARD = base64.b64encode(KNOWN.encode())
URL_SAFE = base64.urlsafe_b64encode(KNOWN.encode())
ALL: Roles = frozenset(get_args(Role))


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
def preset(tmp_path: Path, clock: FakeClock) -> Keyring:
    settings = Settings(site_id="site?", api_key=KNOWN.partition(":")[2])
    return Keyring(tmp_path / "keys.json", preset_key(settings), clock)


def ring(settings: Settings, clock: FakeClock) -> Keyring:
    return Keyring(settings.data / "keys.json", None, clock)


def pair(made: Made) -> bytes:
    return basic(f"{made.key.workspace}:{made.plain}")


@pytest.mark.parametrize(
    "header",
    [
        b"Basic " + STANDARD,
        b"Basic " + URL_SAFE,
        b"Basic " + STANDARD.rstrip(b"="),
        b"Basic " + URL_SAFE.rstrip(b"="),
        b"basic  " + STANDARD,
        b"BASIC     " + STANDARD + b" ",
    ],
)
def test_credentials_are_known_however_they_are_written(preset: Keyring, header: bytes) -> None:
    """Both alphabets of base64, padded or not; the scheme in any case; the second time from memory."""
    assert STANDARD != URL_SAFE
    assert STANDARD.endswith(b"=")

    for _ in range(2):
        assert authenticate(header, preset, SERVER).workspace == "site?"


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b" ",
        b"Basic",
        b"Basic ",
        STANDARD,
        b" Basic " + STANDARD,
        b"Basic" + STANDARD,
        b"Bearer " + STANDARD,
        b"Digest " + STANDARD,
        b"Basic !!!!",
        b"Basic \xff\xfe",
        b"Basi\xe7 " + STANDARD,
        b"Basic A",
        b"Basic " + STANDARD + b"!",
        b"Basic " + STANDARD + b" " + STANDARD,
        b"Basic " + STANDARD + b"A" * limits.AUTHORIZATION,
        b"Basic " + b" " * limits.AUTHORIZATION + STANDARD,
        b"Basic " + b"A" * 1_000_000,
        basic("site?"),
        basic(":"),
        basic("site?:"),
        basic("??>>~\xff:with:colons:"),
        basic(":??>>~\xff:with:colons"),
        basic("site?:??>>~\xff:with:colon"),
        basic("site?:??>>~\xff:with:colonss"),
        basic("Site?:??>>~\xff:with:colons"),
        basic("site:??>>~\xff:with:colons"),
        b"Basic " + base64.b64encode(KNOWN.encode("latin-1")),
    ],
)
def test_whoever_has_no_key_is_not_let_in(preset: Keyring, header: bytes | None) -> None:
    """Always the same answer, which tells nothing."""
    for _ in range(2):
        with pytest.raises(Unauthorized, match="Unauthorized request"):
            authenticate(header, preset, ALL)
    assert preset.used == set()


@trying(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"Basic ", b"basic  "]), st.booleans())
def test_whatever_is_sent_is_refused_and_never_our_mistake(
    preset: Keyring, sent: bytes, scheme: bytes, encoded: bool
) -> None:
    """Bytes of any kind, in base64 or not."""
    for check in (authenticate, authenticate_write_key):
        with pytest.raises(Unauthorized):
            check(scheme + (base64.b64encode(sent) if encoded else sent), preset, ALL)


def test_a_key_opens_its_own_workspace_only(settings: Settings, clock: FakeClock) -> None:
    """The site id has to be the key's, and several of both live side by side."""
    made = [add(settings, "server", site, "", clock.now) for site in ("one", "one", "two")]
    keys = ring(settings, clock)

    assert [authenticate(pair(one), keys, SERVER).id for one in made] == [one.key.id for one in made]
    for header in (basic(f"two:{made[0].plain}"), basic(f"one:{made[2].plain}"), basic(f"one:{made[0].key.sha256}")):
        with pytest.raises(Unauthorized):
            authenticate(header, keys, ALL)


def test_the_hash_of_nothing_opens_nothing(settings: Settings, clock: FakeClock) -> None:
    """As a script writes it whose variable was empty."""
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (settings.data / "keys.json").write_text(
        f'{{"keys":[{{"id":"a","workspace":"s","role":"server","sha256":"{nothing}","created_at":1}}]}}'
    )
    (settings.data / "keys.json").chmod(0o600)

    with pytest.raises(Unauthorized):
        authenticate(basic("s:"), ring(settings, clock), ALL)
    with pytest.raises(Unauthorized):
        authenticate_body("", ring(settings, clock))


def test_a_key_ends_at_its_second_and_a_revoked_one_with_the_file(settings: Settings, clock: FakeClock) -> None:
    """Also one that was remembered a moment ago."""
    old = add(settings, "server", "s", "", clock.now)
    keys = ring(settings, clock)
    authenticate(pair(old), keys, SERVER)
    new, _ = rotate(settings, old.key.id, 60, clock.now)
    keys.refresh()
    clock.now += 59
    assert authenticate(pair(old), keys, SERVER).id == old.key.id
    clock.now += 1
    with pytest.raises(Unauthorized):
        authenticate(pair(old), keys, SERVER)

    assert authenticate(pair(new), keys, SERVER).id == new.key.id
    revoke(settings, new.key.id, clock.now)
    keys.refresh()
    with pytest.raises(Unauthorized):
        authenticate(pair(new), keys, SERVER)


def test_what_is_remembered_is_bounded(preset: Keyring) -> None:
    """A client that writes its header in ever new ways fills nothing."""
    for number in range(REMEMBERED * 2):
        assert authenticate(b"Basic " + b" " * number + STANDARD, preset, SERVER)

    assert len(preset._remembered) <= REMEMBERED


@pytest.mark.parametrize(
    ("role", "may"),
    [("server", {"SERVER", "SENDERS", "READERS"}), ("browser", {"SENDERS", "BROWSER"}), ("ops", {"READERS"})],
)
def test_each_role_may_do_its_own_and_a_403_names_the_role_it_takes(role: Role, may: set[str]) -> None:
    """`server` everything that is not meant for browsers alone."""
    groups = {"SERVER": SERVER, "SENDERS": SENDERS, "READERS": READERS, "BROWSER": BROWSER}
    for name, allowed in groups.items():
        if name in may:
            check_role(role, allowed)
        else:
            with pytest.raises(
                Forbidden, match=f"takes a {' or '.join(sorted(allowed, reverse=True))} key, not {role}"
            ):
                check_role(role, allowed)


def test_a_browser_only_adds(settings: Settings) -> None:
    """Identify, events and pages, and what nobody needs a key for; every other kind, new ones too, takes a server's."""
    for kind in get_args(Kind):
        check_kind("server", kind)
        if kind in ("identify", "event", "page", "telemetry"):
            check_kind("browser", kind)
        else:
            with pytest.raises(Forbidden, match=f"sending {kind} takes a server key, not browser"):
                check_kind("browser", kind)


def test_a_write_key_is_the_user_alone(settings: Settings, clock: FakeClock) -> None:
    """As Data Pipelines' clients send it; a pair is taken too. In the Track API a key alone is nobody."""
    made = add(settings, "server", "s", "", clock.now)
    keys = ring(settings, clock)

    for header in (basic(f"{made.plain}:"), pair(made), basic(f"{made.plain}:").rstrip(b"=")):
        assert authenticate_write_key(header, keys, SENDERS).id == made.key.id
    with pytest.raises(Unauthorized):
        authenticate(basic(f"{made.plain}:"), keys, ALL)
    for wrong in (None, b"", basic(made.plain), basic(":"), basic(f":{made.plain}"), basic("x:"), basic("s:x")):
        with pytest.raises(Unauthorized):
            authenticate_write_key(wrong, keys, ALL)
    with pytest.raises(Forbidden):
        authenticate_write_key(basic(f"{made.plain}:"), keys, READERS - SERVER)


def test_a_write_key_is_remembered_for_data_pipelines_only(settings: Settings, clock: FakeClock) -> None:
    """What let in there opens nothing where a pair is wanted, whatever header is sent; a revoked one nowhere."""
    made = add(settings, "server", "s", "", clock.now)
    keys = ring(settings, clock)
    alone = basic(f"{made.plain}:")
    for header in (alone, pair(made)):
        for _ in range(2):
            assert authenticate_write_key(header, keys, SENDERS).id == made.key.id

    for header in (alone, b" " + alone, b"Basic " + alone):
        with pytest.raises(Unauthorized):
            authenticate(header, keys, ALL)
    with pytest.raises(Forbidden) as refusal:
        authenticate_write_key(alone, keys, BROWSER)
    assert refusal.value.workspace == "s"
    keys.used.clear()
    assert authenticate_write_key(alone, keys, SENDERS)
    assert keys.used == {made.key.id}
    revoke(settings, made.key.id, clock.now)
    keys.refresh()
    with pytest.raises(Unauthorized):
        authenticate_write_key(alone, keys, SENDERS)


def test_only_a_browser_key_may_stand_in_a_body(settings: Settings, clock: FakeClock) -> None:
    """Everybody can read it there."""
    made: dict[Role, Made] = {role: add(settings, role, "s", "", clock.now) for role in get_args(Role)}
    keys = ring(settings, clock)

    assert authenticate_body(made["browser"].plain, keys).id == made["browser"].key.id
    for role in made.keys() - {"browser"}:
        with pytest.raises(Forbidden, match="takes a browser key"):
            authenticate_body(made[role].plain, keys)
    for wrong in (None, "", "x", 5, [made["browser"].plain], "\ud800"):
        with pytest.raises(Unauthorized):
            authenticate_body(wrong, keys)


def test_calls_without_credentials_belong_to_the_only_workspace(settings: Settings, clock: FakeClock) -> None:
    """To nobody when there are several; credentials that are sent must be right."""
    with pytest.raises(UnknownWorkspace):
        key_if_known(None, ring(settings, clock), SENDERS)
    one = add(settings, "server", "one", "", clock.now)
    add(settings, "browser", "one", "", clock.now)
    assert key_if_known(None, ring(settings, clock), SENDERS).workspace == "one"
    two = add(settings, "ops", "two", "", clock.now)
    keys = ring(settings, clock)

    for nothing in (None, b""):
        with pytest.raises(UnknownWorkspace):
            key_if_known(nothing, keys, SENDERS)
    for header in (pair(one), basic(f"{one.plain}:")):
        assert key_if_known(header, keys, SENDERS).workspace == "one"
    with pytest.raises(Unauthorized):
        key_if_known(basic("one:wrong"), keys, SENDERS)
    with pytest.raises(Forbidden):
        key_if_known(pair(two), keys, SENDERS)
    revoke(settings, two.key.id, clock.now)
    keys.refresh()
    assert key_if_known(None, keys, SENDERS).workspace == "one"


def test_a_preset_key_stands_beside_those_of_the_file(settings: Settings, clock: FakeClock) -> None:
    """Both let in, each its own workspace."""
    made = add(settings, "server", "other", "", clock.now)
    both = preset_key(Settings(site_id="a", api_key="b"))
    keys = Keyring(settings.data / "keys.json", both, clock)

    found: list[Key] = [authenticate(header, keys, SERVER) for header in (basic("a:b"), pair(made))]

    assert [key.workspace for key in found] == ["a", "other"]
    assert keys.used == {"preset", made.key.id}
