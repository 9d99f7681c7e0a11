"""Messages of which it is not known yet what they make of people, see `workers/people`, and whom they name: something
of these has to stay until then.

A deletion may name somebody by any identifier: nothing that was said of whom it names may go, however old. Any other
message follows from nothing that was before an erasure older than itself, so somebody of whom something is said all the
time holds up nothing.
"""

# Of a deletion, for no version is so low.
ERASING = 1
_ERASES = "said.kind IN ('delete', 'suppress', 'unsuppress')"
# bound: what was erased up to that version goes all the same.
_SINCE = f"""(
    SELECT said.kind AS kind, said.subject_hash AS subject_hash, said.other_hashes AS other_hashes, said._at AS _at,
        if({_ERASES}, {ERASING}, said.version) AS bound
    FROM journal AS said
    INNER JOIN ({{}}) AS resolved ON said._log = resolved._log AND said._partition = resolved._partition
    WHERE said._offset > resolved.last
    AND ({_ERASES} OR notEmpty(said.links) OR startsWith(said.subject, 'cio:'))
)"""  # noqa: S608  nothing of it comes from outside
_NAMED = """
SELECT arrayJoin(arrayPushFront(other_hashes, subject_hash)) AS hash, min(bound) AS bound FROM {} GROUP BY hash
"""
# Up to which offset, by partition: -1 where a worker has begun and resolved nothing yet. One that no worker ever took,
# as a replay may bring, is not in it.
_RESOLVED = """
SELECT _log, _partition, if(max(_at) = 0, -1, toInt64(max(_offset))) AS last FROM resolutions GROUP BY _log, _partition
"""
# The same as it was once; what was begun since was not resolved then.
_GIVEN = """
SELECT _log, _partition, max(last) AS last
FROM
(
    SELECT each.1 AS _log, each.2 AS _partition, each.3 AS last
    FROM
    (
        SELECT arrayJoin(arrayZip({logs:Array(String)}, {partitions:Array(UInt32)}, {lasts:Array(Int64)})) AS each
    )
    UNION ALL
    SELECT DISTINCT _log, _partition, toInt64(-1) FROM resolutions
)
GROUP BY _log, _partition
"""
UNRESOLVED = _SINCE.format(_RESOLVED)
NAMED = _NAMED.format(UNRESOLVED)
RESOLVED = f"SELECT groupArray(_log), groupArray(_partition), groupArray(last) FROM ({_RESOLVED})"  # noqa: S608
# Whom the messages name that were not resolved then, or came since.
NAMED_SINCE = _NAMED.format(_SINCE.format(_GIVEN))
