# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# The function tracer sees the function before, while and after it is patched;
# switched on before or after the patch; and with the ftrace redirect.
# needs: version static-key
tracing=/sys/kernel/tracing
trace_on() { echo "$1" >$tracing/set_ftrace_filter; echo function >$tracing/current_tracer; }
trace_off() { echo nop >$tracing/current_tracer; echo >$tracing/set_ftrace_filter; }
seen() { # FUNCTION FILE
	echo >$tracing/trace
	cat "$2" >/dev/null
	want "$1 " cat $tracing/trace
}
trace_on version_proc_show
seen version_proc_show /proc/version
apply version
want "suture level one" cat /proc/version
seen version_proc_show /proc/version
trace_off
want "suture level one" cat /proc/version
trace_on version_proc_show
seen version_proc_show /proc/version
revert
seen version_proc_show /proc/version
trace_off
nothing_applied

apply static-key
trace_on show_enabled
want "suture 0x" cat /sys/kernel/mm/lru_gen/enabled
seen show_enabled /sys/kernel/mm/lru_gen/enabled
trace_off
want "suture 0x" cat /sys/kernel/mm/lru_gen/enabled
echo 0 >/proc/sys/kernel/ftrace_enabled 2>/dev/null || true
want "suture 0x" cat /sys/kernel/mm/lru_gen/enabled
echo 1 >/proc/sys/kernel/ftrace_enabled
revert
want_not suture cat /sys/kernel/mm/lru_gen/enabled
