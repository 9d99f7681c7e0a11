-- Once: deletions that are older than the table.
INSERT INTO stored_erasures (subject_hash, version, workspace, id, requested_at, hidden_at)
SELECT
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
    (SELECT (k0, k1) FROM erasure_key), workspace || '\0' || customer_kind || ':' || customer
))),
    version,
    workspace,
    id,
    requested_at,
    requested_at
FROM erasures
