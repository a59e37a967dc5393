# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# The same on a machine with four CPUs, under load.
# needs: version two=version2+loadavg@2 no-fentry
# cpus: 4
# seconds: 300
want 4 nproc
load_start
for n in 1 2 3 4 5; do
	echo "cycle $n"
	apply version >/dev/null
	apply two >/dev/null
	want "suture level two" cat /proc/version
	revert >/dev/null
	nothing_applied
	apply no-fentry >/dev/null
	revert >/dev/null
done
load_stop
