-- The ordinary role that backfills run as: logs in, owns the schema of the product's own tables, and may read and change
-- the rows of the tables that it is told. Run by psql in the database of the tables, as a superuser or as whoever may
-- create roles and owns the tables; once for each table. Running it again changes nothing.
--
--   psql -d shop -v table=public.orders -f roles.sql
--   psql -d shop -v table=public.sessions -v privileges='SELECT, DELETE' -f roles.sql
--
-- Variables: table       as SQL would write it; without it only the role and the schema are made
--            privileges  on the table, 'SELECT, UPDATE' when left out
--            role        'backfill' when left out
--            schema      of the own tables, 'backfill' when left out
--            monitor     'off' when the role is not to look at the health of the database: then another one does, which
--                        monitor.sql creates, or its signals have to be off in the configuration
--
-- The role has no password yet: \password backfill in psql asks for one and sends only its hash.

\set ON_ERROR_STOP on
\if :{?role} \else \set role backfill
\endif
\if :{?schema} \else \set schema backfill
\endif
\if :{?privileges} \else \set privileges 'SELECT, UPDATE'
\endif

\if :{?monitor} \else \set monitor on
\endif

BEGIN;

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role')
\gexec

-- Who is no superuser has to be a member of the role to give it a schema.
SELECT format('GRANT %I TO CURRENT_USER', :'role')
FROM pg_roles WHERE rolname = current_user AND NOT rolsuper
\gexec

SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role')
\gexec

-- What pg_stat_replication shows of the standbys. From version 16 on, who is no superuser needs pg_monitor WITH ADMIN OPTION.
\if :monitor
SELECT format('GRANT pg_monitor TO %I', :'role')
\gexec
\endif

CREATE SCHEMA IF NOT EXISTS :"schema" AUTHORIZATION :"role";

\if :{?table}
-- The cast to regclass fails when there is no such table.
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, :'role')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = :'table'::regclass
\gexec
SELECT format('GRANT %s ON %s TO %I', :'privileges', :'table'::regclass, :'role')
\gexec
\endif

COMMIT;
