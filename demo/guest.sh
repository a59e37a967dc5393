# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Runs inside the virtual machine, as root; started by demo/run.
#
# $DIRECTION in /suture/direction: "fix" when the patch brings the fix, "reverse"
# when the kernel is fixed already and the patch takes the fix out.
# Lines for demo/run begin with '@'.
DIRECTION=$(cat /suture/direction)
PATCH=/suture/kpatch.bin
PERIOD=5 # seconds of traffic in each period

check() { # asks as a user without rights
	answer=$(su -s /bin/sh nobody -c /suture/siocatmark)
	echo "  as $(su -s /bin/sh nobody -c 'id -un'): $answer"
	echo "@check $1 ${answer%%:*}"
}

# A period lasts PERIOD seconds whatever happens in it; then comes the next.
period() {
	sleep "$PERIOD" 3>&- &
	period_timer=$!
	"$@" || { echo "@failed $*"; exit 1; }
	wait "$period_timer"
	kill -USR1 "$traffic"
}

apply() { suture apply "$PATCH" && suture status --json >/tmp/status; }
revert() { suture revert; }
refuse() { # FILE: says why
	suture apply "$1" && { echo "@failed: $1 was applied"; exit 1; }
	echo "@refused $(suture apply "$1" --json | sed -n 's/^ *"outcome": "\(.*\)",$/\1/p')"
}
look() { suture verify "$PATCH"; }

echo "A patch that nobody has signed, and one that was changed after it was signed:"
cp "$PATCH" /tmp/unsigned.bin
refuse /tmp/unsigned.bin
refuse /suture/changed.bin

if [ "$DIRECTION" = fix ]; then
	close_hole=apply
	open_hole=revert
else
	close_hole=revert
	open_hole=apply
	echo "The kernel is fixed already; the reversed fix goes in first."
	apply || exit 1
fi

echo "Before:"
check before
/suture/pingpong quiet closing opening >/tmp/traffic &
traffic=$!

echo "For comparison, the patch is only read and compared with the running kernel:"
period look
close() { $close_hole && check closed; }
echo "Now the hole is closed ($close_hole):"
period close
reopen() { $open_hole && check opened; }
echo "Now it is opened again ($open_hole):"
period reopen

wait "$traffic"
echo "@traffic-status $?"
sed 's/^/@period /' /tmp/traffic
tr -d '\n' </tmp/status | sed 's/^/@status /'
echo
