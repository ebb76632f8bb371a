-- One claim and one complete, each a transaction, as a step needs them at the least: the
-- claim need not reach the disk, the result does.
BEGIN;
SET LOCAL synchronous_commit = off;
UPDATE floor_queue SET claimed = true
WHERE id = (SELECT id FROM floor_queue WHERE NOT claimed ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id \gset
COMMIT;
WITH gone AS (DELETE FROM floor_queue WHERE id = :id RETURNING id)
INSERT INTO floor_results SELECT id, repeat('lorem ipsum dolor sit amet ', 26) FROM gone;
