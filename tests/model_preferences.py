"""What `subscription_preferences` must say."""

import json
from collections.abc import Iterator, Mapping

from tests.model_persons import NOT_SET, Written

PREFERENCES = "cio_subscription_preferences"


def preferences(attributes: Mapping[str, Written]) -> dict[str, tuple[str, str]]:
    """By their dotted names the subject that was used and the exact text. Each attribute replaces what is at or below
    its name, and a plain value above it."""
    kept: dict[str, tuple[str, str]] = {}
    written = [pair for pair in attributes.items() if _below(pair[0], PREFERENCES)]
    # In one message the longer name counts as written later.
    for name, (text, _, subject) in sorted(written, key=lambda pair: (pair[1].version, len(pair[0]))):
        kept = {leaf: value for leaf, value in kept.items() if not _below(leaf, name) and not _below(name, leaf)}
        kept |= {leaf: (subject, value) for leaf, value in _leaves(name, text)}
    return {
        name.removeprefix(f"{PREFERENCES}."): (subject, text)
        for name, (subject, text) in kept.items()
        if name != PREFERENCES and text not in NOT_SET
    }


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
