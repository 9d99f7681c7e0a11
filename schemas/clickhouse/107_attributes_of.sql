-- One row is what one person is said to be, in `pairs` of names and exact JSON texts, sorted by name: see `current_attributes`.
CREATE OR REPLACE VIEW attributes_of AS
SELECT founder_hash, life, arraySort(groupArray((toString(name), value_json))) AS pairs
FROM current_attributes
GROUP BY founder_hash, life
SETTINGS analyzer_inline_views = 1
