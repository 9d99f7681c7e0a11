-- One row is one person in a segment that is filled by hand, under whatever identifier they were put into it or taken out
-- last. Who is unknown is in none, until they are known. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW segment_members AS
SELECT
    workspace,
    segment_id,
    last.1 AS customer,
    last.2 AS customer_kind,
    leftPad(lower(hex(founder_hash)), 32, '0') || trimLeft(lower(hex(life)), '0') AS person,  -- a `cio_id` of `customers`
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(last.4, 86)), 'UTC') AS added_at  -- the last time
FROM
(
    SELECT
        stored.workspace AS workspace,
        stored.segment_id AS segment_id,
        if(own.founder_hash > 0, own.founder_hash, stored.subject_hash) AS founder_hash,
        if(own.founder_hash > 0, own.life, bitShiftRight(erased.below, 86)) AS life,
        -- Versions of two customers may be equal.
        argMax(
            (stored.customer, stored.customer_kind, stored.kind, stored.version),
            (stored.version, stored.customer_kind, stored.customer)
        ) AS last
    FROM stored_segment_members AS stored FINAL
    LEFT ANY JOIN erased_subjects AS erased ON stored.subject_hash = erased.subject_hash
    LEFT ANY JOIN overrides AS own ON stored.subject_hash = own.subject_hash
    LEFT ANTI JOIN erased_workspaces AS gone
        ON stored.workspace = gone.workspace AND stored.version < gone.version
    WHERE stored.version >= erased.below
    AND (stored.customer_kind != 'cio' OR own.founder_hash > 0 AND stored.version >= own.joined)
    GROUP BY workspace, segment_id, founder_hash, life
)
WHERE last.3 = 'add_to_segment' AND founder_hash IN (
    SELECT subject_hash FROM seen WHERE customer_kind IN ('id', 'email', 'phone', 'anon')
)
SETTINGS join_use_nulls = 0, analyzer_inline_views = 1
