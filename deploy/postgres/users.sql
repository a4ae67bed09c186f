-- The users as which the three services log in: each a member of the role that `backdrop migrate` made for its service,
-- with the password of the environment. May be run again: a password that has changed is changed here, too.
--
--   READ_PASSWORD=… WRITE_PASSWORD=… WORKER_PASSWORD=… psql --file deploy/postgres/users.sql
--
-- Where and as whom is told by PGHOST, PGDATABASE, PGUSER and PGPASSWORD; a URL works, too, but shows its password to
-- whoever lists processes. As a superuser, or as the user who ran `backdrop migrate` if it may make roles.
\set ON_ERROR_STOP on
\set read_password ''
\set write_password ''
\set worker_password ''
\getenv read_password READ_PASSWORD
\getenv write_password WRITE_PASSWORD
\getenv worker_password WORKER_PASSWORD

SELECT '' IN (:'read_password', :'write_password', :'worker_password') AS lacks_a_password
\gset
\if :lacks_a_password
    -- An error, since psql would end with 0 after \quit.
    DO $$ BEGIN
        RAISE EXCEPTION 'READ_PASSWORD, WRITE_PASSWORD and WORKER_PASSWORD must be set and not empty; nothing was changed';
    END $$;
\endif

SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', wanted || '_service', wanted)
FROM unnest(ARRAY['backdrop_read', 'backdrop_write', 'backdrop_worker']) AS wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted || '_service')
\gexec

ALTER ROLE backdrop_read_service PASSWORD :'read_password';
ALTER ROLE backdrop_write_service PASSWORD :'write_password';
ALTER ROLE backdrop_worker_service PASSWORD :'worker_password';
