# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# What the scenarios in tests/vm/guest/ use. They run in the virtual machine, as
# root, in /suture, each in a shell of its own with `set -e`.

die() {
	echo "FAILED: $*"
	exit 1
}

# want TEXT COMMAND...: the command's output holds TEXT.
want() {
	want_text=$1
	shift
	want_out=$("$@" 2>&1) || true
	case $want_out in
	*"$want_text"*) ;;
	*) die "'$*' does not say '$want_text' but: $want_out" ;;
	esac
}

# want_not TEXT COMMAND...: it does not.
want_not() {
	want_text=$1
	shift
	want_out=$("$@" 2>&1) || true
	case $want_out in
	*"$want_text"*) die "'$*' says '$want_text': $want_out" ;;
	esac
}

# want_match REGEX COMMAND...: the command's output has a line that matches.
want_match() {
	want_text=$1
	shift
	want_out=$("$@" 2>&1) || true
	printf '%s\n' "$want_out" | grep -Eqi -e "$want_text" ||
		die "'$*' says nothing like '$want_text' but: $want_out"
}

# refused REGEX COMMAND...: it fails, and says why.
refused_out=
refused() {
	refused_text=$1
	shift
	if refused_out=$("$@" 2>&1); then
		die "'$*' was not refused: $refused_out"
	fi
	printf '%s\n' "$refused_out" | grep -Eqi -e "$refused_text" ||
		die "'$*' was refused without saying '$refused_text': $refused_out"
}

# Most scenarios are not about signatures; signed.sh is.
apply_file() { suture apply --insecure-local "$@"; }
apply() { apply_file "/suture/$1.bin" || die "apply $1"; }
revert() { suture revert || die "revert"; }

# field NAME: the first value of that name in `suture status --json`, without quotes.
field() {
	suture status --json | grep -o "\"$1\": *\"\{0,1\}[^\",}]*" | head -n 1 |
		sed 's/^"[^"]*": *"\{0,1\}//'
}

nothing_applied() {
	want original field state
	want_not suture cat /proc/version
}

# The lines of functions that ftrace has enabled, for a look before and after.
traced() { cat /sys/kernel/tracing/enabled_functions; }

# Work on all CPUs; load_stop ends it.
load_start() {
	(while :; do dd if=/dev/zero of=/dev/null bs=4k count=2000; done) >/dev/null 2>&1 &
	LOAD=$!
	(while :; do cat /proc/version /proc/loadavg /proc/uptime /proc/self/status; done) \
		>/dev/null 2>&1 &
	LOAD="$LOAD $!"
	(while :; do sh -c : ; done) >/dev/null 2>&1 &
	LOAD="$LOAD $!"
}
load_stop() {
	kill $LOAD 2>/dev/null || true
	wait $LOAD 2>/dev/null || true
	LOAD=
}
