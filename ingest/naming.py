"""Who or what is named by an object of identifiers in a body: `{"id": "42"}`, `{"object_type_id": "1", …}`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ingest import identifiers, limits
from ingest.bodies import Body
from ingest.ids import NOT_TEXT
from ingest.problems import Problems

_PEOPLE: Mapping[str, Callable[[str], str]] = {
    "id": identifiers.of_customer_id,
    "email": identifiers.of_email,
    "phone": identifiers.of_phone,
    "cio_id": identifiers.of_cio_id,
    "anonymous_id": identifiers.of_anonymous,
}
PERSON = tuple(_PEOPLE)


def person_named(given: Body, problems: Problems, allowed: Sequence[str] = PERSON) -> str:
    """The subject, by exactly one of the names; "" with a problem found if it is not that."""
    names = [name for name, value in given.values.items() if name in allowed and value not in (None, "")]
    if len(names) != 1:
        problems.add(
            f"{problems.path() or 'identifiers'} must have exactly one of {', '.join(allowed)}",
            reason="required" if not names else "invalid",
        )
        return ""
    name = names[0]
    text = text_of(given, name, problems)
    if name == "phone" and text and not identifiers.is_phone(text):
        problems.add("phone must be a number in E.164, like +15551234567", name)
        return ""
    return _PEOPLE[name](text) if text else ""


def object_named(given: Body, problems: Problems) -> str:
    """By `object_type_id` and `object_id`, or by `cio_object_id`; "" with a problem found otherwise."""
    if "cio_object_id" in given.values:
        cio_object_id = text_of(given, "cio_object_id", problems)
        return identifiers.of_cio_object(cio_object_id) if cio_object_id else ""
    type_id, object_id = (text_of(given, name, problems) for name in ("object_type_id", "object_id"))
    return identifiers.of_object(type_id, object_id) if type_id and object_id else ""


def text_of(body: Body, name: str, problems: Problems, longest: int = limits.IDENTIFIER) -> str:
    """A text that has to be there; a number counts as its text. "" with a problem found if it is none."""
    value: Any = body.values.get(name)
    path = problems.path(name)
    if value is None or value == "":
        problems.add(f"{path} is required", name, "required")
        return ""
    if isinstance(value, NOT_TEXT):
        problems.add(f"{path} must be a string", name)
        return ""
    text = value if isinstance(value, str) else str(body.texts[name], "utf-8")
    if len(text.encode()) > longest:
        problems.add(f"{path} cannot be longer than {longest} bytes", name)
        return ""
    return text
