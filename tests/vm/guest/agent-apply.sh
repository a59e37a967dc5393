# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# suture-apply on a real kernel: a signed patch is staged from sealed memory, looked at, applied, compared, stands
# its probation and is taken out again; the command line and the agent keep out of each other's way.
# needs: version two=version2+loadavg@2
rm -rf /etc/suture /var/lib/suture /run/suture
mkdir -p /etc/suture/keys.d
sign key vendor
cp vendor.pub /etc/suture/keys.d/
sign patch vendor.key version.bin
sign patch vendor.key two.bin
echo 'probation = 3s' >/etc/suture/agent.conf
socket=/run/suture/apply.sock

agent=
start() {
	suture-apply --idle 100 2>/tmp/log &
	agent=$!
	for n in 1 2 3 4 5 6 7 8 9 10; do
		! half $socket '{"verb": "status"}' >/dev/null 2>&1 || return 0
		sleep 0.2
	done
	die "no socket: $(cat /tmp/log)"
}
# ask WANT REQUEST [FILE]...
ask() {
	want_said=$1
	shift
	half $socket "$@" >/tmp/said 2>&1 || true
	grep -q -e "$want_said" /tmp/said || die "$1 does not say $want_said: $(cat /tmp/said /tmp/log)"
}
digest() { sha256sum "$1" | cut -d' ' -f1; }
one=$(digest version.bin) two=$(digest two.bin)
stage() { ask '"signed_by": "vendor"' "{\"verb\": \"stage\", \"sha256\": \"$(digest "$1")\"}" "$1" "$1.sig"; }

start
ask '"state": "supported"' '{"verb": "status"}'
ask '"build_id": "'"$(suture status --json | sed -n 's/.*"build_id": "\([0-9a-f]*\)".*/\1/p')"'"' '{"verb": "status"}'

echo "staged, looked at, applied"
stage version.bin
ask '"fits": true' "{\"verb\": \"preflight\", \"sha256\": \"$one\"}"
nothing_applied
ask '"outcome": "applied"' "{\"verb\": \"apply\", \"sha256\": \"$one\", \"dry_run\": true}"
nothing_applied
ask '"outcome": "applied"' "{\"verb\": \"apply\", \"sha256\": \"$one\"}"
grep -q '"phase": "probation"' /run/suture/state.json || die "$(cat /run/suture/state.json)"
want "suture level one" cat /proc/version
ask '"outcome": "already-applied"' "{\"verb\": \"apply\", \"sha256\": \"$one\"}"
ask '"outcome": "verified"' '{"verb": "verify"}'

echo "good after its probation"
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	half $socket '{"verb": "settle"}' >/tmp/said
	! grep -q '"phase": "idle"' /tmp/said || break
	sleep 1
done
ask '"phase": "idle"' '{"verb": "settle"}'
echo 'probation = 1h' >/etc/suture/agent.conf
ask '"ours": true' '{"verb": "status"}'
grep -q "$one" /var/lib/suture/apply/kernels/*/guard.json || die "not good"

echo "what runs is not lost by a lower level or a conflict"
stage two.bin
tracing=/sys/kernel/tracing
probed=
for offset in 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
	echo "p:suture/mid loadavg_proc_show+$offset" >$tracing/kprobe_events 2>/dev/null &&
		echo 1 2>/dev/null >$tracing/events/suture/mid/enable && probed=$offset && break
done
[ -n "$probed" ] || die "no probe could be set"
ask '"reason": "conflict"' "{\"verb\": \"apply\", \"sha256\": \"$two\"}"
want "suture level one" cat /proc/version
echo 0 >$tracing/events/suture/mid/enable
echo >$tracing/kprobe_events
ask '"outcome": "applied"' "{\"verb\": \"apply\", \"sha256\": \"$two\"}"
want "suture level two" cat /proc/version
ask '"reason": "lower-level"' "{\"verb\": \"apply\", \"sha256\": \"$one\"}"
ask '"outcome": "applied"' "{\"verb\": \"apply\", \"sha256\": \"$one\", \"down\": true}"
want "suture level one" cat /proc/version

echo "killed, it goes on where it was"
kill -9 "$agent"
wait "$agent" 2>/dev/null || true
start
ask '"phase": "probation"' '{"verb": "status"}'

echo "nobody else may ask"
chmod 666 $socket
cp /suture/half /tmp/half
su -s /bin/sh nobody -c "half $socket '{\"verb\": \"status\"}'" >/tmp/said 2>&1 || true
want 'not-root' cat /tmp/said

echo "taken out"
ask '"outcome": "reverted"' '{"verb": "unload", "reason": "a test"}'
nothing_applied
want_not suture_ cat /proc/modules
grep -q '"residue": false' /run/suture/state.json || die "$(cat /run/suture/state.json)"
ask '"unloaded": true' '{"verb": "status"}'

echo "by hand, and it sees that"
suture apply version.bin >/dev/null || die "by hand"
ask '"ours": ' '{"verb": "status"}'
ask '"outcome": "reverted"' '{"verb": "unload"}'

kill "$agent"
wait "$agent" || die "it does not end in order: $(cat /tmp/log)"
want_not 'BUG\|Oops' dmesg
rm -rf /etc/suture /var/lib/suture /run/suture
nothing_applied
