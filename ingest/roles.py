"""What each role may do. Two checks, because some calls say only in their body what they are."""

from ingest.errors import Forbidden
from ingest.keys import Role
from schemas.messages import Kind

Roles = frozenset[Role]

SERVER: Roles = frozenset({"server"})
SENDERS: Roles = frozenset({"server", "browser"})
READERS: Roles = frozenset({"server", "ops"})
BROWSER: Roles = frozenset({"browser"})

# A browser's key is everybody's to read: it adds to what is known of somebody, and takes nothing away. Telemetry is
# of nobody, and taken without a key.
_BROWSER_KINDS = frozenset[Kind]({"identify", "event", "page", "telemetry"})


def check_role(role: Role, allowed: Roles) -> None:
    """Raises `Forbidden`."""
    if role not in allowed:
        raise Forbidden(f"this call takes a {' or '.join(sorted(allowed, reverse=True))} key, not {role}")


def check_kind(role: Role, kind: Kind) -> None:
    """Whether a message of that kind may be sent with a key that passed `check_role`. Raises `Forbidden`."""
    if role == "browser" and kind not in _BROWSER_KINDS:
        raise Forbidden(f"sending {kind} takes a server key, not browser")
