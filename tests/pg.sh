#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command with a PostgreSQL server of its own, which is stopped and removed afterwards, whatever
# happens. The command finds it by SUTURE_TEST_PG, a URL to which "&dbname=NAME" may be added.
# The server listens on a Unix socket only. Nothing in it is durable unless SUTURE_TEST_PG_FSYNC is "on".
#
#   tests/pg.sh COMMAND [ARGUMENT]...
set -u
bin=
for dir in /usr/lib/postgresql/*/bin; do
	[ ! -x "$dir/initdb" ] || bin=$dir
done
if [ -z "$bin" ]; then
	echo "tests/pg.sh: there is no PostgreSQL; 'make setup' installs it" >&2
	exit 1
fi

# The server refuses to run as root. When this script is killed, the server gets SIGINT.
owner="setpriv --pdeathsig INT"
[ "$(id -u)" != 0 ] || owner="$owner --reuid=postgres --regid=postgres --clear-groups"

# A path to a socket has at most 107 bytes, and the owner must get to it.
base=${TMPDIR:-/tmp}
if [ ${#base} -gt 60 ] || ! $owner test -x "$base"; then
	base=/tmp
fi
top=$(mktemp -d "$base/pg.XXXXXX") || exit 1
server=
command=

finish() {
	trap '' HUP INT TERM
	if [ -n "$command" ]; then
		kill -TERM "$command" 2>/dev/null
		wait "$command" 2>/dev/null
	fi
	if [ -n "$server" ]; then
		kill -INT "$server" 2>/dev/null
		wait "$server" 2>/dev/null
	fi
	rm -rf "$top"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[ "$(id -u)" != 0 ] || chown postgres: "$top" || exit 1
if ! $owner "$bin/initdb" -D "$top/data" -U suture -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
	--no-instructions >"$top/log" 2>&1; then
	cat "$top/log" >&2
	exit 1
fi
$owner "$bin/postgres" -D "$top/data" -k "$top" -c listen_addresses= -c unix_socket_permissions=0700 \
	-c fsync="${SUTURE_TEST_PG_FSYNC:-off}" -c max_connections=100 >"$top/log" 2>&1 </dev/null &
server=$!
tries=0
until "$bin/pg_isready" -q -h "$top"; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
		echo "tests/pg.sh: the server did not start:" >&2
		cat "$top/log" >&2
		exit 1
	fi
	sleep 0.1
done

SUTURE_TEST_PG="postgresql:///postgres?host=$top&user=suture"
export SUTURE_TEST_PG
# In the background, so that a signal ends it and us at once.
"$@" <&0 &
command=$!
wait "$command"
status=$?
command=
exit $status
