#!/usr/bin/env bash
# Runs a command with the URL of a new PostgreSQL of its own, in FOLDER, as its last argument: postgres.sh FOLDER COMMAND…
# It is as its users have it: fsync on, nothing tuned but the number of connections.
set -euo pipefail
folder="$1"
shift
bin=$(dirname "$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -1)")
as=()
mkdir -p "$folder"
# It refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
  chown postgres "$folder"
  as=(setpriv --reuid postgres --regid postgres --clear-groups)
fi
cd "$folder"
"${as[@]}" "$bin/initdb" -D "$folder/data" -A trust -U peer >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" -o "-p 15433 -k $folder -c listen_addresses=127.0.0.1 -c max_connections=200" start >/dev/null
trap '"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null' EXIT
"$bin/createdb" -h 127.0.0.1 -p 15433 -U peer peer
"$@" "postgresql://peer@127.0.0.1:15433/peer"
