-- Fills `stored_unsubscribes`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_unsubscribes TO stored_unsubscribes AS
SELECT
    workspace,
    customer AS delivery_id,
    has(attributes, ('unsubscribe', 'true')) AS unsubscribed,
    version,
    subject_hash
FROM others
WHERE kind = 'unsubscribe'
