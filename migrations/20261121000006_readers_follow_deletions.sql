-- The query service holds data sets in memory and follows their changes, deletions among them: it may read which
-- records were deleted.
--
-- Only adds: services of the version before do not ask for them.

CREATE OR REPLACE FUNCTION grant_to_roles() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    allowed   record;
    statement text;
BEGIN
    -- Two that grant on the same table at once would fail over each other.
    PERFORM pg_advisory_xact_lock(hashtextextended('backdrop grant_to_roles', 0));
    FOR allowed IN
        SELECT r.name AS role, t.name AS "table", r.privileges
        FROM (VALUES
            -- table,               read,     write,                                       worker
            ('configuration',       'SELECT', 'SELECT, UPDATE (version)',                  'SELECT, UPDATE (version)'),
            -- A worker makes the data sets that transforms write to.
            ('data_set',            'SELECT', 'SELECT, INSERT, UPDATE',                    'SELECT, INSERT, UPDATE (deleted_at)'),
            ('data_set_schema',     'SELECT', 'SELECT, INSERT',                            'SELECT, INSERT'),
            ('data_set_token',      NULL,     'SELECT, INSERT, UPDATE',                    NULL),
            ('data_set_token_use',  NULL,     'SELECT, INSERT, UPDATE',                    NULL),
            ('data_set_state',      'SELECT', 'SELECT, INSERT',                            'SELECT, INSERT, UPDATE'),
            ('record',              'SELECT', 'SELECT',                                    'SELECT, INSERT, UPDATE, DELETE'),
            ('record_deletion',     'SELECT', NULL,                                        'SELECT, INSERT, DELETE'),
            -- Writers open epochs, and report what is missing; only workers move the cursor.
            ('ingest_partition',    NULL,     'SELECT, UPDATE (epoch)',                    'SELECT, UPDATE'),
            ('ingest_epoch',        NULL,     'SELECT, INSERT, UPDATE (tail_n, went_back)', 'SELECT, INSERT, UPDATE'),
            ('ingest_gap',          NULL,     'SELECT, INSERT',                            'SELECT, INSERT'),
            ('batch',               NULL,     'SELECT',                                    'SELECT, INSERT, DELETE'),
            ('rejected_batch',      NULL,     'SELECT, DELETE',                            'SELECT, INSERT, UPDATE, DELETE'),
            ('audit_event',         NULL,     'SELECT, INSERT',                            'INSERT'),
            ('worker_heartbeat',    NULL,     'SELECT',                                    'SELECT, INSERT, UPDATE, DELETE'),
            -- To Postgres a lock is a kind of UPDATE.
            ('transform_type',      NULL,     'SELECT, INSERT, UPDATE, DELETE',            'SELECT'),
            ('transform',           NULL,     'SELECT, INSERT, UPDATE, DELETE',            'SELECT, UPDATE (id)'),
            ('transform_run',       NULL,     'SELECT, INSERT, UPDATE (earliest, latest)', 'SELECT, INSERT, UPDATE, DELETE'),
            ('data_group',          NULL,     'SELECT, INSERT, DELETE',                    NULL),
            ('document',            NULL,     'SELECT, INSERT, UPDATE, DELETE',            'SELECT')
        ) AS t (name, "read", "write", worker)
        CROSS JOIN LATERAL (VALUES
            ('backdrop_read', t."read"), ('backdrop_write', t."write"), ('backdrop_worker', t.worker)
        ) AS r (name, privileges)
        WHERE r.privileges IS NOT NULL AND EXISTS (SELECT FROM pg_roles WHERE rolname = r.name)
    LOOP
        statement := format('GRANT %s ON TABLE %I TO %I', allowed.privileges, allowed."table", allowed.role);
        EXECUTE statement;
    END LOOP;
    FOR allowed IN
        SELECT rolname AS role FROM pg_roles WHERE rolname IN ('backdrop_read', 'backdrop_write', 'backdrop_worker')
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), allowed.role);
    END LOOP;
END $$;

SELECT grant_to_roles();
