-- One row is one object as of now: what was not deleted, or came back since. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW objects AS
SELECT
    workspace,
    if(customer_kind = 'object', decodeURLComponent(substringIndex(customer, '/', 1)), '') AS object_type_id,
    if(customer_kind = 'object', substring(customer, position(customer, '/') + 1), '') AS object_id,
    if(customer_kind = 'object', '', customer) AS cio_object_id,  -- of one that was named by it
    attributes,       -- a map; strings without their quotes, everything else as its JSON text
    attributes_json,  -- one JSON object of the exact values, sorted by name
    first_seen_at,
    updated_at
FROM subjects
WHERE customer_kind IN ('object', 'cio_object')
