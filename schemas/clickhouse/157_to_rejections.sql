-- Fills `stored_rejections`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_rejections TO stored_rejections AS
SELECT
    workspace,
    customer AS rejection,
    id,
    received_at AS rejected_at,
    JSONExtractString(context, 'endpoint') AS endpoint,
    name AS reason,
    JSONExtractUInt(data, 'status') AS status,
    JSONExtract(data, 'messages', 'Array(String)') AS messages,
    JSONExtractString(data, 'excerpt') AS excerpt,
    JSONExtractUInt(data, 'left_out') AS left_out,
    version,
    subject_hash
FROM others
WHERE kind = 'rejection'
