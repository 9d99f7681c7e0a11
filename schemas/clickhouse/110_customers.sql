-- One row is one customer as of now: who was not deleted, or came back since. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW customers AS
SELECT
    workspace,
    customer,
    customer_kind,  -- id, email, phone or cio; anon, of somebody anonymous who was identified
    if(customer_kind = 'email' AND NOT mapContains(attributes, 'email'), customer, attributes['email']) AS email,
    attributes,       -- a map; strings without their quotes, everything else as its JSON text
    attributes_json,  -- one JSON object of the exact values, sorted by name
    first_seen_at,
    updated_at
FROM subjects
WHERE customer_kind IN ('id', 'email', 'phone', 'cio', 'anon')
