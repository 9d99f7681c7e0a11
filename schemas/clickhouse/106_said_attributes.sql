-- One row is what was last said of one attribute under one identifier of a person. Left out is what does not count: said of
-- somebody who was to be known and was not, and an identifier that was refused, or deleted since.
CREATE OR REPLACE VIEW said_attributes AS
SELECT
    stored.workspace AS workspace,
    stored.customer AS customer,
    stored.customer_kind AS customer_kind,
    if(own.founder_hash > 0, own.founder_hash, stored.subject_hash) AS founder_hash,
    if(own.founder_hash > 0, own.life, bitShiftRight(erased.below, 86)) AS life,
    stored.name AS name,
    stored.value AS value,
    stored.version AS version,
    -- The mergers since, in which who said it became somebody else, the last one first.
    arrayFilter(merger -> merger > stored.version, own.absorbed) AS absorbed
FROM stored_attributes AS stored FINAL
LEFT ANY JOIN erased_subjects AS erased ON stored.subject_hash = erased.subject_hash
LEFT ANY JOIN overrides AS own ON stored.subject_hash = own.subject_hash
LEFT ANTI JOIN (SELECT * FROM stored_refusals FINAL WHERE linked_hash != 0 AND since < until) AS refused
    ON stored.subject_hash = refused.subject_hash AND stored.linked_hash = refused.linked_hash
    AND stored.version >= refused.since AND stored.version < refused.until
LEFT ANTI JOIN erased_subjects AS erased_link
    ON stored.linked_hash = erased_link.subject_hash AND stored.version < erased_link.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
WHERE stored.version >= erased.below
AND stored.customer_kind IN ('id', 'email', 'phone', 'cio', 'anon')
AND (stored.customer_kind != 'cio' OR own.founder_hash > 0 AND stored.version >= own.joined)
-- As in `events`.
SETTINGS optimize_move_to_prewhere_if_final = 1, join_use_nulls = 0, analyzer_inline_views = 1
