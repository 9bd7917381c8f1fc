-- What capture has to know of each table: whether a key tells its rows apart, which columns are never sent, and which of
-- the table and its partitions lack REPLICA IDENTITY FULL, as SQL names them. Without a primary key Debezium takes a unique
-- index, also one that lets rows with NULL be alike; so none of them may.
SELECT n.nspname AS schema, c.relname AS table, n.nspname || '.' || c.relname AS name,
       format('%%I.%%I', n.nspname, c.relname) AS quoted,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
           OR COALESCE((SELECT bool_and(i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid AND NOT EXISTS (
                   SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND NOT a.attnotnull))
               FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique), false) AS keyed,
       ARRAY(SELECT format('%%s.%%s.%%s', n.nspname, c.relname, a.attname) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped ORDER BY a.attnum) AS generated,
       ARRAY(SELECT format('%%I.%%I', pn.nspname, p.relname) FROM pg_class p JOIN pg_namespace pn ON pn.oid = p.relnamespace
             WHERE (p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid))) AND p.relreplident <> 'f'
             ORDER BY 1) AS not_full
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname = ANY (string_to_array(%s, ' '))
ORDER BY n.nspname, c.relname
