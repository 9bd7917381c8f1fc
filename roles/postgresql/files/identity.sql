-- A publication of all tables makes PostgreSQL refuse UPDATE and DELETE of a table whose rows nothing identifies. So such a
-- table gets REPLICA IDENTITY FULL: those that are there, and by event triggers those that are created, lose their key, or
-- become logged. Nobody's statement fails for this: what cannot be done is a warning.
CREATE SCHEMA IF NOT EXISTS cdc_pipeline;

-- Tables that can be published, and whose rows nothing identifies. A deferrable key does not.
CREATE OR REPLACE FUNCTION cdc_pipeline.lacking_identity() RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT c.oid::regclass FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384 AND c.relreplident <> 'f'
      AND (c.relreplident = 'n' OR NOT EXISTS (
          SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
          AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END))
$$;

CREATE OR REPLACE FUNCTION cdc_pipeline.give_identity() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '2s' AS $$
DECLARE
    concerned oid[];
    found regclass;
BEGIN
    IF TG_EVENT = 'sql_drop' THEN
        -- A key may have gone with a type, and of tables that inherit. Most that is dropped is of temporary tables.
        IF NOT EXISTS (SELECT FROM pg_event_trigger_dropped_objects()
                       WHERE NOT is_temporary AND object_type IN ('index', 'table constraint', 'table column')) THEN
            RETURN;
        END IF;
    ELSE
        concerned := ARRAY(SELECT objid FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass);
        IF NOT EXISTS (SELECT FROM pg_class WHERE oid = ANY (concerned) AND relkind IN ('r', 'p') AND relpersistence = 'p') THEN
            RETURN;
        END IF;
    END IF;
    FOR found IN SELECT lacking FROM cdc_pipeline.lacking_identity() AS lacking
                 WHERE concerned IS NULL OR lacking = ANY (concerned) LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', found);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'the table % has no replica identity, so that its rows can be neither updated nor deleted', found
                USING DETAIL = SQLERRM, HINT = format('ALTER TABLE %s REPLICA IDENTITY FULL', found);
        END;
    END LOOP;
END
$$;

DROP EVENT TRIGGER IF EXISTS pipeline_replica_identity;
CREATE EVENT TRIGGER pipeline_replica_identity ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE SCHEMA')
    EXECUTE FUNCTION cdc_pipeline.give_identity();
ALTER EVENT TRIGGER pipeline_replica_identity ENABLE ALWAYS;

DROP EVENT TRIGGER IF EXISTS pipeline_replica_identity_dropped;
CREATE EVENT TRIGGER pipeline_replica_identity_dropped ON sql_drop EXECUTE FUNCTION cdc_pipeline.give_identity();
ALTER EVENT TRIGGER pipeline_replica_identity_dropped ENABLE ALWAYS;

SET LOCAL lock_timeout = '10s';
DO $$
DECLARE
    found regclass;
BEGIN
    FOR found IN SELECT cdc_pipeline.lacking_identity() LOOP
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', found);
    END LOOP;
END
$$;
