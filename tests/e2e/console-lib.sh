# shellcheck shell=sh disable=SC2034,SC2154,SC2030,SC2031
# SPDX-License-Identifier: Apache-2.0
# For scripts that run a console with the real programs, beside a portal or without one. Wants $top, and $work and $programs (repo.sh makes
# them); source it after portal-lib.sh. Then:
#
#   console_start [LINE]...    a console with the settings LINE...; $console is its URL, $console_pid its process
#                              $console_scheme, $console_host: https, and what clients call this machine
#   console_stop, console_kill ends it; console_start again goes on with the same database
#   console_admin              $work/console.auth: the header of an API token of the first user, with all roles
#   console_connect [TENANT]   tells it where the portal is: $portal, with a token of its own
#   console_api METHOD PATH [BODY [AUTH]]   as api() of portal-lib.sh
#   console_until SECONDS FILTER PATH       until jq's FILTER is true of what GET PATH answers

console_pid=
console=
# $SUTURE_TEST_CONSOLE_DATABASE: a URL instead of the SQLite file in $work
console_database() { echo "${SUTURE_TEST_CONSOLE_DATABASE:-sqlite:$work/console.db}"; }

console_exe() { "$programs/console/suture-console" "$@"; }

console_init() {
	console_exe init --config "$work/console.conf" >"$work/console-init.out" 2>"$work/console-init.err" || {
		cat "$work/console-init.out" "$work/console-init.err" >&2
		return 1
	}
	chmod 600 "$work/console-init.out"
}

console_start() {
	mkdir -p "$work/spool"
	for _ in 1 2 3 4 5; do
		console_port=${console_fixed_port:-$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 40000))}
		console=${console_scheme:-http}://127.0.0.1:$console_port
		{
			echo "database = $(console_database)"
			echo "listen = 127.0.0.1:$console_port"
			echo "url = ${console_scheme:-http}://${console_host:-127.0.0.1}:$console_port"
			echo "secret-key = $work/secret.key"
			echo "spool = $work/spool"
			echo "pages = ${console_pages:-$programs/console-web}"
			for line; do echo "$line"; done
		} >"$work/console.conf"
		[ -s "$work/console-init.out" ] || console_init || return 1
		"$programs/console/suture-console" serve --config "$work/console.conf" >>"$work/console.log" 2>&1 &
		console_pid=$!
		for _ in $(seq 100); do
			curl -fsS -o /dev/null "$console/healthz" 2>/dev/null && return 0
			kill -0 "$console_pid" 2>/dev/null || break
			sleep 0.1
		done
		console_stop
	done
	tail -n 20 "$work/console.log" >&2
	return 1
}

console_stop() {
	[ -n "$console_pid" ] || return 0
	# It may have ended by itself (the port was taken), and who sources this may run with -e.
	kill "$console_pid" 2>/dev/null || :
	wait "$console_pid" 2>/dev/null || :
	console_pid=
}

console_kill() {
	kill -9 "$console_pid"
	wait "$console_pid" 2>/dev/null
	console_pid=
}

console_api() ( # METHOD PATH [BODY [AUTH FILE]]
	portal=$console
	api "$1" "$2" "${3:-}" "${4:-$work/console.auth}"
)

console_admin() (
	portal=$console
	first_user "$work/console-init.out" "$work/console.auth"
)

# With a token of the roles that it needs, and no more.
console_connect() {
	api POST /v1/tokens '{"name":"console","roles":["viewer","key-manager"],"expires":"'"$(in_days 290)"'"}' >"$work/session.json" ||
		{ cat "$work/session.json" >&2; return 1; }
	connect_ca=/dev/null
	case $portal in
	https:*) connect_ca=${CURL_CA_BUNDLE:-/dev/null} ;;
	esac
	jq --arg url "$portal" --rawfile ca "$connect_ca" \
		'{url: $url, token: .token, ca: (if $ca == "" then null else $ca end)}' "$work/session.json" >"$work/connect.json"
	rm -f "$work/session.json"
	console_api PUT /v1/portal "@$work/connect.json"
	connected=$?
	rm -f "$work/connect.json"
	return $connected
}

console_until() { # SECONDS FILTER PATH
	for _ in $(seq "$1"); do
		console_api GET "$3" >"$work/until.json" && jq -e "$2" "$work/until.json" >/dev/null 2>&1 && return 0
		sleep 1
	done
	echo "did not come true: $2"
	cut -c1-2000 "$work/until.json"
	return 1
}
