#!/bin/sh
# Run once, by the image, when the primary is made: users, the database, and the place that the replica keeps.
set -eu
# There is no replica yet that a commit could wait for.
PGOPTIONS='-c synchronous_commit=local' psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat /run/secrets/postgresql.password`
\set replication `cat /run/secrets/replication.password`
CREATE ROLE aquarium LOGIN PASSWORD :'password';
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replication';
CREATE DATABASE aquarium OWNER aquarium;
SELECT pg_create_physical_replication_slot('replica');
SQL
