-- One row is an identifier of the person whom one of them names, as a tuple of its kind and its text, or `first_founder`, to
-- whom a `cio_id` was first given: with what the tables of people are sorted by, so nothing else of them is read. Some may have
-- left that person since: whose `founder_hash` and `life` are not those of who is `asked`. Whoever has a `joined` of 0 is that
-- person if there is no other row, unless all of them was deleted since the version `known`.
CREATE OR REPLACE VIEW identifiers_by AS
SELECT
    customer,
    customer_kind,
    subject_hash,
    founder_hash,
    life,
    joined,
    absorbed,
    until,
    toUInt128('340282366920938463463374607431768211455') AS known,
    subject_hash = {first_founder:UInt128} OR (customer_kind, customer) = {named:Tuple(String, String)} AS asked
FROM stored_people FINAL
WHERE workspace = {workspace:String} AND subject_hash IN (
    SELECT subject_hash
    FROM stored_members
    WHERE founder_hash IN (
        SELECT founder_hash
        FROM stored_people FINAL
        WHERE founder_hash > 0 AND subject_hash IN (
            SELECT subject_hash
            FROM stored_finder
            WHERE workspace = {workspace:String}
            AND customer = tupleElement({named:Tuple(String, String)}, 2)
            AND customer_kind = tupleElement({named:Tuple(String, String)}, 1)
            UNION ALL
            SELECT {first_founder:UInt128}
        )
    )
)
UNION ALL
SELECT
    customer,
    customer_kind,
    subject_hash,
    subject_hash,
    0,
    0,
    [],
    toUInt128('340282366920938463463374607431768211455'),
    last_version,
    true
FROM stored_customers FINAL
WHERE workspace = {workspace:String} AND customer_kind != 'cio' AND if(
    {first_founder:UInt128} > 0,
    subject_hash = {first_founder:UInt128},
    customer = tupleElement({named:Tuple(String, String)}, 2)
        AND customer_kind = tupleElement({named:Tuple(String, String)}, 1)
)
