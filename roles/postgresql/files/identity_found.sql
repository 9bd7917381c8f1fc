-- Whether the event triggers of identity.sql are there as they are now, and how many tables lack a replica identity.
SELECT (SELECT count(*) = 2 FROM pg_event_trigger
        WHERE evtname IN ('pipeline_replica_identity', 'pipeline_replica_identity_dropped') AND evtenabled = 'A'
        AND obj_description(oid, 'pg_event_trigger') = %s) AS present,
       (SELECT count(*) FROM pg_class c
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384 AND c.relreplident <> 'f'
          AND (c.relreplident = 'n' OR NOT EXISTS (
              SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
              AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END))) AS lacking
