"""Who is calling: HTTP Basic, user = site id, password = API key; in Data Pipelines the user is a key, alone.

Whatever is wrong with what was sent, the answer is the same and tells nothing.
"""

import base64
import binascii

from ingest import limits
from ingest.errors import Unauthorized
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
    check_role(key.role, allowed)
    return key


def authenticate_write_key(header: bytes | None, keys: Keyring, allowed: Roles) -> Key:
    """The same for Data Pipelines: a key as the user, and no password; a pair is taken as well."""
    user, password = _user_and_password(header or b"")
    key = _found(keys, password, user) if password else _found(keys, user)
    check_role(key.role, allowed)
    return key


def authenticate_body(write_key: object, keys: Keyring) -> Key:
    """The key that a body has as its `writeKey`. Raises `Unauthorized`, and `Forbidden` unless it is a browser's.

    Whoever writes it there shows it to everybody; with a server key that must not work, not even once.
    """
    if not isinstance(write_key, str):
        raise Unauthorized
    key = _found(keys, write_key.encode(errors="surrogatepass"))
    check_role(key.role, BROWSER)
    return key


def workspace_if_known(header: bytes | None, keys: Keyring, allowed: Roles) -> str | None:
    """Whose a call is that the contract leaves without credentials; None if nobody can know, and nothing is stored.

    Credentials that were sent count, wrong ones too: they are refused as anywhere. Without them it is the only
    workspace there is.
    """
    if header:
        return authenticate(header, keys, allowed).workspace
    return keys.only_workspace()


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
