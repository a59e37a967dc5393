# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# An apply that waits for a busy function: a second one is turned away, SIGTERM
# ends it and leaves nothing, and what SIGKILL leaves the next apply removes.
# needs: busy version
payloads() { grep -c '^suture_' /proc/modules || true; }
# Until it has its payload in the kernel, and waits for the function: emulated machines may be slow.
until_it_waits() {
	for _ in $(seq 100); do
		[ "$(payloads)" != 1 ] || break
		sleep 0.2
	done
	sleep 1
}
mkfifo /tmp/killed
exec 5<>/tmp/killed
cat <&5 >/dev/null &
reader=$!
sleep 1

echo "ended by SIGTERM"
suture apply --insecure-local busy.bin --json >/tmp/ended 2>&1 &
waiting=$!
until_it_waits
refused "another suture is at work" suture apply --insecure-local version.bin
kill $waiting
status=0
wait $waiting || status=$?
want 1 echo $status
want '"interrupted"' cat /tmp/ended
want 0 payloads
nothing_applied

echo "ended by SIGKILL"
suture apply --insecure-local busy.bin >/dev/null 2>&1 &
waiting=$!
until_it_waits
kill -9 $waiting
wait $waiting 2>/dev/null || true
want 1 payloads
want "unloaded 1 idle payload" suture apply --insecure-local version.bin
want 1 payloads
want "suture level one" cat /proc/version
revert
want 0 payloads
nothing_applied
kill $reader
wait $reader 2>/dev/null || true
exec 5>&-
