-- Roles, passwords and the database as the resource wants them; safe to run at every start.
-- psql reads the passwords itself: they are in no argument list.
\set ownerPassword `cat :'secrets'/ownerPassword`
\set appPassword `cat :'secrets'/appPassword`

SELECT format('CREATE ROLE %I LOGIN', role)
  FROM unnest(ARRAY[:'owner', :'app']) AS role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

-- A restore makes a database beside the live one and renames both; whoever is connected then has to go.
ALTER ROLE :"owner" LOGIN CREATEDB PASSWORD :'ownerPassword';
GRANT pg_signal_backend TO :"owner";
ALTER ROLE :"app" LOGIN PASSWORD :'appPassword';

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec

GRANT CONNECT ON DATABASE :"database" TO :"app";
