-- The users as which the three services log in: each a member of the role that `backdrop migrate` made for its service,
-- with the password of the environment. May be run again: a password that has changed is changed here, too.
--
--   READ_PASSWORD=… WRITE_PASSWORD=… WORKER_PASSWORD=… psql --file deploy/postgres/users.sql "$DATABASE_URL"
--
-- As a superuser, or as the user who ran `backdrop migrate` if it may make roles.
\set ON_ERROR_STOP on
\getenv read_password READ_PASSWORD
\getenv write_password WRITE_PASSWORD
\getenv worker_password WORKER_PASSWORD

SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', wanted || '_service', wanted)
FROM unnest(ARRAY['backdrop_read', 'backdrop_write', 'backdrop_worker']) AS wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted || '_service')
\gexec

ALTER ROLE backdrop_read_service PASSWORD :'read_password';
ALTER ROLE backdrop_write_service PASSWORD :'write_password';
ALTER ROLE backdrop_worker_service PASSWORD :'worker_password';
