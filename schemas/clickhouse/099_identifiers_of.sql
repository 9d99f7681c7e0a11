-- One row: in `nodes` the rows of `identifiers_by` for the person whom `identifier` names, none if nobody. It is written as
-- in a path, 5, bob@example.com or cio_… (see `ingest.identifiers.of_customer`), or with its kind: id:5, email:…, phone:…,
-- anon:….
-- A node is 1 customer, 2 its kind, 3 the hash, 4 the founder's, 5 life, 6 joined, 7 absorbed, 8 until, 9 known. What makes a
-- customer of nodes goes by these numbers: names of a tuple are carried through all of an analysis, a twelfth of its time.
CREATE OR REPLACE VIEW identifiers_of AS
SELECT
    groupArray((customer, customer_kind, subject_hash, founder_hash, life, joined, absorbed, until, known)) AS found,
    anyIf((founder_hash, life), asked AND joined > 0) AS own,
    if(max(joined) = 0, found, arrayFilter(node -> node.6 > 0 AND (node.4, node.5) = own, found)) AS nodes
FROM identifiers_by(
    workspace = {workspace:String},
    named = (
        SELECT (
            multiIf(
                mark != '', mark,
                match(text, '^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$'), 'email',
                match(text, '^cio_.'), 'cio',
                'id'
            ) AS kind,
            multiIf(kind = 'email', lowerUTF8(rest), kind = 'cio', substring(rest, 5), rest)
        )
        FROM
        (
            SELECT
                {identifier:String} AS text,
                extract(text, '^(id|email|phone|anon):') AS mark,
                substring(text, if(mark = '', 1, length(mark) + 2)) AS rest
        )
    ),
    -- Unless they were deleted since.
    first_founder = (
        SELECT if(
            count() = 0 AND match({identifier:String}, '^cio_[0-9a-f]{32}([1-9a-f][0-9a-f]{0,10})?$'),
            reinterpretAsUInt128(reverse(unhex(substring({identifier:String}, 5, 32)))),
            toUInt128(0)
        )
        FROM all_erasures
        WHERE startsWith({identifier:String}, 'cio_')
        AND subject_hash = reinterpretAsUInt128(reverse(unhex(substring({identifier:String}, 5, 32))))
        AND kind != 'unsuppress'
        AND bitShiftRight(version, 86) > reinterpretAsUInt64(
            reverse(unhex(leftPad(substring({identifier:String}, 37, 11), 16, '0')))
        )
    )
)
