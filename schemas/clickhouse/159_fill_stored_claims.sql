-- Once: what was said before the table was there, as far as it is known.
INSERT INTO stored_claims (
    subject_hash, linked_hash, version, workspace, customer, customer_kind, linked, linked_kind, kind, id, endpoint, received_at
)
SELECT
    subject_hash,
    linked_hash,
    version,
    workspace,
    customer,
    customer_kind,
    linked,
    linked_kind,
    kind,
    id,
    endpoint,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(version, 86)), 'UTC')
FROM stored_links
