#!/bin/sh
# Makes a copy of the primary when there is none yet, then runs the server as its standby.
set -eu
if [ "$(id -u)" = 0 ]; then
    chown postgres "$(dirname "$PGDATA")"
    exec gosu postgres sh "$0" "$@"
fi

# Whoever connects to the primary by it reads this file; it is made at every start.
passwords=/tmp/replication.pgpass
(umask 077 && printf '*:*:*:replicator:%s\n' "$(cat /run/secrets/replication.password)" > "$passwords")

# A copy has its name only once it is whole.
until [ -s "$PGDATA/PG_VERSION" ]; do
    rm -rf "$PGDATA.unfinished"
    if pg_basebackup --pgdata "$PGDATA.unfinished" --write-recovery-conf --slot replica --checkpoint fast --no-password \
        --dbname "host=$PRIMARY user=replicator application_name=replica passfile=$passwords"; then
        mv "$PGDATA.unfinished" "$PGDATA"
    else
        sleep 2
    fi
done

exec "$@"
