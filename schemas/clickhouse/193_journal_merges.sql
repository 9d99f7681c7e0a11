-- Its rows are found by their place, and go after a week: to write each of them again and again for few large parts costs
-- as much as to insert it. Ten parts at a time become one.
ALTER TABLE journal MODIFY SETTING min_parts_to_merge_at_once = 10
