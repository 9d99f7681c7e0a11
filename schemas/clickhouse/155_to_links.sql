-- Fills `stored_links`. Only people are somebody.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_links TO stored_links AS
SELECT
    workspace,
    customer,
    customer_kind,
    link.identifier AS linked,
    link.kind AS linked_kind,
    kind,
    id,
    JSONExtractString(context, 'endpoint') AS endpoint,
    version,
    subject_hash,
    link.hash AS linked_hash
FROM others
ARRAY JOIN links AS link
WHERE customer_kind IN ('id', 'email', 'phone', 'cio', 'anon')
