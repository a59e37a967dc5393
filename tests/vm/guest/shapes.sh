# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# One change of every shape, each visible from user space, applied and reverted.
# needs: new-function new-static printk static-local extable syscall tracepoint cold no-fentry static-key tiny
try_shape() { # NAME TEXT-WHEN-PATCHED COMMAND...
	name=$1 text=$2
	shift 2
	echo "shape $name"
	want_not "$text" "$@"
	apply "$name"
	want "$text" "$@"
	want applied field state
	revert
	want_not "$text" "$@"
}
mask() { (umask 077; umask 027; sh -c umask); }
hidden() { touch /tmp/suture-hide-me; find /tmp | grep -q suture-hide-me || echo hidden; }
uuid_version() { cut -c15 /proc/sys/kernel/random/uuid | sed 's/^/version /'; }
fsync_tmpfs() { dd if=/dev/zero of=/tmp/fsync bs=1 count=1 conv=fsync 2>&1; }
boot_id() { cat /proc/sys/kernel/random/boot_id; }

try_shape new-function "suture 42" cat /proc/uptime
try_shape new-static "suture read" cat /proc/cmdline
try_shape printk "suture: softirqs read by cat" sh -c 'cat /proc/softirqs >/dev/null; dmesg -c'
try_shape syscall 0000 mask
try_shape cold "suture:" cat /proc/self/status
try_shape no-fentry "version 5" uuid_version
try_shape static-key "suture 0x" cat /sys/kernel/mm/lru_gen/enabled
try_shape tiny "Input/output error" fsync_tmpfs

echo "a new static variable keeps its value"
apply new-static
cat /proc/cmdline >/dev/null
want "suture read 2" cat /proc/cmdline
revert

echo "static data stays the same"
before=$(boot_id)
apply static-local
want "$(echo "$before" | tr a-f A-F)" boot_id
revert
[ "$(boot_id)" = "$before" ] || die "the boot id changed"

echo "the exception table of the payload works"
try_shape extable hidden hidden
apply extable
want "refused: EFAULT" /suture/probe getdents-fault
revert

echo "a tracepoint inside of a changed function fires"
tracing=/sys/kernel/tracing
want suture-a /suture/probe comm suture-a
apply tracepoint
want suture-b /suture/probe comm suture-a
echo 1 >$tracing/events/task/task_rename/enable
/suture/probe comm suture-a >/dev/null
want newcomm=suture-a cat $tracing/trace
echo 0 >$tracing/events/task/task_rename/enable
echo >$tracing/trace
revert
want suture-a /suture/probe comm suture-a
