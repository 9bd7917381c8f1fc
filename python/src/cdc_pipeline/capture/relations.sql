-- For each relation: whether a key identifies each row, and whether the table can be read in chunks by that key. Without a
-- primary key Debezium uses a unique index, even one that permits several rows with NULL; such an index does not count here.
-- Between two chunks PostgreSQL compares the key with the last one that Debezium has read. The types listed below are compared
-- exactly (tests/integration/local/java/test_keys.py). For other types there is no operator (bit, most types of extensions)
-- or the wrong one: citext would be compared as text, and rows would be lost. A table with such a key is read as a whole.
-- Domains and arrays are judged by their base types.
WITH RECURSIVE bases(type, base) AS (
    SELECT oid, oid FROM pg_type
    UNION
    SELECT bases.type, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
    FROM bases JOIN pg_type t ON t.oid = bases.base WHERE t.typtype = 'd' OR t.typcategory = 'A' AND t.typelem <> 0
), wanted AS (
    SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN unnest(%(schemas)s::text[], %(tables)s::text[]) AS w(schema, name) ON w.schema = n.nspname AND w.name = c.relname
), columns AS (
    SELECT a.*, EXISTS (SELECT FROM bases JOIN pg_type t ON t.oid = base JOIN pg_type o ON o.typname = t.typname AND o.oid <> t.oid
                        WHERE type = a.atttypid AND 'd' IN (t.typtype, o.typtype)) AS ambiguous,
           NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = a.atttypid AND t.typtype = 'e')
               AND NOT EXISTS (SELECT FROM bases WHERE type = a.atttypid AND base IN (
                   'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'float4'::regtype, 'float8'::regtype,
                   'numeric'::regtype, 'oid'::regtype, 'bool'::regtype,
                   'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, '"char"'::regtype, 'name'::regtype, 'bytea'::regtype,
                   'uuid'::regtype, 'date'::regtype, 'time'::regtype, 'timetz'::regtype, 'timestamp'::regtype,
                   'timestamptz'::regtype, 'interval'::regtype, 'inet'::regtype, 'cidr'::regtype, 'macaddr'::regtype,
                   'macaddr8'::regtype, 'pg_lsn'::regtype, 'xid8'::regtype))
               OR EXISTS (SELECT FROM bases JOIN pg_type t ON t.oid = base WHERE type = a.atttypid
                          AND t.typcategory = 'A') AS whole
    FROM pg_attribute a WHERE a.attrelid IN (SELECT oid FROM wanted) AND a.attnum > 0 AND NOT a.attisdropped
)
SELECT c.nspname AS schema, c.relname AS table, c.relkind::text AS kind, c.relpersistence::text AS persistence,
       (SELECT ARRAY[rn.nspname, r.relname]::text[] FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace
        WHERE c.relispartition AND r.oid = pg_partition_root(c.oid)) AS root,
       (SELECT coalesce(json_agg(json_build_array(hn.nspname, h.relname) ORDER BY hn.nspname, h.relname), '[]')
        FROM pg_inherits i JOIN pg_class h ON h.oid = i.inhrelid JOIN pg_namespace hn ON hn.oid = h.relnamespace
        WHERE i.inhparent = c.oid AND NOT h.relispartition) AS children,
       coalesce(k.is_primary, false) AS primary, coalesce(k.tells_apart, false) AS tells_apart,
       coalesce(k.tells_apart AND NOT k.whole, false) AS keyed,
       CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'd' THEN 'default' WHEN 'i' THEN 'index' ELSE 'nothing' END AS identity,
       c.relreplident = 'f' OR c.relreplident = 'd' AND coalesce(k.is_primary, false)
           OR c.relreplident = 'i' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
           AS identity_there,
       c.relreplident = 'i' AND NOT EXISTS (
           SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisprimary) AS identity_other,
       ARRAY(SELECT format('%%I.%%I', pn.nspname, p.relname) FROM pg_class p JOIN pg_namespace pn ON pn.oid = p.relnamespace
             WHERE c.relkind IN ('r', 'p') AND (p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
                 AND p.relreplident <> 'f' ORDER BY 1) AS not_full,
       c.relrowsecurity AND NOT coalesce(r.rolsuper OR r.rolbypassrls, false)
           AND NOT coalesce(NOT c.relforcerowsecurity AND pg_has_role(r.oid, c.relowner, 'USAGE'), false)
           AND (NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('*', 'r')
                                AND pg_get_expr(p.polqual, c.oid) = 'true' AND (p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) AS o WHERE o = 0 OR pg_has_role(r.oid, o, 'USAGE'))))
                OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd IN ('*', 'r')
                               AND pg_get_expr(p.polqual, c.oid) <> 'true' AND (p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) AS o WHERE o = 0 OR pg_has_role(r.oid, o, 'USAGE'))))) AS hides_rows,
       CASE WHEN r.oid IS NOT NULL THEN
           has_schema_privilege(r.oid, c.relnamespace, 'USAGE') AND has_table_privilege(r.oid, c.oid, 'SELECT') END AS can_read,
       pg_has_role(c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'SELECT WITH GRANT OPTION') AS can_grant,
       (SELECT coalesce(json_agg(json_build_object(
                   'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'generated', a.attgenerated <> '',
                   'key', a.attnum = ANY (k.numbers), 'ambiguous', a.ambiguous) ORDER BY a.attnum), '[]')
        FROM columns a WHERE a.attrelid = c.oid) AS columns,
       (SELECT coalesce(sum(pg_relation_size(relid)), 0) / current_setting('block_size')::int
        FROM pg_partition_tree(c.oid))::bigint AS pages
FROM wanted c LEFT JOIN pg_roles r ON r.rolname = %(role)s CROSS JOIN LATERAL (
    SELECT bool_or(i.indisprimary) AS is_primary,
           bool_and(i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid AND NOT EXISTS (
               SELECT FROM columns a
               WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND NOT a.attnotnull)) AS tells_apart,
           bool_or(EXISTS (
               SELECT FROM columns a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND a.whole)) AS whole,
           (SELECT array_agg(DISTINCT number) FROM pg_index o, unnest(o.indkey::int2[]) AS number
            WHERE o.indrelid = c.oid AND (o.indisprimary OR o.indisunique AND NOT EXISTS (
                SELECT FROM pg_index p WHERE p.indrelid = c.oid AND p.indisprimary))) AS numbers
    FROM pg_index i WHERE i.indrelid = c.oid AND CASE WHEN EXISTS (
        SELECT FROM pg_index p WHERE p.indrelid = c.oid AND p.indisprimary) THEN i.indisprimary ELSE i.indisunique END
) AS k
ORDER BY c.nspname, c.relname
