#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine: the engine alone, with hand-made payloads.
# Prints "ok NAME" and "not ok NAME" lines; suture.ko is loaded already.
cd /suture || exit 1
D=./drive
fails=0

ok() { echo "ok $1"; }
bad() { echo "not ok $1"; shift; [ $# -eq 0 ] || echo "$@" | sed 's/^/# /'; fails=$((fails + 1)); }
# is NAME WANTED GOT
is() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "wanted '$2', got '$3'"; fi; }
# get KEY: of the last driver output
get() { sed -n "s/^$1=//p" /tmp/out | head -1; }
drive() { $D "$@" >/tmp/out 2>&1; }

# spec NAME REDIRECT OFF NEW FLAGS: what the payloads want to know
spec() {
	# shellcheck disable=SC2046 # two words
	set -- "$@" $(awk -v n="$1" '$3 == n { a = $1; next } a && $1 != a { print a, $1; exit }' /tmp/syms)
	printf '%s:%s:%x:%s:%s:%s:%s' "$1" "$6" $((0x$7 - 0x$6)) "$2" "$3" "$4" "$5"
}

ID=$(dd if=/sys/kernel/notes bs=1 2>/dev/null | hexdump -v -e '1/1 "%02x"' |
	sed 's/.*040000001400000003000000474e5500\(.\{40\}\).*/\1/')
awk '$2 ~ /[tT]/ && NF == 3' /proc/kallsyms >/tmp/syms
PGID=$(spec __x64_sys_getpgid 1 5 0 3)
HEX=$(spec hex_to_bin 2 0 2 3)
SID=$(spec __x64_sys_getsid 3 0 1 3)
SLEEP=$(spec __x64_sys_clock_nanosleep 1 5 3 3)
# Sleeping in a function that only must not be on a stack.
NOSTACK=$(spec do_nanosleep 0 0 0 2)

load() { m=$1; shift; insmod "$m.ko" build_id="$ID" "$@" 2>/tmp/insmod; }
# values: what the three functions answer now
values() { echo "$($D getpgid) $(cat /sys/module/suture_test_call/parameters/hex) $($D getsid)"; }

rmmod suture
is rmmod-idle-engine 0 $?
insmod suture.ko
is insmod-again 0 $?

insmod suture_test_call.ko
ORIG="$(values)"

# hostile input
$D hostile "$ID" || fails=$((fails + 1))

# apply and revert
load suture_test_a spec="$PGID,$HEX,$SID"
is payload-registers 0 $?
insmod suture_test_b.ko build_id="$ID" spec="$PGID,$PGID" 2>/dev/null
is same-function-twice-refused 1 $(($? != 0))
load suture_test_b spec="$PGID"
drive apply suture_test_a dry
is dry-run-outcome 0 "$(get outcome)"
is dry-run-changes-nothing "$ORIG" "$(values)"
drive revert
is revert-of-nothing 8 "$(get outcome)"
drive apply suture_test_a
is apply 0 "$(get outcome)"
grep 'tasks\|_ns\|compared' /tmp/out
is new-functions-run "1001 3001 2001" "$(values)"
is sysfs-state applied "$(cat /sys/kernel/suture/state)"
is sysfs-id test-1 "$(cat /sys/kernel/suture/id)"
is sysfs-functions "3" "$(wc -l </sys/kernel/suture/functions)"
is sysfs-cves "CVE-0000-0001 CVE-0000-0002" "$(cat /sys/kernel/suture/cves)"
rmmod suture_test_a 2>/dev/null
is rmmod-payload-refused 1 $?
rmmod suture 2>/dev/null
is rmmod-engine-refused 1 $?

# replace: one function stays, two are dropped
drive apply suture_test_b
is replace 0 "$(get outcome)"
is replaced-and-dropped "1002 ${ORIG#* }" "$(values)"
rmmod suture_test_a
is rmmod-replaced-payload 0 $?
drive revert
is revert 0 "$(get outcome)"
is originals-run "$ORIG" "$(values)"
is sysfs-state-original original "$(cat /sys/kernel/suture/state)"
is sysfs-id-empty "" "$(cat /sys/kernel/suture/id)"
rmmod suture_test_b
is rmmod-reverted-payload 0 $?

# replace the other way round: a jump becomes an ftrace redirect and back
load suture_test_a spec="$PGID"
load suture_test_b spec="$(spec __x64_sys_getpgid 3 0 0 3)"
drive apply suture_test_a
drive apply suture_test_b
is jump-to-ftrace "0 1002" "$(get outcome) $($D getpgid)"
drive apply suture_test_a
is ftrace-to-jump "0 1001" "$(get outcome) $($D getpgid)"
drive apply suture_test_b
drive revert
is ftrace-revert "$ORIG" "$(values)"
rmmod suture_test_a
rmmod suture_test_b

# wrong expectations
load suture_test_a spec="$PGID" corrupt=14
drive apply suture_test_a
is mismatch "4 84 __x64_sys_getpgid 14" "$(get outcome) $(get errno) $(get func) $(get offset)"
rmmod suture_test_a
insmod suture_test_a.ko build_id="00${ID#??}" spec="$PGID"
drive apply suture_test_a
is build-id-of-payload 2 "$(get outcome)"
rmmod suture_test_a

# busy: a task sleeps in the function, or in one that must not be on a stack
sleep 1000 &
SLEEPER=$!
sleep 0.3
load suture_test_a spec="$SLEEP"
drive apply suture_test_a
is busy "5 16 __x64_sys_clock_nanosleep $SLEEPER" \
	"$(get outcome) $(get errno) $(get func) $(get busy | cut -d' ' -f1)"
grep busy= /tmp/out
rmmod suture_test_a
load suture_test_a spec="$PGID,$NOSTACK"
drive apply suture_test_a
is busy-nostack "5 do_nanosleep" "$(get outcome) $(get func)"
is busy-changes-nothing "$ORIG" "$(values)"
kill "$SLEEPER"
wait "$SLEEPER" 2>/dev/null
drive apply suture_test_a
is not-busy-any-more 0 "$(get outcome)"
drive revert
rmmod suture_test_a

# busy the other way: a task is inside the payload that is to go
load suture_test_a spec="$(spec __x64_sys_getpgid 1 5 4 3)"
drive apply suture_test_a
$D getpgid >/tmp/slow &
SLOW=$!
sleep 0.5
drive revert
is revert-busy "5 new_slow $SLOW" "$(get outcome) $(get func) $(get busy | cut -d' ' -f1)"
wait $SLOW
is slow-call-ends-in-new-code 5001 "$(cat /tmp/slow)"
drive revert
is revert-when-it-left "0 $ORIG" "$(get outcome) $(values)"
rmmod suture_test_a

load suture_test_a spec="$(spec __x64_sys_getpgid 1 5 5 3)"
drive apply suture_test_a
$D getpgid >/tmp/slow &
SPIN=$!
sleep 0.5
drive revert
is revert-busy-running "5 new_spin $SPIN" "$(get outcome) $(get func) $(get busy | cut -d' ' -f1)"
# On one CPU it may not have run between the two looks.
[ "$(nproc)" = 1 ] || is revert-busy-seen-inside 1 $(($(get tasks_inside) > 0))
wait $SPIN
is running-call-ends-in-new-code 6001 "$(cat /tmp/slow)"
drive revert
is revert-when-it-ended "0 $ORIG" "$(get outcome) $(values)"
rmmod suture_test_a

# ftrace has no slot to work with
load suture_test_a spec="$PGID,$(spec hex_to_bin 3 0 2 3)"
drive apply suture_test_a
is ftrace-refuses "7 22 hex_to_bin" "$(get outcome) $(get errno) $(get func)"
is ftrace-refusal-changes-nothing "$ORIG" "$(values)"
rmmod suture_test_a

# a payload whose addresses may have escaped stays for ever
load suture_test_b spec="$PGID" keep=1
drive apply suture_test_b
drive revert
is keep-reverts "0 $ORIG" "$(get outcome) $(values)"
rmmod suture_test_b 2>/dev/null
is keep-stays 1 $(($? != 0))
drive apply suture_test_b
is keep-applies-again "0 1002" "$(get outcome) $($D getpgid)"
drive revert

# tracing of a function that gets redirected, and of one that is
T=/sys/kernel/tracing
if [ -e $T/kprobe_events ]; then
	hits() { cat $T/trace | grep -c "$1"; }
	load suture_test_a spec="$PGID,$HEX"
	echo 'p:before __x64_sys_getpgid' >$T/kprobe_events
	echo 1 >$T/events/kprobes/before/enable
	drive apply suture_test_a
	is kprobe-at-entry-then-apply 0 "$(get outcome)"
	echo >$T/trace
	is redirected-under-kprobe 1001 "$($D getpgid)"
	is kprobe-from-before-fires 1 "$(hits before:)"
	echo 'p:after __x64_sys_getpgid' >>$T/kprobe_events
	echo 1 >$T/events/kprobes/after/enable
	echo >$T/trace
	$D getpgid >/dev/null
	is kprobe-from-after-fires 1 "$(hits after:)"
	echo 0 >$T/events/kprobes/enable
	echo >$T/kprobe_events
	echo __x64_sys_getpgid >$T/set_ftrace_filter
	echo function >$T/current_tracer
	echo >$T/trace
	is redirected-under-tracer 1001 "$($D getpgid)"
	is function-tracer-sees-it 1 "$(hits '__x64_sys_getpgid <-')"
	drive revert
	is revert-under-tracer "0 ${ORIG%% *}" "$(get outcome) $($D getpgid)"
	echo nop >$T/current_tracer
	echo >$T/set_ftrace_filter

	# A breakpoint on the very bytes: refused, before and after.
	echo "p:on __x64_sys_getpgid+5" >$T/kprobe_events 2>/dev/null
	echo 1 >$T/events/kprobes/on/enable
	drive apply suture_test_a
	is kprobe-in-the-way "4 __x64_sys_getpgid 5 cc" \
		"$(get outcome) $(get func) $(get offset) $(get found)"
	echo 0 >$T/events/kprobes/enable
	echo >$T/kprobe_events
	drive apply suture_test_a
	is kprobe-gone 0 "$(get outcome)"
	echo "p:on __x64_sys_getpgid+5" >$T/kprobe_events
	echo 1 >$T/events/kprobes/on/enable
	drive revert
	is kprobe-on-our-jump "9 __x64_sys_getpgid 5 cc" \
		"$(get outcome) $(get func) $(get offset) $(get found)"
	is still-applied-after-refusal "1001 3001" "$(values | cut -d' ' -f1,2)"
	echo 0 >$T/events/kprobes/enable
	echo >$T/kprobe_events
	drive revert
	is revert-after-kprobe-left "0 $ORIG" "$(get outcome) $(values)"
	rmmod suture_test_a

	# somebody else changes the instruction pointer of a function already
	load suture_test_a spec="$SID"
	drive apply suture_test_a
	echo 0 >/proc/sys/kernel/ftrace_enabled 2>/dev/null
	is ftrace-cannot-be-disabled "2001" "$($D getsid)"
	echo 1 >/proc/sys/kernel/ftrace_enabled 2>/dev/null
	drive revert
	rmmod suture_test_a
else
	bad tracefs "no kprobe_events"
fi

# cycles under load
(while :; do $D getpgid; cat /sys/module/suture_test_call/parameters/hex; done) >/tmp/seen 2>&1 &
LOAD1=$!
(while :; do $D getsid; ls -R /proc/1 >/dev/null 2>&1; done) >/tmp/seen2 2>&1 &
LOAD2=$!
load suture_test_a spec="$PGID,$HEX,$SID"
n=0 good=0 tries=0
while [ $n -lt "${CYCLES:-50}" ] && [ $tries -lt 400 ]; do
	tries=$((tries + 1))
	case $((n % 4)) in
	0) drive apply suture_test_a; want="1001 3001 2001" ;;
	1) drive revert; want=$ORIG ;;
	2) drive apply suture_test_b; want="1002 ${ORIG#* }" ;;
	3) drive revert; want=$ORIG ;;
	esac
	if [ "$(get outcome)" = 5 ]; then
		sleep 0.05
		continue
	fi
	n=$((n + 1))
	if [ "$(get outcome)" = 0 ] && [ "$(values)" = "$want" ]; then
		good=$((good + 1))
	else
		cat /tmp/out
	fi
done
kill $LOAD1 $LOAD2
wait 2>/dev/null
is cycles-under-load "${CYCLES:-50}" $good
echo "# tries $tries"
drive revert
is only-known-answers "" "$(grep -vx '[0-9]*\|1001\|1002' /tmp/seen | head -3)"
rmmod suture_test_a

# the length of the pause beside an empty one
# spread FILE: least, middle and greatest of its numbers
spread() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[1] "/" v[int((NR + 1) / 2)] "/" v[NR] }'
}
for tasks in ${SLEEPERS:-0}; do
	[ "$tasks" != 0 ] || continue
	$D sleepers "$tasks" &
	S=$!
	until [ "$(find /proc -maxdepth 1 -name '[0-9]*' | wc -l)" -gt "$tasks" ]; do sleep 1; done
	sleep 2
	load suture_test_a spec="$PGID,$HEX"
	drive pause 50
	cp /tmp/out /tmp/empty
	: >/tmp/pause_ns
	: >/tmp/stop_ns
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		drive apply suture_test_a
		[ "$(get outcome)" = 0 ] || continue
		get pause_ns >>/tmp/pause_ns
		get stop_ns >>/tmp/stop_ns
		seen="before=$(get tasks_before) inside=$(get tasks_inside)"
		drive revert
	done
	echo "# sleepers=$tasks empty_ns=$(sed -n 's/^m.*_ns=//p' /tmp/empty | paste -s -d/)" \
		"stop_ns=$(spread /tmp/stop_ns) pause_ns=$(spread /tmp/pause_ns) $seen"
	rmmod suture_test_a
	kill "$S"
	killall drive 2>/dev/null
done

is no-kernel-warning "" "$(dmesg | grep 'WARNING\|BUG:\|Oops\|Call Trace' | head -3)"
[ $fails -eq 0 ]
