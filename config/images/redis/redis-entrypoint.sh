#!/usr/bin/env bash
# Starts Redis with the password of the mounted Secret. It is handed over on standard input: in no argument list, no
# environment and no file. Arguments go to `redis-server`, for example --maxmemory 64mb.
#
#   REDIS_PASSWORD_FILE    default /etc/todochatbot/secrets/password
set -euo pipefail
file=${REDIS_PASSWORD_FILE:-/etc/todochatbot/secrets/password}
password=$(cat "$file" 2>/dev/null || true)
if [[ -z $password ]]; then
  echo "redis-entrypoint: $file is missing or empty: mount the Secret with the key password" >&2
  exit 1
fi
password=${password//\\/\\\\}
password=${password//\"/\\\"}
exec redis-server /opt/redis/redis.conf "$@" - < <(printf 'requirepass "%s"\n' "$password")
