-- One row: what the tables have of a person, see `person_by`; nothing of anybody else is read. `customer` makes its row of it,
-- and not this view: one that another one reads is analysed twice as often.
CREATE OR REPLACE VIEW customer_by AS
WITH {person:Tuple(
        nodes Array(Tuple(String, String, UInt128, UInt128, UInt64, UInt128, Array(UInt128), UInt128, UInt128)),
        keys Array(Tuple(String, String, String)),
        again Array(Tuple(String, String, String)),
        erased Map(UInt128, UInt128),
        gone UInt128,
        refusals Array(Tuple(UInt128, UInt128, UInt128, UInt128))
    )} AS given
SELECT
    any(given) AS person,
    groupArrayIf((subject_hash, customer_kind, version, first_version), part = 'seen') AS seen,
    groupArrayIf((subject_hash, linked_hash, customer_kind, customer, version, name, value), part = 'said') AS said,
    -- Of those who were deleted, or whose workspace was: what brought them into being again, see `seen`.
    groupArrayIf((subject_hash, version), part = 'since') AS since
FROM
(
    SELECT *
    FROM
    (
        SELECT
            'seen' AS part, workspace, customer, customer_kind, subject_hash, last_version AS version, first_version,
            toUInt128(0) AS linked_hash, '' AS name, '' AS value
        FROM stored_customers FINAL
        UNION ALL
        SELECT 'said', workspace, customer, customer_kind, subject_hash, version, 0, linked_hash, name, value
        FROM stored_attributes FINAL
    )
    WHERE (workspace, customer, customer_kind) IN (SELECT arrayJoin(given.keys))
    UNION ALL
    SELECT *
    FROM
    (
        SELECT 'since', workspace, customer, customer_kind, subject_hash, version, 0, 0, '', ''
        FROM stored_identifies
        UNION ALL
        SELECT 'since', workspace, customer, customer_kind, subject_hash, version, 0, 0, '', ''
        FROM packed_events FINAL
        WHERE customer_kind NOT IN ('anon', 'invite')
    )
    WHERE (workspace, customer, customer_kind) IN (SELECT arrayJoin(given.again))
)
-- As in `events`.
SETTINGS optimize_move_to_prewhere_if_final = 1, join_use_nulls = 0, analyzer_inline_views = 1
