"""A schema as the rows of a table: one for each field, whatever it is nested in."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]
REFERENCE = "#/components/schemas/"


class Row(NamedTuple):
    """name: with what it is nested in, `device.id`, `ids[]`. kind: what may stand there."""

    name: str
    kind: str
    required: bool
    meaning: str


class Variant(NamedTuple):
    """One form that a body may have. title: empty if it has only one."""

    title: str
    rows: list[Row]
    example: object


class Reader:
    """schemas: those of the document, which others refer to."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def parameter(self, given: Schema) -> Row:
        """What is not in the body: the kind is where it is, and what it may be if that is a closed list."""
        schema = given["schema"]
        kind = f"{given['in']}, {_kind(schema)}" if "enum" in schema else given["in"]
        return Row(given["name"], kind, given.get("required", False), schema.get("description", ""))

    def variants(self, schema: Schema) -> list[Variant]:
        schema = self._resolved(schema)
        forms = schema.get("oneOf", ()) if "type" not in schema else ()
        return [self._variant(form) for form in forms] or [self._variant(schema)]

    def _variant(self, schema: Schema) -> Variant:
        schema = self._resolved(schema)
        return Variant(schema.get("title", ""), list(self._within(schema, "")), schema.get("examples", [None])[0])

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].removeprefix(REFERENCE)]
        return schema

    def _within(self, schema: Schema, prefix: str) -> Iterator[Row]:
        """The rows of an object's fields."""
        # Of several ways to say it none is required.
        for form in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from (row._replace(required=False) for row in self._within(self._resolved(form), prefix))
        required = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            yield from self._rows(field, prefix + name, required=name in required)
        if isinstance(schema.get("additionalProperties"), Mapping):
            yield Row(f"{prefix}…", "any", False, schema["additionalProperties"].get("description", ""))

    def _rows(self, field: Schema, name: str, *, required: bool) -> Iterator[Row]:
        field = self._resolved(field)
        yield Row(name, _kind(field), required, field.get("description", ""))
        if "items" in field:
            items, name = self._resolved(field["items"]), f"{name}[]"
            if "oneOf" not in items:  # else it has a call, and a table, of its own
                yield from self._within(items, f"{name}.")
        elif "title" not in field:
            yield from self._within(field, f"{name}.")


def _kind(field: Schema) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " ".join(f"`{value}`" for value in field["enum"])
    kinds = field.get("type", "object" if "anyOf" in field else "any")
    text = " or ".join([kinds] if isinstance(kinds, str) else (kind for kind in kinds if kind != "null"))
    bounds = (("maxLength", "up to {:,}"), ("maxItems", "up to {:,}"))
    return ", ".join([text, *(words.format(field[name]) for name, words in bounds if name in field)])
