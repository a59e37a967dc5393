# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Going down in level, or sideways, takes fixes away that are live: only with
# --force. A dry run does everything but the change.
# needs: version two=version2+loadavg@2 other=loadavg
exits() { # STATUS COMMAND...
	expected=$1
	shift
	status=0
	"$@" >/tmp/said 2>&1 || status=$?
	[ $status = "$expected" ] || die "'$*' ends with $status, not $expected: $(cat /tmp/said)"
}
exits 0 apply_file two.bin --dry-run
want "can be applied" cat /tmp/said
nothing_applied
want_not suture_ cat /proc/modules

apply two
exits 1 apply_file version.bin
want "fixes that are live could be lost" cat /tmp/said
want "suture level two" cat /proc/version
exits 0 apply_file version.bin --force --json
want '"level": 2' cat /tmp/said
want "suture level one" cat /proc/version
want_not suture cat /proc/loadavg
exits 1 apply_file other.bin
want "suture level one" cat /proc/version
exits 0 suture verify two.bin
exits 0 apply_file two.bin
exits 64 apply_file two.bin --attempts none
exits 0 suture revert --json
want '"outcome": "reverted"' cat /tmp/said
exits 0 suture revert
want "no patch is applied" cat /tmp/said
nothing_applied
