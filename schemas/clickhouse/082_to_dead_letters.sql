-- Fills `stored_dead_letters`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_dead_letters TO stored_dead_letters AS
SELECT
    _log,
    _partition,
    _offset,
    _at,
    key,
    value,
    headers,
    reason,
    code,
    status,
    changed_at,
    substring(key, 1, toUInt64(greatest(position(key, '\0'), 1)) - 1) AS workspace,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), key))) AS subject_hash,
    bitShiftLeft(toUInt128(_at), 86) + bitShiftLeft(toUInt128(_at), 44) + toUInt128(_offset) AS version
FROM buried
