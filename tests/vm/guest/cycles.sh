# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Applied and reverted again and again under load.
# needs: version loadavg new-function
# seconds: 300
load_start
for n in $(seq 1 24); do
	case $((n % 3)) in
	0) name=version file=/proc/version ;;
	1) name=loadavg file=/proc/loadavg ;;
	2) name=new-function file=/proc/uptime ;;
	esac
	apply $name >/dev/null
	want suture cat $file
	revert >/dev/null
	want_not suture cat $file
done
load_stop
nothing_applied
