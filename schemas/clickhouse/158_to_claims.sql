-- Fills `stored_claims`. Only people are somebody. What a message names as a `cio_id` and is none has no text in a row
-- of its own, which would outlive the message.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_claims TO stored_claims AS
SELECT
    end.1 AS subject_hash,
    end.2 AS linked_hash,
    version,
    workspace,
    end.3 AS customer,
    end.4 AS customer_kind,
    end.5 AS linked,
    end.6 AS linked_kind,
    kind,
    kind = 'identify' AND has(attributes, ('_update', 'true')) AS must_exist,
    id,
    JSONExtractString(context, 'endpoint') AS endpoint,
    received_at
FROM
(
    SELECT
        *,
        arrayConcat(
            arrayMap(
                link -> (subject_hash, link.3, toString(customer), toString(customer_kind), link.2, link.1), links
            ),
            if(
                kind = 'identify' AND has(attributes, ('_update', 'true')),
                [(subject_hash, toUInt128(1), toString(customer), toString(customer_kind), '', '_update')],
                []
            ),
            -- Behind a `cio_id`: of the subject, whose `linked_kind` is empty, and of a link.
            arrayMap(
                cio -> (
                    cio.3,
                    if(
                        -- 1 is no hash, but what `_update` claims.
                        match(cio.2, '^[0-9a-f]{32}([1-9a-f][0-9a-f]{0,10})?$') AND NOT match(cio.2, '^0{31}1'),
                        reinterpretAsUInt128(reverse(unhex(substring(cio.2, 1, 32)))),
                        toUInt128(0)
                    ),
                    if(cio.1 != '' AND NOT match(cio.2, '^[0-9a-f]{32}([1-9a-f][0-9a-f]{0,10})?$'), '', cio.2),
                    'cio',
                    '',
                    cio.1
                ),
                arrayConcat(
                    if(customer_kind = 'cio', [('', toString(customer), subject_hash)], []),
                    arrayFilter(link -> link.1 = 'cio', CAST(links, 'Array(Tuple(String, String, UInt128))'))
                )
            )
        ) AS ends
    FROM others
    WHERE customer_kind IN ('id', 'email', 'phone', 'cio', 'anon')
)
ARRAY JOIN ends AS end
