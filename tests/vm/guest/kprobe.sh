# shellcheck shell=dash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A kprobe in the function is a conflict, told by name; one at its entry goes on working.
# needs: version
tracing=/sys/kernel/tracing
probe() { # OFFSET
	echo "p:suture/mid version_proc_show+$1" >$tracing/kprobe_events 2>/dev/null &&
		echo 1 >$tracing/events/suture/mid/enable
}
unprobe() {
	echo 0 >$tracing/events/suture/$1/enable
	echo >$tracing/kprobe_events
}
set_one=
for offset in 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
	if probe $offset 2>/dev/null; then
		set_one=$offset
		break
	fi
	echo >$tracing/kprobe_events
done
[ -n "$set_one" ] || die "no probe could be set"
echo "probe at version_proc_show+$set_one"
refused version_proc_show apply_file version.bin
want_match "probe|suture/mid" echo "$refused_out"
nothing_applied
unprobe mid

echo "p:suture/entry version_proc_show" >$tracing/kprobe_events
echo 1 >$tracing/events/suture/entry/enable
apply version
echo >$tracing/trace
want "suture level one" cat /proc/version
want "entry: (version_proc_show" cat $tracing/trace
revert
echo >$tracing/trace
cat /proc/version >/dev/null
want "entry: (version_proc_show" cat $tracing/trace
unprobe entry
