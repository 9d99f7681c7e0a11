"""What belongs to a person: devices, segments, relationships to objects, and the last events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from workers.asking import Asking
from workers.person import Device, Event, Relationship, Segment
from workers.person.nodes import Whose

_IDENTIFIER = "customer_kind || ':' || customer"
_THEIRS = (
    f"workspace = {{workspace:String}} AND customer IN {{texts:Array(String)}}"
    f" AND {_IDENTIFIER} IN {{identifiers:Array(String)}}"
)
_DEVICES = f"""
SELECT token, platform, {_IDENTIFIER}, last_used_at, updated_at, attributes_json
FROM devices
WHERE {_THEIRS}
ORDER BY updated_at DESC, token
"""  # noqa: S608  nothing of it comes from outside
_SEGMENTS = f"SELECT segment_id, {_IDENTIFIER}, added_at FROM segment_members WHERE {_THEIRS} ORDER BY segment_id"  # noqa: S608
_RELATIONSHIPS = f"""
SELECT object_type_id, object_id, cio_object_id, {_IDENTIFIER}, updated_at, attributes_json
FROM relationships
WHERE {_THEIRS}
ORDER BY object_type_id, object_id, cio_object_id
"""  # noqa: S608
# Of an anonymous one not those that came too long after it was claimed last.
_EVENTS = f"""
SELECT id, kind, name, timestamp, received_at, {_IDENTIFIER}, data
FROM packed_events FINAL
WHERE {_THEIRS}
AND version >= {{since:Array(UInt128)}}[indexOf({{hashes:Array(UInt128)}}, subject_hash)]
AND version <= {{until:Array(UInt128)}}[indexOf({{hashes:Array(UInt128)}}, subject_hash)]
ORDER BY timestamp DESC, id DESC
LIMIT {{most:UInt64}}
SETTINGS do_not_merge_across_partitions_select_final = 1
"""  # noqa: S608


class Things:
    """Of the person of these identifiers."""

    def __init__(self, asking: Asking, workspace: str, nodes: Sequence[Whose]) -> None:
        self._asking = asking
        self._nodes = nodes
        self._asked: dict[str, object] = {
            "workspace": workspace,
            "texts": [node.text for node in nodes],
            "identifiers": [node.subject for node in nodes],
        }

    def devices(self) -> list[Device]:
        rows = self._asking.rows(_DEVICES, **self._asked)
        return [Device(*_told(row)) for row in rows]

    def segments(self) -> list[Segment]:
        return [
            Segment(id, identifier, at.replace(tzinfo=UTC))
            for id, identifier, at in self._asking.rows(_SEGMENTS, **self._asked)
        ]

    def relationships(self) -> list[Relationship]:
        rows = self._asking.rows(_RELATIONSHIPS, **self._asked)
        return [Relationship(*_told(row)) for row in rows]

    def events(self, most: int) -> list[Event]:
        """The last ones, the newest first."""
        bounds = {
            "hashes": [node.hash for node in self._nodes],
            "since": [node.below for node in self._nodes],
            "until": [node.until for node in self._nodes],
        }
        rows = self._asking.rows(_EVENTS, **self._asked, **bounds, most=most)
        return [Event(*_told(row)) for row in rows]


def _told(row: Sequence[Any]) -> list[Any]:
    """Its last column is exact JSON. All times are UTC, which the client library does not say."""
    *said, text = row
    times = [value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for value in said]
    return [*times, msgspec.Raw(text.encode())]
