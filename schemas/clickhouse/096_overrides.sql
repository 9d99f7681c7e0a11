-- One row is an identifier that is another one's person now, and which: what the views over everything join, since few have
-- one. Whoever has none is a person by itself.
CREATE OR REPLACE VIEW overrides AS
SELECT
    subject_hash,
    founder_hash,
    life,
    leftPad(lower(hex(founder_hash)), 32, '0') || trimLeft(lower(hex(life)), '0') AS cio_id,
    joined,
    absorbed,
    until
FROM stored_overrides FINAL
WHERE active
