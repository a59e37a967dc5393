# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# For scripts that run a portal with the real programs. Wants $top; source it after repo.sh, whose
# repo_setup makes $work and $programs. Then:
#
#   portal_start [LINE]...     a portal with the settings LINE...; $portal is its URL, $portal_pid its process
#                              $portal_scheme, $portal_host: https, and what clients call this machine
#   portal_stop, portal_kill   ends it; portal_start again goes on with the same database
#   portal_admin               $work/admin.auth: the header of an API token of the first user
#   first_user INIT AUTH       the same of any server that $portal is
#   exits STATUS TEXT COMMAND...    the command ends so and says that
#   api METHOD PATH [BODY [AUTH]]   one call; prints the answer's body; $status (in $work/status) is its status
#
# Secrets stay out of arguments: headers come from files, bodies from standard input.

portal_pid=
portal=
# $SUTURE_TEST_DATABASE: a URL instead of the SQLite file in $work
portal_database() { echo "${SUTURE_TEST_DATABASE:-sqlite:$work/portal.db}"; }

portal_exe() { "$programs/portal/suture-portal" "$@"; }

portal_init() {
	portal_exe init --config "$work/portal.conf" >"$work/init.out" 2>"$work/init.err" || {
		cat "$work/init.out" "$work/init.err" >&2
		return 1
	}
	chmod 600 "$work/init.out"
}

portal_start() {
	for _ in 1 2 3 4 5; do
		portal_port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 40000))
		portal=${portal_scheme:-http}://127.0.0.1:$portal_port
		{
			echo "database = $(portal_database)"
			echo "listen = 127.0.0.1:$portal_port"
			echo "listen = unix:$work/portal.sock"
			echo "url = ${portal_scheme:-http}://${portal_host:-127.0.0.1}:$portal_port"
			for line; do echo "$line"; done
		} >"$work/portal.conf"
		[ -s "$work/init.out" ] || portal_init || return 1
		rm -f "$work/portal.sock"
		# Not by a function: $! would be a shell around it. Its clock is that of repo.sh.
		# shellcheck disable=SC2016
		env ${clock:+LD_PRELOAD='/usr/$LIB/faketime/libfaketime.so.1'} ${clock:+FAKETIME="$clock"} \
			FAKETIME_DONT_FAKE_MONOTONIC=1 "$programs/portal/suture-portal" serve \
			--config "$work/portal.conf" >>"$work/portal.log" 2>&1 &
		portal_pid=$!
		for _ in $(seq 100); do
			curl -fsS -o /dev/null "$portal/healthz" 2>/dev/null && return 0
			kill -0 "$portal_pid" 2>/dev/null || break
			sleep 0.1
		done
		portal_stop
	done
	tail -n 20 "$work/portal.log" >&2
	return 1
}

portal_stop() {
	[ -n "$portal_pid" ] || return 0
	kill "$portal_pid" 2>/dev/null
	wait "$portal_pid" 2>/dev/null
	portal_pid=
}

portal_kill() {
	kill -9 "$portal_pid"
	wait "$portal_pid" 2>/dev/null
	portal_pid=
}

api() { # METHOD PATH [BODY [AUTH FILE]]; BODY "" or "-": none, "@FILE": of a file
	api_auth=${4:-$work/admin.auth}
	set -- "$1" "$2" "${3:-}"
	case $3 in
	'' | -) set -- -X "$1" "$portal$2" ;;
	@*)
		case $2 in
		*/changelog* | /install*) set -- "$@" application/octet-stream ;;
		*) set -- "$@" application/json ;;
		esac
		set -- -X "$1" "$portal$2" -H "Content-Type: $4" --data-binary "$3"
		;;
	*)
		printf '%s' "$3" >"$work/request"
		set -- -X "$1" "$portal$2" -H 'Content-Type: application/json' \
			--data-binary "@$work/request"
		;;
	esac
	[ ! -e "$api_auth" ] || set -- "$@" -H "@$api_auth"
	curl -sS --max-time 60 -D "$work/headers" -o "$work/body" -w '%{http_code}' "$@" >"$work/status" ||
		return 1
	cat "$work/body"
	echo
	case $(cat "$work/status") in
	2??) return 0 ;;
	*) return 22 ;;
	esac
}

in_days() { date -u -d "+$1 days" +%Y-%m-%dT%H:%M:%SZ; }

# says_status NUMBER COMMAND...: the call has this status, and its answer is printed.
says_status() {
	want=$1
	shift
	"$@"
	[ "$(cat "$work/status")" = "$want" ] || {
		echo "status $(cat "$work/status") instead of $want"
		return 1
	}
}

# exits STATUS TEXT COMMAND...: it ends with STATUS and says TEXT.
exits() {
	want=$1
	text=$2
	shift 2
	"$@" >"$work/said" 2>&1
	got=$?
	[ "$got" = "$want" ] && grep -qF -e "$text" "$work/said" && return 0
	cat "$work/said"
	echo "status $got instead of $want, or it does not say: $text"
	return 1
}

# The password that the first user has afterwards.
first_password='a better password than that'

# first_user INIT AUTH: of $portal, whose init printed INIT. He changes the one-time password; AUTH becomes the header of a
# token of his with all roles.
first_user() {
	once=$(sed -n 's/^Password: *//p' "$1" | head -n 1)
	[ -n "$once" ] || { cat "$1" >&2; return 1; }
	printf '{"user":"admin","password":"%s"}' "$once" >"$work/login.json"
	none=$work/none
	api POST /v1/sessions "@$work/login.json" "$none" >"$work/session.json" || { cat "$work/session.json" >&2; return 1; }
	printf 'Authorization: Bearer %s\n' "$(jq -r .token "$work/session.json")" >"$work/session.auth"
	printf '{"old":"%s","new":"%s"}' "$once" "$first_password" >"$work/change.json"
	api POST /v1/password "@$work/change.json" "$work/session.auth" >"$work/changed.json" || { cat "$work/changed.json" >&2; return 1; }
	api POST /v1/tokens '{"name":"tests","roles":["viewer","operator","release-manager","key-manager","admin","auditor"],"expires":"'"$(in_days 300)"'"}' \
		"$work/session.auth" >"$work/token.json" || { cat "$work/token.json" >&2; return 1; }
	printf 'Authorization: Bearer %s\n' "$(jq -r .token "$work/token.json")" >"$2"
	rm -f "$work/login.json" "$work/change.json" "$work/session.json" "$work/token.json"
}

portal_admin() { first_user "$work/init.out" "$work/admin.auth"; }
