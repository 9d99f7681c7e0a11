-- Fills `stored_attributes`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_attributes TO stored_attributes AS
SELECT
    workspace,
    customer,
    customer_kind,
    attribute.1 AS name,
    attribute.2 AS value,
    version
FROM messages
ARRAY JOIN attributes AS attribute
WHERE kind = 'identify'
