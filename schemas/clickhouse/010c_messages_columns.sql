-- What the rarer kinds of messages bring. The kinds themselves are taken once all their tables are there, see
-- `191_messages.sql`.
ALTER TABLE messages
    ADD COLUMN IF NOT EXISTS target String AFTER name,  -- a device's token, a segment's id, a form's id
    ADD COLUMN IF NOT EXISTS links Array(String) AFTER target,  -- subjects that are the same one by this message
    -- The other ends, with what is said of each.
    ADD COLUMN IF NOT EXISTS relationships Array(Tuple(String, Array(Tuple(String, String)))) AFTER links,
    ADD COLUMN IF NOT EXISTS fingerprint String AFTER data,
    -- Whom a delivery went to, as a subject, named as in a path: see `ingest.identifiers.of_customer`. Empty if nobody.
    ADD COLUMN IF NOT EXISTS recipient String MATERIALIZED if(
        kind = 'metric',
        arrayMap(
            name -> multiIf(
                name IN ('', 'null'), '',
                match(name, '^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$'), 'email:' || lowerUTF8(name),
                startsWith(name, 'cio_') AND name != 'cio_', 'cio:' || substring(name, 5),
                'id:' || name
            ),
            arrayMap(
                pair -> if(startsWith(pair.2, '"'), JSONExtractString(pair.2), pair.2),
                arrayFilter(pair -> pair.1 = 'recipient', attributes)
            )
        )[1],
        ''
    ) AFTER customer
