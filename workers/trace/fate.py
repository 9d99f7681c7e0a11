"""What became of a message that a worker took: what hides it, or the table that proves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workers.asking import Asking
from workers.trace import Sighting


@dataclass(frozen=True)
class Taken:
    """A message of the journal. others: hashes of those whom it names besides its subject."""

    seen: Sighting
    target: str
    hash: int
    others: Sequence[int]
    version: int


_OF_SUBJECT = "subject_hash = {hash:UInt128}"
_ITSELF = f"{_OF_SUBJECT} AND version = {{version:UInt128}}"
_EVENT = "packed_events", f"{_OF_SUBJECT} AND id = {{id:String}}"
_ERASURE = "stored_erasures", _ITSELF
_DEVICE = "stored_devices", f"{_OF_SUBJECT} AND token = {{target:String}} AND kind = {{kind:String}}"
_MEMBER = "stored_segment_members", f"{_OF_SUBJECT} AND segment_id = {{target:String}}"
_OF_BOTH = (
    "if(by_object, object_hash, subject_hash) = {hash:UInt128}"
    " AND if(by_object, subject_hash, object_hash) IN {others:Array(UInt128)}"
    " AND part = if({kind:String} = 'add_relationships', 'added', 'deleted')"
)
_RELATIONSHIP = "stored_relationships", _OF_BOTH
# Where each kind has its row, or a later one in its place. Of `telemetry` there is the journal's alone.
_PROOFS: Mapping[str, tuple[str, str]] = {
    "event": _EVENT,
    "page": _EVENT,
    "screen": _EVENT,
    "identify": ("stored_identifies", _ITSELF),
    "delete": _ERASURE,
    "suppress": _ERASURE,
    "unsuppress": _ERASURE,
    "merge": ("stored_links", f"{_OF_SUBJECT} AND linked_hash IN {{others:Array(UInt128)}} AND kind = 'merge'"),
    "add_device": _DEVICE,
    "delete_device": _DEVICE,
    "add_relationships": _RELATIONSHIP,
    "delete_relationships": _RELATIONSHIP,
    "add_to_segment": _MEMBER,
    "remove_from_segment": _MEMBER,
    "form": ("stored_form_submissions", f"{_OF_SUBJECT} AND form_id = {{target:String}} AND id = {{id:String}}"),
    "metric": ("stored_deliveries", f"{_OF_SUBJECT} AND metric = {{name:String}}"),
    "unsubscribe": ("stored_unsubscribes", _OF_SUBJECT),
    "rejection": ("stored_rejections", _OF_SUBJECT),
}
_ERASURES = frozenset({"delete", "suppress", "unsuppress"})
# They say nothing without those whom they name besides their subject.
_OF_TWO = frozenset({"merge", "add_relationships", "delete_relationships"})
_LAST = "SELECT max(version) FROM {table} WHERE {row}"
_HIDDEN = """
SELECT
    (SELECT count() FROM erased_workspaces WHERE workspace = {workspace:String} AND version > {version:UInt128}),
    (
        SELECT (argMax(kind, version), argMax(id, version), argMax(requested_at, version))
        FROM stored_erasures
        WHERE subject_hash = {hash:UInt128} AND version < {version:UInt128} AND kind IN ('suppress', 'unsuppress')
    ),
    (
        SELECT (argMin(kind, version), argMin(id, version), argMin(requested_at, version))
        FROM stored_erasures
        WHERE subject_hash = {hash:UInt128} AND version > {version:UInt128} AND kind != 'unsuppress'
    ),
    (SELECT count() FROM erased_subjects WHERE subject_hash IN {others:Array(UInt128)} AND below > {version:UInt128})
"""
_REFUSAL = "SELECT status, messages FROM stored_rejections WHERE subject_hash = {hash:UInt128} LIMIT 1"


def fate(asking: Asking, taken: Taken) -> tuple[str, str]:
    """And the detail of it, as in `Sighting`."""
    seen = taken.seen
    parameters = {
        "workspace": seen.workspace,
        "kind": seen.kind,
        "id": seen.id,
        "name": seen.name,
        "target": taken.target,
        "hash": taken.hash,
        "others": list(taken.others),
        "version": taken.version,
    }
    return _hidden(asking, taken, parameters) or _proved(asking, taken, parameters)


def _hidden(asking: Asking, taken: Taken, parameters: Mapping[str, object]) -> tuple[str, str] | None:
    kind = taken.seen.kind
    [(gone, before, after, others)] = asking.rows(_HIDDEN, **parameters)
    if gone:
        return "erased", f"workspace {taken.seen.workspace} was erased as a whole"
    if kind in _ERASURES:
        return None
    if before[0] == "suppress":
        return "suppressed", f"since {_asked(before)}"
    if after[0]:
        return "erased", f"by {_asked(after)}"
    if (kind in _OF_TWO and others == len(set(taken.others))) or (kind == "metric" and others):
        return "erased", "with the other one whom it names"
    return None


def _asked(erasure: Sequence[object]) -> str:
    kind, id, requested_at = erasure
    what = "suppression" if kind == "suppress" else "deletion"
    return f"the {what} {id}, requested at {requested_at:%Y-%m-%d %H:%M:%S} UTC"


def _proved(asking: Asking, taken: Taken, parameters: Mapping[str, object]) -> tuple[str, str]:
    if taken.seen.kind not in _PROOFS:
        return "inserted", ""
    table, row = _PROOFS[taken.seen.kind]
    [(last,)] = asking.rows(_LAST.format(table=table, row=row), **parameters)
    if last < taken.version:
        return "lacking", table
    if taken.seen.kind == "rejection":
        return "refused", _refusal(asking, parameters)
    return ("inserted", "") if last == taken.version else ("replaced", f"offset {last & (1 << 44) - 1}")


def _refusal(asking: Asking, parameters: Mapping[str, object]) -> str:
    [(status, messages)] = asking.rows(_REFUSAL, **parameters)
    return f"{parameters['name']}, else {status}: {'; '.join(messages)}"
