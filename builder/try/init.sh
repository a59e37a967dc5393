#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# First program of the virtual machine that `suture-build try` boots.
#
# It prepares the file systems and runs /suture/plan, which calls step. What
# happens goes to the second serial port, framed by lines that begin with a
# word drawn for this boot, so that no output of a script can be taken for them:
#   WORD ready
#   WORD begin NAME
#   (output of the step)
#   WORD end NAME STATUS
#   WORD done
BB=/bin/busybox
$BB mkdir -p /bin /sbin /usr/bin /usr/sbin /proc /sys /dev /tmp /run /root /var/tmp
$BB --install -s
export PATH=/suture:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
chmod 1777 /tmp /dev/shm /var/tmp
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
ip link set lo up
cd /suture || exit 1

read -r WORD </suture/word
stty -F /dev/ttyS1 raw -echo
exec 3>/dev/ttyS1

# step NAME COMMAND...: runs it and reports; the status is that of COMMAND.
step() {
	step_name=$1
	shift
	printf '\n%s begin %s\n' "$WORD" "$step_name" >&3
	echo "suture-try: begin $step_name" >/dev/kmsg
	"$@" >&3 2>&1 3>&- </dev/null
	step_status=$?
	echo "suture-try: end $step_name $step_status" >/dev/kmsg
	printf '\n%s end %s %d\n' "$WORD" "$step_name" "$step_status" >&3
	return $step_status
}

# Runs the user's script: a program, or commands for the shell.
script() {
	case $(head -c 4 /suture/script) in
	'#!'* | ?ELF) /suture/script ;;
	*) /bin/sh /suture/script ;;
	esac
}

# Work on all CPUs while a patch is applied and reverted: system calls, new
# processes, pipes, directory walks, loopback traffic. Ends with load_stop.
load_start() {
	(while :; do dd if=/dev/zero of=/dev/null bs=4k count=2000; done) >/dev/null 2>&1 3>&- &
	LOAD=$!
	(while :; do find /proc /sys/kernel -maxdepth 3 | grep -c x; done) >/dev/null 2>&1 3>&- &
	LOAD="$LOAD $!"
	(while :; do echo x | nc -l -p 7 -s 127.0.0.1 & sleep 0.1; nc 127.0.0.1 7; wait; done) \
		>/dev/null 2>&1 </dev/null 3>&- &
	LOAD="$LOAD $!"
}
load_stop() {
	kill -9 $LOAD 2>/dev/null
	wait $LOAD 2>/dev/null
	LOAD=
}

printf '\n%s ready\n' "$WORD" >&3
. /suture/plan
printf '\n%s done\n' "$WORD" >&3
# Closing waits until all is sent.
exec 3>&-
poweroff -f
