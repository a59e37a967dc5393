# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# For scripts that run suture-repo, suture-signer, a web server and clients together. After
# repo_setup: $work is an empty folder that goes in the end, $programs the build folder, and
# repo, tuf, check, refused, repo_signer_start and the like are there. Nothing of it needs root; as root the
# signer runs as "nobody".

repo_setup() {
	programs=${SUTURE_BUILD_DIR:-$top/build}
	base=${TMPDIR:-/var/tmp}
	# Files of these tests need not survive a power cut.
	[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || base=/dev/shm
	work=$(mktemp -d "$base/suture-repo.XXXXXX") || exit 1
	# The signer's user has to pass through here.
	chmod 755 "$work"
	failures=0
	signer_pid=
	signer_dir=
	web_pid=
	# shellcheck source=tests/e2e/signer-copy.sh
	. "$top/tests/e2e/signer-copy.sh"
	clock=
	log=$work/log
	: >"$log"
	trap repo_clean EXIT
	trap 'exit 1' INT TERM
	printf 'correct horse battery staple\n' >"$work/passphrase"
}

repo_clean() {
	repo_signer_stop
	[ -z "$web_pid" ] || kill "$web_pid" 2>/dev/null
	rm -rf "$work" "$signer_dir"
}

# check NAME COMMAND...: the command must work. refused NAME TEXT COMMAND...: it must fail and say TEXT.
check() {
	name=$1
	shift
	if "$@" >"$log" 2>&1; then
		echo "ok $name"
	else
		sed 's/^/  /' "$log"
		echo "not ok $name"
		failures=$((failures + 1))
	fi
}

refused() {
	name=$1
	text=$2
	shift 2
	if "$@" >"$log" 2>&1; then
		sed 's/^/  /' "$log"
		echo "not ok $name"
		failures=$((failures + 1))
	elif grep -qF -e "$text" "$log"; then
		echo "ok $name"
	else
		sed 's/^/  /' "$log"
		echo "  (does not say: $text)"
		echo "not ok $name"
		failures=$((failures + 1))
	fi
}

# says TEXT COMMAND...: it works, whatever the exit status, and says TEXT.
says() {
	text=$1
	shift
	out=$("$@" 2>&1)
	printf '%s\n' "$out"
	printf '%s\n' "$out" | grep -qF -e "$text"
}

# The clock of suture-repo, the signer and clients: empty, or how far it is off ("+100d"). Without faketime(1), which would be a
# process between us and the program, and does not start when one of the same number was killed earlier (its semaphore stays).
at_time() {
	if [ -n "$clock" ]; then
		# shellcheck disable=SC2016  # ld.so replaces $LIB
		env LD_PRELOAD='/usr/$LIB/faketime/libfaketime.so.1' FAKETIME="$clock" \
			FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
	else
		"$@"
	fi
}

# The repository is $work/repo. Exit statuses are those of suture-repo.
repo() {
	command=$1
	shift
	at_time setsid -w "$programs/repo/suture-repo" "$command" --repo "$work/repo" "$@" </dev/null
}

# The same with the passphrase of all keys.
repo_sign() {
	repo "$@" --passphrase-file "$work/passphrase"
}

repo_init() {
	mkdir -p "$work/run" "$work/signer/keys" "$work/signer/state"
	chmod 700 "$work/signer/keys" "$work/signer/state"
	at_time setsid -w "$programs/repo/suture-repo" init "$work/repo" --signer "$work/run/signer.sock" \
		--passphrase-file "$work/passphrase" "$@" </dev/null
}

# Moves the online keys to the signer, writes its settings, and starts it.
repo_signer_start() {
	[ -z "$signer_pid" ] || repo_signer_stop
	if [ -d "$work/repo/online" ]; then
		mv "$work/repo/online"/* "$work/signer/keys/"
		rmdir "$work/repo/online"
	fi
	[ -f "$work/root.json" ] || repo export-root "$work/root.json" || return 1
	{
		echo "metadata = $work/repo/public/metadata"
		echo "root = $work/root.json"
		echo "state = $work/signer/state"
		echo "socket = $work/run/signer.sock"
		echo "allow-user = $(id -un)"
		for key in "$work"/signer/keys/snapshot*.key; do echo "snapshot-key = $key"; done
		for key in "$work"/signer/keys/timestamp*.key; do echo "timestamp-key = $key"; done
	} >"$work/signer.conf"
	[ -n "$signer_dir" ] || signer_copy "$programs/repo/signer/suture-signer"
	set -- "$signer_exe" --config "$work/signer.conf"
	# shellcheck disable=SC2016
	[ -z "$clock" ] || set -- env LD_PRELOAD='/usr/$LIB/faketime/libfaketime.so.1' \
		FAKETIME="$clock" FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
	if [ "$(id -u)" = 0 ]; then
		chown -R nobody "$work/signer" "$work/run"
		set -- setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
	fi
	rm -f "$work/run/signer.sock"
	# Each of these becomes the next one, so this is the process of the signer.
	"$@" >>"$work/signer.log" 2>&1 &
	signer_pid=$!
	for _ in $(seq 100); do
		[ ! -S "$work/run/signer.sock" ] || return 0
		sleep 0.1
	done
	cat "$work/signer.log"
	return 1
}

repo_signer_stop() {
	[ -n "$signer_pid" ] || return 0
	kill "$signer_pid" 2>/dev/null
	wait "$signer_pid" 2>/dev/null
	signer_pid=
}

# Serves $work/repo/public; $url is its beginning.
repo_web_start() {
	mkfifo "$work/web.in"
	"$programs/tests/e2e/serve" "$work/repo/public" <"$work/web.in" >"$work/port" 2>"$work/web.log" &
	web_pid=$!
	# Held open by this shell: the server ends with it.
	exec 8>"$work/web.in"
	for _ in $(seq 100); do
		[ ! -s "$work/port" ] || break
		sleep 0.1
	done
	url=http://127.0.0.1:$(cat "$work/port")
}

# client NAME COMMAND [OPTION]...: suture-tuf with a folder of its own; "init" takes the first root.
client() {
	who=$1
	what=$2
	shift 2
	mkdir -p "$work/client-$who"
	if [ "$what" = init ]; then
		"$programs/agent/suture-tuf/suture-tuf" --metadata-dir "$work/client-$who" init \
			"${1:-$work/root.json}"
	else
		at_time "$programs/agent/suture-tuf/suture-tuf" --metadata-dir "$work/client-$who" \
			--metadata-url "$url/metadata" "$@" "$what"
	fi
}

# The version of root or of a targets role that a client has: client_version NAME ROLE
client_version() {
	sed -n 's/.*"version":\([0-9][0-9]*\)}}.*/\1/p' "$work/client-$1/$2.json"
}
