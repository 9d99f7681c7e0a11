-- Fills `stored_customers`. Anonymous visitors and invitations are no customers.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_customers TO stored_customers AS
SELECT
    workspace,
    customer,
    customer_kind,
    min(version) AS first_version,
    max(version) AS last_version
FROM messages
WHERE kind != 'delete' AND customer_kind NOT IN ('anon', 'invite')
GROUP BY workspace, customer, customer_kind
