"""Values that a JSON Schema allows, of as much of JSON Schema as the edge's own document uses."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from ingest.openapi.parts import E164, NOT_BLANK, NUMBER

Schema = Mapping[str, Any]
Values = st.SearchStrategy[Any]

# No surrogates, which are no JSON. Few: a character may have four bytes, and bytes are what is limited.
_CHARACTERS = st.characters(exclude_categories=["Cs"])
_SHORT = 20
_PATTERNS: Mapping[str, Values] = {
    NOT_BLANK: st.text(_CHARACTERS, min_size=1, max_size=_SHORT).filter(str.strip),
    NUMBER: st.integers(-(10**12), 10**12).map(str) | st.sampled_from(["", " 1.5e9", "+1.", ".5"]),
    E164: st.integers(10**7, 10**14).map("+{}".format),
}
_FORMATS: Mapping[str, Values] = {
    "date-time": st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat()),
    "email": st.sampled_from(["bob@example.com", "Bob@Example.com"]),
}
_NUMBERS = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
_LEAVES = st.none() | st.booleans() | _NUMBERS | st.text(_CHARACTERS, max_size=_SHORT)
ANYTHING: Values = _LEAVES | st.lists(_LEAVES, max_size=3) | st.dictionaries(st.sampled_from("ab"), _LEAVES, max_size=2)
_OTHER_NAMES = st.sampled_from(["plan", "a.b", "naïve", "$x", "1"])


class Allowed:
    """Strategies for the schemas of one document, each made once."""

    def __init__(self, document: Schema) -> None:
        self._shared: Schema = document["components"]["schemas"]
        self._made: dict[str, Values] = {}

    def by(self, schema: Schema) -> Values:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in self._made:
                self._made[name] = self.by(self._shared[name])
            return self._made[name]
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "type" not in schema:
            forms = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
            return st.one_of([self.by(form) for form in forms]) if forms else ANYTHING
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        return st.one_of([self._of_kind(kind, schema) for kind in kinds])

    def _of_kind(self, kind: str, schema: Schema) -> Values:
        if kind == "object":
            return self._objects(schema)
        if kind == "array":
            return st.lists(self.by(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
        if kind == "string":
            return _texts(schema)
        return {"null": st.none(), "boolean": st.booleans(), "integer": st.integers(0, 10**9), "number": _NUMBERS}[kind]

    def _objects(self, schema: Schema) -> Values:
        """With all that is required, some of what is not, and one of the forms there are."""
        fields = {name: self.by(field) for name, field in schema.get("properties", {}).items()}
        if schema.get("maxProperties") == 1:
            return st.one_of([st.fixed_dictionaries({name: values}) for name, values in fields.items()])
        required = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
        found = st.fixed_dictionaries(required, optional=fields)
        forms = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
        if forms:
            found = st.builds(_both, found, st.one_of([self.by(form) for form in forms]))
        if not schema.get("additionalProperties", "properties" not in schema):
            return found
        more = schema.get("additionalProperties", {})
        values = self.by(more) if isinstance(more, Mapping) else ANYTHING
        return st.builds(_both, st.dictionaries(_OTHER_NAMES, values, max_size=2), found)


def _texts(schema: Schema) -> Values:
    if "pattern" in schema:
        return _PATTERNS[schema["pattern"]]
    if "format" in schema:
        return _FORMATS[schema["format"]]
    return st.text(_CHARACTERS, min_size=schema.get("minLength", 0), max_size=_SHORT)


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return one | other
