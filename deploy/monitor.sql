-- The role that looks at the health of a database: logs in, sees the server's statistics, and is granted no table; what is
-- granted to PUBLIC it has like everybody, such as CREATE in the schema public up to version 14. With it the role of roles.sql needs no pg_monitor. Run by psql in the database, as a superuser or as whoever may
-- create roles and grant pg_monitor: from version 16 on WITH ADMIN OPTION. Running it again changes nothing.
--
--   psql -d shop -f monitor.sql
--   psql -d shop -v monitor=off -v table=public.orders -f roles.sql
--
-- Variables: role  'backfill_monitor' when left out
--
-- In the configuration it is databases.NAME.monitor.user. A signal of your own under throttle.sql is asked as this role:
-- grant it SELECT on what its query reads, or let the query call a function that is SECURITY DEFINER.
--
-- The role has no password yet: \password backfill_monitor in psql asks for one and sends only its hash.

\set ON_ERROR_STOP on
\if :{?role} \else \set role backfill_monitor
\endif

BEGIN;

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role')
\gexec

-- It writes nothing even where everybody may, unless it says that it will.
SELECT format('ALTER ROLE %I SET default_transaction_read_only = on', :'role')
\gexec

SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role')
\gexec
SELECT format('GRANT pg_monitor TO %I', :'role')
\gexec

COMMIT;

-- What is granted to PUBLIC, or what the role had before, is not taken away here.
SELECT count(*) > 0 AS reaches, string_agg(format('%I.%I', n.nspname, c.relname), ', ') AS reached
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(:'role', n.oid, 'USAGE')
  AND has_table_privilege(:'role', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
\gset
\if :reaches
\warn 'warning: the role may use these, by PUBLIC or by what it was granted before:' :reached
\endif
