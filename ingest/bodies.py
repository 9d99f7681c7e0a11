"""From the bytes of a body to its values, each with its exact JSON text. Knows nothing of HTTP but the content type."""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from ingest.errors import UnsupportedMedia
from ingest.forms import parse_form
from ingest.json_text import parse_object

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class Body(msgspec.Struct, frozen=True):
    """What a client sent: `values` to look at, `texts` to keep. Both have the same names."""

    values: Mapping[str, Any]
    texts: Mapping[str, msgspec.Raw]


EMPTY = Body({}, {})


def parse(body: bytes, content_type: str) -> Body:
    """The values of a body; an empty one has none. Raises `BadRequest` and `UnsupportedMedia`.

    `curl -d '{"name":"x"}'` calls its JSON a form: what begins like an object is one. A charset is not looked at:
    whatever is called, it must be UTF-8.
    """
    if content_type != _JSON:
        content_type = content_type.partition(";")[0].strip().lower()
    if not body or body.isspace():
        return EMPTY
    if content_type == _JSON or content_type.endswith("+json"):
        return Body(*parse_object(body))
    if content_type not in ("", _FORM):
        raise UnsupportedMedia(f"send {_JSON} or {_FORM}")
    if body.lstrip().startswith(b"{"):
        return Body(*parse_object(body))
    return _from_form(body)


def _from_form(body: bytes) -> Body:
    values = parse_form(body)
    return Body(values, {name: msgspec.Raw(orjson.dumps(value)) for name, value in values.items()})
