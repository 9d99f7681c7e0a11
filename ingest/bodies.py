"""From the bytes of a body to its values, each with its exact JSON text. Knows nothing of HTTP but the content type."""

from codecs import BOM_UTF8
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import orjson

from ingest.errors import UnsupportedMedia
from ingest.forms import parse_form
from ingest.json_text import parse_object

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_TEXT = "text/plain"


_cut = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Body:
    """What a client sent: `values` to look at, `texts` to keep. Both have the same names.

    texts: or the whole text, of which they are cut when they are asked for: of most objects within others nobody does.
    """

    __slots__ = ("_texts", "values")

    def __init__(self, values: Mapping[str, Any], texts: Mapping[str, msgspec.Raw] | msgspec.Raw) -> None:
        self.values = values
        self._texts = texts

    @property
    def texts(self) -> Mapping[str, msgspec.Raw]:
        texts = self._texts
        if isinstance(texts, msgspec.Raw):
            texts = self._texts = _cut(texts)
        return texts


EMPTY = Body({}, {})


def inner(body: Body, name: str) -> Body:
    """An object within a body; one that is absent or null is empty. Whoever asks has seen that it is an object."""
    value = body.values.get(name)
    return Body(value, body.texts[name]) if value else EMPTY


def without(body: Body, names: Collection[str]) -> Body:
    """The rest of it."""
    values, texts = ({name: each[name] for name in each if name not in names} for each in (body.values, body.texts))
    return Body(values, texts)


def parse(body: bytes, content_type: str, plain: bool = False) -> Body:
    """The values of a body; an empty one has none. plain: also JSON that is called plain text, as a browser does that
    shall not ask first. Raises `BadRequest` and `UnsupportedMedia`.

    `curl -d '{"name":"x"}'` calls its JSON a form: what begins like an object is one, also behind a byte order mark,
    which JSON may not have. A charset is not looked at: whatever is called, it must be UTF-8.
    """
    if content_type == _JSON and body[:1] == b"{":
        return Body(*parse_object(body))
    content_type = content_type.partition(";")[0].strip().lower()
    if not body or body.isspace():
        return EMPTY
    if content_type == _JSON or content_type.endswith("+json") or (plain and content_type == _TEXT):
        return Body(*parse_object(body))
    if content_type not in ("", _FORM):
        raise UnsupportedMedia(f"send {_JSON} or {_FORM}")
    if body.removeprefix(BOM_UTF8).lstrip().startswith(b"{"):
        return Body(*parse_object(body))
    return of_form(body)


def of_form(text: bytes, objects: Collection[str] = ()) -> Body:
    """The values of a form; all of them are texts. objects: as `parse_form` has them. Raises `BadRequest`."""
    return of_values(parse_form(text, objects))


def of_values(values: Mapping[str, Any]) -> Body:
    """Values of which nobody sent any JSON."""
    return Body(values, {name: msgspec.Raw(orjson.dumps(value)) for name, value in values.items()})
