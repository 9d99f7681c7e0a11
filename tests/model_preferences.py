"""What `subscription_preferences` must say."""

import json
from collections.abc import Iterator

PREFERENCES = "cio_subscription_preferences"


def preferences(writes: list[tuple[str, str]]) -> dict[str, str]:
    """By their dotted names. writes: name and exact text of attributes, in the order in which they were written. Each
    replaces what is at or below its name, and a plain value above it."""
    kept: dict[str, str] = {}
    for name, text in writes:
        kept = {leaf: value for leaf, value in kept.items() if not _below(leaf, name) and not _below(name, leaf)}
        kept |= dict(_leaves(name, text))
    return {
        name.removeprefix(f"{PREFERENCES}."): text
        for name, text in kept.items()
        if name != PREFERENCES and text not in ("null", '""')
    }


def of_preferences(name: str) -> bool:
    return _below(name, PREFERENCES)


def _below(name: str, above: str) -> bool:
    return f"{name}.".startswith(f"{above}.")


def _leaves(name: str, text: str) -> Iterator[tuple[str, str]]:
    """All that is no object. The texts used here are as `json` writes them."""
    value = json.loads(text)
    if not isinstance(value, dict):
        yield name, text
        return
    for member, inner in value.items():
        yield from _leaves(f"{name}.{member}", json.dumps(inner, ensure_ascii=False, separators=(",", ":")))
