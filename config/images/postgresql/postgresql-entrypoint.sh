#!/usr/bin/env bash
# Starts PostgreSQL. The volume is initialised once; at every start the roles get the passwords of the mounted Secret,
# so a Secret that was lost and made anew never locks the workers out of old data. Arguments go to `postgres`.
#
#   POSTGRES_DB            database to make, default todo
#   POSTGRES_OWNER_ROLE    its owner, runs migrations; default todo_owner; password in ownerPassword
#   POSTGRES_APP_ROLE      the workers' role; default todo_app; password in appPassword
#   POSTGRES_SECRETS_DIR   default /etc/todochatbot/secrets
set -euo pipefail

database=${POSTGRES_DB:-todo}
owner=${POSTGRES_OWNER_ROLE:-todo_owner}
app=${POSTGRES_APP_ROLE:-todo_app}
secrets=${POSTGRES_SECRETS_DIR:-/etc/todochatbot/secrets}
volume=/var/lib/postgresql/data
# A folder of its own: the root of a volume may hold lost+found, and cannot be renamed into place.
export PGDATA=$volume/pgdata

for name in ownerPassword appPassword; do
  if [[ ! -s $secrets/$name ]]; then
    echo "postgresql-entrypoint: $secrets/$name is missing or empty: mount the Secret with the keys ownerPassword and appPassword" >&2
    exit 1
  fi
done

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  if [[ -d $PGDATA && -n $(ls -A "$PGDATA") ]]; then
    echo "postgresql-entrypoint: $PGDATA holds files but no PG_VERSION: refusing to initialise over them" >&2
    exit 1
  fi
  # Initialised aside and renamed: a start that is interrupted leaves nothing half made behind.
  draft=$volume/pgdata.draft
  rm -rf "$draft"
  initdb --pgdata="$draft" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
    --auth-local=peer --auth-host=scram-sha-256
  cat >"$draft/pg_hba.conf" <<HBA
# The superuser has no password and is reached from inside this container only.
local all         postgres              peer
local all         all                   scram-sha-256
host  all         postgres all          reject
host  all         all      all          scram-sha-256
HBA
  rm -rf "$PGDATA"
  mv "$draft" "$PGDATA"
fi

# A server on a socket alone, before anyone else can connect. A statement that fails is not logged: it holds a password.
sockets=$(mktemp -d "${TMPDIR:-/tmp}/align-XXXXXX")
pg_ctl --silent --wait --timeout=300 start \
  --options="-c listen_addresses='' -c unix_socket_directories='$sockets' -c log_min_error_statement=panic"
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --host="$sockets" --username=postgres --dbname=postgres \
  --set=database="$database" --set=owner="$owner" --set=app="$app" --set=secrets="$secrets" \
  --file=/opt/postgresql/align-roles.sql
pg_ctl --silent --wait --timeout=60 --mode=fast stop
rm -rf "$sockets"

exec postgres -c jit=off -c listen_addresses='*' -c unix_socket_directories=/run/postgresql "$@"
