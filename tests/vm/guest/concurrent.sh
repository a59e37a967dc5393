# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Two patches at once: one after the other, never a mixture.
# needs: version later=loadavg@2
for round in 1 2 3; do
	echo "round $round"
	apply_file version.bin >/tmp/one 2>&1 &
	one=$!
	apply_file later.bin >/tmp/two 2>&1 &
	two=$!
	one_status=0 two_status=0
	wait $one || one_status=$?
	wait $two || two_status=$?
	[ $one_status = 0 ] || [ $two_status = 0 ] || die "none was applied: $(cat /tmp/one /tmp/two)"
	level=$(field level)
	v=0 l=0
	grep -q "suture level one" /proc/version && v=1
	grep -q suture /proc/loadavg && l=1
	case $level:$v$l in
	1:10 | 2:01) ;;
	*) die "level $level but version $v, loadavg $l: $(cat /tmp/one /tmp/two)" ;;
	esac
	revert
	nothing_applied
	want_not suture cat /proc/loadavg
done
