-- Once: of rows that are older than the table.
INSERT INTO stored_identified
SELECT subject_hash, any(stored_customers.workspace), max(stored_customers.last_version)
FROM stored_customers
WHERE customer_kind = 'anon'
GROUP BY subject_hash
