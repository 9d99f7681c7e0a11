"""Who is calling: HTTP Basic, user = site id, password = API key."""

import base64
import binascii
import hmac

from ingest.errors import Unauthorized
from ingest.keys import Credentials


def authenticate(header: bytes | None, known: Credentials) -> str:
    """The workspace whose credentials an `Authorization` header holds. Raises `Unauthorized`.

    Clients write base64 in both alphabets (Go the URL-safe one), and not all pad it.
    """
    scheme, _, encoded = (header or b"").partition(b" ")
    if scheme.lower() != b"basic":
        raise Unauthorized
    encoded = encoded.strip().rstrip(b"=")
    try:
        sent = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise Unauthorized from None
    # Compared whole: its time tells neither whether the site id was right nor how much of the key.
    if not hmac.compare_digest(sent, known.basic):
        raise Unauthorized
    return known.site_id
