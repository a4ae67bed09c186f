-- A role for each service, with the least that it needs: whoever takes over the query service can change nothing and
-- sees no token, and no service can change the tables themselves, or the trail.
--
-- Only adds: who has logged in as the owner of the tables so far can go on doing so. The roles cannot log in; an
-- operator makes users that are members of them.

-- What each role may do, table by table. A migration that adds a table replaces this function, and a test holds its
-- list against the tables. Roles that are not there are passed over; `backdrop migrate` ends with it each time, so
-- roles that are made later get theirs then.
CREATE FUNCTION grant_to_roles() RETURNS void LANGUAGE plpgsql AS $$
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
            ('record_deletion',     NULL,     NULL,                                        'SELECT, INSERT, DELETE'),
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

-- Roles belong to the cluster, not to the database: another database of ours may have made them, or be making them at
-- this moment, which no lock of one database keeps out. So it is tried, and to be told that they are there is fine.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['backdrop_read', 'backdrop_write', 'backdrop_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE NOTICE 'the role % is not made: % may not. See "SQL roles" in docs/operations.md.',
                        name, current_user;
            END;
        END IF;
    END LOOP;
END $$;

-- What Postgres lets everybody do by itself: call functions, and make temporary tables.
REVOKE EXECUTE ON FUNCTION grant_to_roles() FROM PUBLIC;
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
EXCEPTION
    -- The database is somebody else's.
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'temporary tables stay allowed: % may not forbid them', current_user;
END $$;

SELECT grant_to_roles();
