-- One row: in `nodes` the identifiers of the person whom `identifier` names, none if nobody. It is written as in a path, 5,
-- bob@example.com or cio_… (see `ingest.identifiers.of_customer`), or with its kind: id:5, email:…, phone:…, anon:….
-- `by` is `founder` of a cio_…, and `nobody` of any other: of what stands behind WITH no more is analysed than is named, and
-- to analyse costs more than to read.
-- A node is 1 customer, 2 its kind, 3 the hash, 4 the founder's, 5 life, 6 joined, 7 absorbed, 8 until, 9 known: with what the
-- tables of people are sorted by, so nothing else of them is read. What makes a customer of nodes goes by these numbers: names
-- of a tuple are carried through all of an analysis, a twelfth of its time. Whoever has a `joined` of 0 is that person if there
-- is no other row, unless all of them was deleted since the version `known`.
CREATE OR REPLACE VIEW identifiers_of AS
WITH
    toUInt128(0) AS nobody,
    assumeNotNull((SELECT founder FROM identifiers_by(identifier = {identifier:String}))) AS founder,
    extract({identifier:String}, '^(id|email|phone|anon):') AS mark,
    multiIf(
        mark != '', mark,
        match({identifier:String}, '^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$'), 'email',
        match({identifier:String}, '^cio_.'), 'cio',
        'id'
    ) AS kind,
    substring({identifier:String}, multiIf(mark != '', length(mark) + 2, kind = 'cio', 5, 1)) AS text,
    if(kind = 'email', lowerUTF8(text), text) AS name
SELECT
    groupArray((customer, customer_kind, subject_hash, founder_hash, life, joined, absorbed, until, known)) AS found,
    anyIf((founder_hash, life), asked AND joined > 0) AS own,
    -- Some may have left that person since.
    if(max(joined) = 0, found, arrayFilter(node -> node.6 > 0 AND (node.4, node.5) = own, found)) AS nodes
FROM
(
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
        customer = name AND customer_kind = kind OR subject_hash = {by:Identifier} AS asked
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
                WHERE workspace = {workspace:String} AND customer = name AND customer_kind = kind
                UNION ALL
                SELECT {by:Identifier}
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
    WHERE workspace = {workspace:String} AND customer_kind != 'cio'
    AND if({by:Identifier} > 0, subject_hash = {by:Identifier}, customer = name AND customer_kind = kind)
)
SETTINGS analyzer_inline_views = 1
