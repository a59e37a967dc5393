# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# The second act of the demo: a TLS server in the same virtual machine, whose libcrypto is patched in its memory by the agent.
# For demo/run, whose variables and functions it uses.
#
#   library_choose      which libssl3, and in which direction; the machine's image has it
#   library_build       the target, the fix, the patch: $work/upatch.bin
#   library_act         everything in the machine, or fails
#   library_summary     says what was seen, and fails when it is not what it should be

library_cve=CVE-2026-31790
library_file=providers/implementations/kem/rsa_kem.c
library_function=rsasve_generate
library_old=3.0.17-1~deb12u2 # has the hole
library_new=3.0.20-1~deb12u2 # does not
library_ssh=1:9.2p1-2+deb12u7 # is content with the old one

library_choose() {
	library_direction=fix
	library_version=$library_old
	system_ssh=openssh-server=$library_ssh,openssh-client=$library_ssh,openssh-sftp-server=$library_ssh
	if ! offered libssl3 | grep -Fqx "$library_old" || ! offered openssh-server | grep -Fqx "$library_ssh"; then
		system_ssh=
		library_version=$(offered libssl3 | tail -1)
		[ -n "$library_version" ] || fail "apt offers no libssl3; run: apt-get update"
		library_direction=reverse
	fi
	library_target=debian/libssl3=$library_version
	system_packages=libssl3=$library_version
}

library_build() {
	say "Second act, target: $library_target"
	if ! "$sb" target show "$library_target" >/dev/null 2>&1; then
		echo "  its source is built once, recorded, and proven against the package: this takes some minutes"
		"$sb" target add "$library_target"
	fi
	"$sb" target show "$library_target" --file libcrypto.so.3 --json >"$work/library.json"
	say "Fix: $library_cve, $library_function in $library_file"
	if [ "$library_direction" = fix ]; then
		"$sb" fix --from "debian/openssl=$library_old" --to "debian/openssl=$library_new" \
			--file "$library_file" --function "$library_function" -o "$work/rsasve.patch"
	else
		echo "NOTE: libssl3=$library_old is no longer offered, so the fix is REVERSED: $library_version has it already, and the"
		echo "NOTE: patch takes it out. VULNERABLE is shown while the patch is applied."
		library_source=$(jq -r '(if .root == "/" then "" else .root end) + .src_dir' "$work/library.json")
		mkdir -p "$work/a/${library_file%/*}" "$work/b/${library_file%/*}"
		cp "$library_source/$library_file" "$work/a/$library_file"
		sed 's/if (ret <= 0 || ret != (int)nlen)/if (ret == 0)/' "$library_source/$library_file" >"$work/b/$library_file"
		if (cd "$work" && diff -u "a/$library_file" "b/$library_file") >"$work/rsasve.patch"; then
			fail "$library_file of $library_target does not have the fix; nothing to reverse"
		fi
	fi
	cat "$work/rsasve.patch"
	set -- --target "$library_target" --file libcrypto.so.3 --fix "$work/rsasve.patch" --level 1 -o "$work/upatch.bin"
	[ "$library_direction" = reverse ] || set -- "$@" --cve "$library_cve"
	"$sb" library "$@"
}

# ask NAME: what the server says of itself; the first word is kept in talk_NAME, the process in $talk_process.
ask() {
	answer=$(on "tlstalk ask ${2:-4433}") || fail "the TLS server does not answer"
	echo "  the TLS server says: $answer"
	eval "talk_$1=\${answer%% *}"
	talk_process=$(echo "$answer" | sed 's/.*process \([0-9]*\).*/\1/')
}

# Until all processes run the patch but PID 1, which is left alone unless agent.conf says otherwise.
library_until_all() {
	for _ in $(seq 90); do
		on suture lib status --json >"$work/lib.json" 2>/dev/null &&
			jq -e '[.libraries[] | select(.name == "libcrypto.so.3")][0] | .patched > 0 and
				.patched + (.reasons.init // 0) == .processes' "$work/lib.json" >/dev/null && return 0
		sleep 1
	done
	cat "$work/lib.json" >&2
	on suture lib explain >&2
	fail "the processes of the machine do not come to run the patch"
}

library_act() {
	say "A TLS server is at work in the machine: one connection that stays, and new ones all the time"
	quietly system_put "$build/demo/tlstalk" root@127.0.0.1:/usr/local/bin/
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3 -keyout "$work/server1.key" \
		-out "$work/server1.crt" -subj /CN=server1 2>/dev/null
	quietly system_put "$work/server1.key" "$work/server1.crt" root@127.0.0.1:/root/
	on 'cd /root; nohup tlstalk server 4433 server1.crt server1.key >/run/tlstalk.log 2>&1 </dev/null &
		sleep 2; nohup tlstalk client 4433 >/run/talk 2>&1 </dev/null & echo $! >/run/talk.pid'
	sleep 3
	ask before
	library_process=$talk_process

	say "The patch of libcrypto is released: nobody types anything on the server, nothing is restarted"
	quietly fleet_release "$work/upatch.bin"
	started=$(date +%s)
	echo "  released: $fleet_released"
	library_until_all
	echo "  $(($(date +%s) - started)) s later:"
	on suture lib status | sed 's/^/    /'
	ask patched
	[ "$talk_process" = "$library_process" ] || fail "the server is another process now"

	say "A process that starts now is patched before it does anything"
	on 'cd /root; nohup tlstalk server 4434 server1.crt server1.key >>/run/tlstalk.log 2>&1 </dev/null & sleep 3'
	ask later 4434

	say "Taken out by the administrator, and put back"
	on suture lib unload | sed 's/^/  /'
	ask reverted
	on suture lib update | sed 's/^/  /'
	library_until_all
	ask again
	[ "$talk_process" = "$library_process" ] || fail "the server is another process now"
	on 'kill -TERM $(cat /run/talk.pid); while kill -0 $(cat /run/talk.pid) 2>/dev/null; do sleep 0.1; done; cat /run/talk' >"$work/talk"
	for _ in $(seq 30); do
		fleet_system >"$work/system.json"
		jq -e '[.libraries[]? | select(.level == 1 and .patched > 0)] | length > 0' "$work/system.json" >/dev/null && break
		sleep 1
	done
	jq -r '.libraries[] | select(.level == 1) | "  portal: \(.name), level \(.level): \(.patched) of \(.processes) processes"' "$work/system.json"
}

library_summary() {
	[ "$library_direction" = fix ] || echo "  (reversed: the patch takes the fix out of a libcrypto that has it)"
	echo "  TLS server in memory     $talk_before"
	echo "  patched by the agent     $talk_patched"
	echo "  one that starts later    $talk_later"
	echo "  after suture lib unload  $talk_reverted"
	echo "  after suture lib update  $talk_again"
	echo "  its traffic              $(cat "$work/talk")"
	expected="VULNERABLE FIXED FIXED VULNERABLE FIXED"
	[ "$library_direction" = fix ] || expected="FIXED VULNERABLE VULNERABLE FIXED VULNERABLE"
	[ "$talk_before $talk_patched $talk_later $talk_reverted $talk_again" = "$expected" ] || fail "expected $expected"
	lost=$(sed -n 's/.* lost \([0-9]*\) .*/\1/p' "$work/talk")
	[ "${lost:-x}" = 0 ] || fail "TLS messages were lost"
}
