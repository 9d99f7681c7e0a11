-- One row is by whom a `cio_id` finds its person, written as in a path, cio_…: in `founder` the hash of the identifier to
-- whom it was first given, unless that was deleted since; else 0.
CREATE OR REPLACE VIEW identifiers_by AS
SELECT
    if(
        count() = 0 AND match({identifier:String}, '^cio_[0-9a-f]{32}([1-9a-f][0-9a-f]{0,10})?$'),
        reinterpretAsUInt128(reverse(unhex(substring({identifier:String}, 5, 32)))),
        toUInt128(0)
    ) AS founder
FROM all_erasures
WHERE subject_hash = reinterpretAsUInt128(reverse(unhex(substring({identifier:String}, 5, 32))))
AND kind != 'unsuppress'
AND bitShiftRight(version, 86) > reinterpretAsUInt64(
    reverse(unhex(leftPad(substring({identifier:String}, 37, 11), 16, '0')))
)
