-- The row of `customers` of whom an identifier names: `customer(workspace = '…', identifier = '5')`. The identifier is written
-- as in a path, 5, bob@example.com or cio_…, or with its kind: id:5, email:…, phone:+49…, anon:….
CREATE OR REPLACE VIEW customer AS
SELECT
    workspace,
    cio_id,
    customer,
    customer_kind,
    email,
    identifiers,
    attributes,
    attributes_json,
    first_seen_at,
    updated_at
FROM customer_by(
    workspace = {workspace:String},
    nodes = (SELECT nodes FROM identifiers_of(workspace = {workspace:String}, identifier = {identifier:String}))
)
