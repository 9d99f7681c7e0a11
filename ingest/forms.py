"""Form-encoded bodies, as the API of 2013 took them: `name=Bob&data[price]=23.45`. All values are strings.

Own code because the libraries for this notation guess: qs-codec puts `a=1&a[b]=2` into one list, replaces invalid
UTF-8 and folds what is nested too deep. Here it is a 400.
"""

import re
from collections.abc import Collection
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from ingest import limits
from ingest.errors import BadRequest

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def parse_form(body: bytes, objects: Collection[str] = ()) -> dict[str, Value]:
    """The fields of a form, nested by their brackets; of repeated plain fields the last. Raises `BadRequest`.

    `a[b]` is an object, `a[]` a list in the order sent, `a[0]` a list in the order of its indexes: gaps close, so
    a huge index costs nothing. Fields that contradict each other about what `a` is are refused. objects: names of
    fields that are no lists, were all within them named by numbers.
    """
    if body.count(b"&") >= limits.FORM_FIELDS:
        raise BadRequest(f"a form cannot have more than {limits.FORM_FIELDS} fields")
    root: dict[str, Value] = {}
    left = limits.FORM_STEPS
    for field in body.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            key = _decoded(name)
            path = _path(key)
            left -= len(path)
            if left < 0:
                raise BadRequest(f"the names of a form cannot have more than {limits.FORM_STEPS} parts together")
            _put(root, path, _decoded(value), key)
    return {name: _with_lists(value, is_object=name in objects) for name, value in root.items()}


def _decoded(text: bytes) -> str:
    # A percent sign that encodes nothing stays one, as browsers do it: `curl -d discount=50%` means it.
    try:
        return unquote_to_bytes(text.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise BadRequest("form is not valid UTF-8") from None


def _path(key: str) -> list[str]:
    """`a[b][]` is ["a", "b", ""]."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise BadRequest(f"form field '{_excerpt(key)}' has no name, or stray brackets")
    name, brackets = match.groups()
    steps = [name, *brackets[1:-1].split("][")] if brackets else [name]
    if len(steps) > limits.NESTING:
        raise BadRequest(f"body cannot be nested deeper than {limits.NESTING} levels")
    return steps


def _put(node: Value, path: list[str], value: str, key: str) -> None:
    step, rest = path[0], path[1:]
    if rest:
        _put(_child(node, step, rest, key), rest, value, key)
    elif step == "" and isinstance(node, list):
        node.append(value)
    elif step != "" and isinstance(node, dict) and isinstance(node.get(step, ""), str):
        node[step] = value
    else:
        raise _contradiction(key)


def _child(node: Value, step: str, rest: list[str], key: str) -> Value:
    """The list or object below `node` that `step` leads to, made if it is missing."""
    fresh: Value = [] if rest[0] == "" else {}
    if step == "" and isinstance(node, list):
        last = node[-1] if node else None
        if isinstance(fresh, list) or not isinstance(last, dict) or _holds(last, rest):
            node.append(fresh)
        return node[-1]
    if step != "" and isinstance(node, dict):
        child = node.setdefault(step, fresh)
        if type(child) is type(fresh):
            return child
    raise _contradiction(key)


def _holds(node: Value, path: list[str]) -> bool:
    """Whether that very field is there. `a[][x]=1&a[][y]=2&a[][x]=3` is two objects: as in Rails, for which the
    clients of 2013 wrote this, a field that the last object of a list already has begins the next object."""
    for step in path:
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return True


def _with_lists(value: Value, *, is_object: bool = False) -> Value:
    """Objects whose names are all indexes become lists."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_with_lists(item) for item in value]
    items = {name: _with_lists(item) for name, item in value.items()}
    if not is_object and all(map(_INDEX.fullmatch, items)):
        return [items[name] for name in sorted(items, key=int)]
    return items


def _contradiction(key: str) -> BadRequest:
    return BadRequest(f"form field '{_excerpt(key)}' contradicts another one about its shape")


def _excerpt(key: str) -> str:
    return key[: limits.ATTRIBUTE_NAME]
