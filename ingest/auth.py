"""Who is calling: HTTP Basic, user = site id, password = API key; in Data Pipelines the user is a key, alone.

Whatever is wrong with what was sent, the answer is the same and tells nothing.
"""

import base64
import binascii

from ingest import limits
from ingest.errors import Forbidden, Unauthorized, UnknownWorkspace
from ingest.keys import Key
from ingest.keys.ring import Keyring
from ingest.roles import BROWSER, Roles, check_role


def authenticate(header: bytes | None, keys: Keyring, allowed: Roles) -> Key:
    """The key of an `Authorization` header. Raises `Unauthorized`, and `Forbidden` if its role is not allowed."""
    if header is None:
        raise Unauthorized
    key = keys.recall(header)
    if key is None:
        user, password = _user_and_password(header)
        key = _found(keys, password, user)
        keys.remember(header, key)
    return _allowed(key, allowed)


def authenticate_write_key(header: bytes | None, keys: Keyring, allowed: Roles) -> Key:
    """The same for Data Pipelines: a key as the user, and no password; a pair is taken as well."""
    if header is None:
        raise Unauthorized
    # As no header begins: what lets in here must not be remembered for `authenticate`, where a key alone is nobody's.
    remembered_as = b"\0" + header
    key = keys.recall(remembered_as)
    if key is None:
        user, password = _user_and_password(header)
        key = _found(keys, password, user) if password else _found(keys, user)
        keys.remember(remembered_as, key)
    return _allowed(key, allowed)


def authenticate_body(write_key: object, keys: Keyring) -> Key:
    """The key that a body has as its `writeKey`. Raises `Unauthorized`, and `Forbidden` unless it is a browser's.

    Whoever writes it there shows it to everybody; with a server key that must not work, not even once.
    """
    if not isinstance(write_key, str):
        raise Unauthorized
    return _allowed(_found(keys, write_key.encode(errors="surrogatepass")), BROWSER)


def key_if_known(header: bytes | None, keys: Keyring, allowed: Roles) -> Key:
    """Whose a call is that the contract leaves without credentials. Raises `UnknownWorkspace` if nobody can know.

    Credentials that were sent count, of either form, wrong ones too: they are refused as anywhere. Without them it is
    the only workspace there is, as if with a key of its servers; that key has no id.
    """
    if header:
        return authenticate_write_key(header, keys, allowed)
    workspace = keys.only_workspace()
    if workspace is None:
        raise UnknownWorkspace
    return Key(id="", workspace=workspace, role="server", sha256="", created_at=0)


def _allowed(key: Key, allowed: Roles) -> Key:
    if key.role in allowed:
        return key
    try:
        check_role(key.role, allowed)
    except Forbidden as refusal:
        refusal.workspace = key.workspace
        raise
    return key


def _user_and_password(header: bytes) -> tuple[bytes, bytes]:
    """Clients write base64 in both alphabets (Go the URL-safe one), and not all pad it."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic" or len(encoded) > limits.AUTHORIZATION:
        raise Unauthorized
    encoded = encoded.strip().rstrip(b"=")
    try:
        sent = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise Unauthorized from None
    user, colon, password = sent.partition(b":")
    if not user or not colon:
        raise Unauthorized
    return user, password


def _found(keys: Keyring, secret: bytes, site_id: bytes | None = None) -> Key:
    # Nobody's key is empty, whatever hash of nothing a file may hold.
    key = keys.find(secret, site_id) if secret else None
    if key is None:
        raise Unauthorized
    return key
