-- One row: of the person whose identifiers are `nodes`, see `identifiers_of`, the keys in the tables, of whom one has to look
-- when they came back, and what hides something of it. A view that is given this as a parameter has it as a constant: a scalar
-- would be analysed anew wherever a subquery of that view uses it.
CREATE OR REPLACE VIEW person_by AS
WITH {nodes:Array(Tuple(String, String, UInt128, UInt128, UInt64, UInt128, Array(UInt128), UInt128, UInt128))} AS nodes,
    arrayZip(arrayWithConstant(length(nodes), {workspace:String}), nodes.1, nodes.2) AS keys
SELECT
    -- What is below is hidden: of the nodes, and of whatever was linked to them.
    mapFromArrays(groupArrayIf(subject_hash, part = 'erased'), groupArrayIf(version, part = 'erased')) AS erased,
    maxIf(version, part = 'gone') AS gone,  -- of the whole workspace
    groupArrayIf((subject_hash, linked_hash, version, until), part = 'refused') AS refusals,
    -- Of those who were deleted, or whose workspace was.
    arrayFilter((key, hash) -> gone > 0 OR mapContains(erased, hash), keys, nodes.3) AS again,
    (nodes, keys, again, erased, gone, refusals) AS person
FROM
(
    SELECT 'erased' AS part, subject_hash, below AS version, toUInt128(0) AS linked_hash, toUInt128(0) AS until
    FROM erased_subjects
    WHERE subject_hash IN (
        SELECT arrayJoin(nodes.3)
        UNION ALL
        SELECT linked_hash
        FROM stored_attributes
        WHERE linked_hash > 1 AND workspace = {workspace:String} AND (customer, customer_kind) IN arrayZip(nodes.1, nodes.2)
    )
    UNION ALL
    SELECT 'gone', 0, version, 0, 0
    FROM erased_workspaces
    WHERE workspace = {workspace:String}
    UNION ALL
    SELECT 'refused', subject_hash, since, linked_hash, until
    FROM stored_refusals FINAL
    WHERE subject_hash IN nodes.3 AND linked_hash != 0 AND since < until
)
SETTINGS join_use_nulls = 0, analyzer_inline_views = 1
