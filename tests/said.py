"""What a message says, without what every message has."""

from typing import Any

import msgspec

from schemas.messages import Message

_ALWAYS = frozenset({"id", "workspace", "received_at", "timestamp", "context"})


def said(message: Message) -> dict[str, Any]:
    """The fields that hold something; data as its text."""
    fields = {name: getattr(message, name) for name in message.__struct_fields__ if name not in _ALWAYS}
    texts = {name: bytes(value).decode() if isinstance(value, msgspec.Raw) else value for name, value in fields.items()}
    return {name: value for name, value in texts.items() if value not in ("", (), None, "{}")}
