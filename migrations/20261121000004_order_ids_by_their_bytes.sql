-- Ids are ordered by their bytes, whatever the order of the database is: so an export follows the primary key.
--
-- In a migration of its own, because it locks the table: no row is rewritten, but the primary key is made anew, about
-- two seconds per million records, in which others wait. Services of the version before that have read records have
-- to connect anew afterwards: what Postgres has prepared for them is no longer valid.
ALTER TABLE record ALTER COLUMN id TYPE text COLLATE "C";
