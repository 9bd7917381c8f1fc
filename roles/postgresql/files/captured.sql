-- What capture has to know of each table: whether a key tells its rows apart (tells_apart) and can be read by in chunks (keyed),
-- which columns are never sent, which hold cursors (the driver reads on from the cursor of that name, and the snapshot fails),
-- and which of the table and its partitions lack REPLICA IDENTITY FULL, as SQL names them. Without a primary key Debezium takes
-- a unique index, also one that lets rows with NULL be alike; so none of them may. Up to which array it has read Debezium cannot
-- note, so a table is not read by a key with one. Where an enum has a value that is new to Debezium, it reads the table's columns
-- again, with the generated ones, and takes those after one for their neighbours: the table is misplaced.
-- Debezium takes no table with columns whose names differ by case alone.
WITH RECURSIVE bases(type, base) AS (
    SELECT oid, oid FROM pg_type
    UNION
    SELECT bases.type, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
    FROM bases JOIN pg_type t ON t.oid = bases.base WHERE t.typtype = 'd' OR t.typcategory = 'A' AND t.typelem <> 0
), tables AS (
    SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname = ANY (string_to_array(%s, ' '))
), columns AS (
    SELECT a.*, EXISTS (SELECT FROM bases JOIN pg_type t ON t.oid = base WHERE type = a.atttypid AND t.typtype = 'e') AS enum,
           EXISTS (SELECT FROM bases WHERE type = a.atttypid AND base = 'refcursor'::regtype) AS cursor,
           EXISTS (SELECT FROM bases JOIN pg_type t ON t.oid = base WHERE type = a.atttypid AND t.typcategory = 'A') AS list
    FROM pg_attribute a WHERE a.attrelid IN (SELECT oid FROM tables) AND a.attnum > 0 AND NOT a.attisdropped
)
SELECT c.nspname AS schema, c.relname AS table, c.nspname || '.' || c.relname AS name,
       format('%%I.%%I', c.nspname, c.relname) AS quoted,
       COALESCE(k.tells_apart, false) AS tells_apart, COALESCE(k.tells_apart AND NOT k.list, false) AS keyed,
       ARRAY(SELECT format('%%s.%%s.%%s', c.nspname, c.relname, a.attname) FROM columns a
             WHERE a.attrelid = c.oid AND a.attgenerated <> '' ORDER BY a.attnum) AS generated,
       ARRAY(SELECT format('%%s.%%s.%%s', c.nspname, c.relname, a.attname) FROM columns a
             WHERE a.attrelid = c.oid AND a.cursor AND a.attgenerated = '' ORDER BY a.attnum) AS cursors,
       EXISTS (SELECT FROM columns a WHERE a.attrelid = c.oid AND a.enum) AND EXISTS (
           SELECT FROM columns a JOIN columns b ON b.attrelid = a.attrelid AND b.attnum > a.attnum
           WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND b.attgenerated = '') AS misplaced,
       ARRAY(SELECT a.attname FROM columns a JOIN columns b ON b.attrelid = a.attrelid AND b.attnum <> a.attnum
             WHERE a.attrelid = c.oid AND lower(a.attname) = lower(b.attname) ORDER BY a.attnum) AS alike,
       ARRAY(SELECT format('%%I.%%I', pn.nspname, p.relname) FROM pg_class p JOIN pg_namespace pn ON pn.oid = p.relnamespace
             WHERE (p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid))) AND p.relreplident <> 'f'
             ORDER BY 1) AS not_full
FROM tables c CROSS JOIN LATERAL (
    SELECT bool_and(i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid AND NOT EXISTS (
               SELECT FROM columns a
               WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND NOT a.attnotnull)) AS tells_apart,
           bool_or(EXISTS (
               SELECT FROM columns a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND a.list)) AS list
    FROM pg_index i WHERE i.indrelid = c.oid AND CASE WHEN EXISTS (
        SELECT FROM pg_index p WHERE p.indrelid = c.oid AND p.indisprimary) THEN i.indisprimary ELSE i.indisunique END
) AS k
ORDER BY c.nspname, c.relname
