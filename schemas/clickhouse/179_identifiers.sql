-- One row is one link between two identifiers by one kind of message, as last said: they are the same customer, or, by a
-- merge, the linked one becomes the other. Exact as soon as the insert is done: none of a deleted customer.
CREATE OR REPLACE VIEW identifiers AS
SELECT
    stored.workspace AS workspace,
    stored.customer AS customer,            -- that the message was about; of a merge the primary
    stored.customer_kind AS customer_kind,
    -- Whose they are as of now, a `cio_id` of `customers`; empty: nobody's.
    multiIf(
        person.founder_hash > 0,
        if(
            stored.customer_kind != 'cio' OR stored.version >= person.joined,
            leftPad(lower(hex(person.founder_hash)), 32, '0') || trimLeft(lower(hex(person.life)), '0'),
            ''
        ),
        -- Of whom no link was made, or who came back alone.
        stored.customer_kind != 'cio' AND stored.subject_hash IN (SELECT subject_hash FROM seen),
        leftPad(lower(hex(stored.subject_hash)), 32, '0') || trimLeft(lower(hex(bitShiftRight(erased.below, 86))), '0'),
        ''
    ) AS person,
    stored.linked AS linked,
    stored.linked_kind AS linked_kind,      -- id, email, phone, cio or anon
    stored.kind AS kind,                    -- of the message: identify, merge, form, …
    stored.id AS id,                        -- the message's
    stored.endpoint AS endpoint,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(stored.version, 86)), 'UTC') AS linked_at
FROM stored_links AS stored FINAL
LEFT ANY JOIN erased_subjects AS erased ON stored.subject_hash = erased.subject_hash
LEFT ANY JOIN (SELECT subject_hash, founder_hash, life, joined FROM stored_people FINAL) AS person
    ON stored.subject_hash = person.subject_hash
LEFT ANTI JOIN erased_subjects AS erased_link
    ON stored.linked_hash = erased_link.subject_hash AND stored.version < erased_link.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
WHERE stored.version >= erased.below
SETTINGS join_use_nulls = 0, analyzer_inline_views = 1
