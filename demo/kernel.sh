# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# The first act of the demo: a hole of the kernel, closed in the virtual machine's running kernel by the agent.
# For demo/run, whose variables and functions it uses.
#
#   kernel_choose       which kernel, and in which direction: $target, which the machine runs in either act
#   kernel_build        the fix, the patch: $work/kpatch.bin
#   kernel_before       what the machine's kernel is like before anything is installed
#   kernel_act          everything in the machine, or fails
#   kernel_summary      says what was seen, and fails when it is not what it should be

stock=6.1.0-47-cloud-amd64
old=6.1.170-3  # source of the stock kernel
new=6.1.187-1  # source with the fix
file=net/unix/af_unix.c
function=unix_ioctl
cve=CVE-2026-52928

have_target() { "$sb" target show "debian/$1" >/dev/null 2>&1; }

kernel_choose() {
	direction=fix
	if [ -z "$target" ]; then
		target=debian/$stock
		if [ -z "$from" ] && ! have_target "$stock" && [ -z "$(offered "linux-image-$stock")" ]; then
			newest=$(apt-cache search --names-only '^linux-image-6\.1\.0-[0-9]+-cloud-amd64$' |
				awk '{print $1}' | sort -V | tail -1)
			[ -n "$newest" ] || fail "apt offers no Debian 12 cloud kernel; run: apt-get update"
			target=debian/${newest#linux-image-}
		fi
	fi
	[ "$target" = "debian/$stock" ] || direction=reverse
	target_release=${target#*/}
	say "Target: $target"
	if ! have_target "${target#debian/}"; then
		"$sb" target add "$target" ${from:+--from "$from"}
	fi
	source=$("$sb" target show "$target" --json | sed -n 's/^ *"source": "\(.*\)",*$/\1/p')
	[ -d "$source" ] || fail "the profile of $target has no source tree; run: $sb target remove $target"
}

kernel_build() {
	say "Fix: $cve, $function in $file"
	if [ "$direction" = fix ]; then
		if [ -z "$from" ] && ! offered linux-source-6.1 | grep -Fqx "$new"; then
			new=$(offered linux-source-6.1 | tail -1)
			dpkg --compare-versions "${new:-0}" ge 6.1.177-1 ||
				fail "apt offers no kernel source with the fix (6.1.177-1 or later); add bookworm-security to its sources and run: apt-get update"
			echo "linux-source-6.1=6.1.187-1 is no longer offered, taking $new"
		fi
		set -- --from "debian/linux-source-6.1=$old" --to "debian/linux-source-6.1=$new"
		if [ -n "$from" ]; then
			set -- --from "$from/linux-source-6.1_${old}_all.deb" --to "$from/linux-source-6.1_${new}_all.deb"
		fi
		"$sb" fix "$@" --file "$file" --function "$function" -o "$work/siocatmark.patch"
	else
		echo "NOTE: $stock is not used, so the fix is REVERSED: $target has it already."
		echo "NOTE: the patch takes it out. VULNERABLE is shown while the patch is applied,"
		echo "NOTE: and 'closing the hole' is the revert of the patch."
		mkdir -p "$work/a/${file%/*}" "$work/b/${file%/*}"
		cp "$source/$file" "$work/a/$file"
		# In the SIOCATMARK case: the check of the socket type and its return.
		sed '/case SIOCATMARK:/,/break;/{/sk->sk_type != SOCK_STREAM/,/EOPNOTSUPP/d}' \
			"$source/$file" >"$work/b/$file"
		if (cd "$work" && diff -u "a/$file" "b/$file") >"$work/siocatmark.patch"; then
			fail "$file of $target does not have the fix; nothing to reverse"
		fi
	fi
	cat "$work/siocatmark.patch"

	say "Building the live patch"
	set -- --target "$target" --fix "$work/siocatmark.patch" --level 1 -o "$work/kpatch.bin"
	[ "$direction" = reverse ] || set -- "$@" --cve "$cve"
	"$sb" kernel "$@"
}

kernel_check() { # NAME: asks as a user without rights; the first word is kept in seen_NAME
	answer=$(on "su -s /bin/sh nobody -c siocatmark") || true
	echo "  an unprivileged program finds: $answer"
	eval "seen_$1=\${answer%%:*}"
}

kernel_before() {
	quietly system_put "$build/demo/siocatmark" "$build/demo/pingpong" root@127.0.0.1:/usr/local/bin/
	kernel_check before
}

next_period() { on 'kill -USR1 $(cat /run/pingpong.pid)'; }

kernel_act() {
	say "Traffic that notices every loss starts"
	# shellcheck disable=SC2016
	on 'nohup pingpong quiet closing opening closing-again >/run/traffic 2>&1 </dev/null & echo $! >/run/pingpong.pid'
	sleep 5
	next_period

	say "The patch is released to the feed: from here on nobody types anything on the server"
	quietly fleet_release "$work/kpatch.bin"
	started=$(date +%s)
	echo "  released: $fleet_released"
	for _ in $(seq 90); do
		on 'test "$(cat /sys/kernel/suture/state 2>/dev/null)" = applied' && break
		sleep 1
	done
	echo "  $(($(date +%s) - started)) s later:"
	on suture status | sed 's/^/    /'
	on suture status --json >"$work/applied.json"
	kernel_check closed
	portal_shows current 1

	say "What nobody has signed, and what was changed, is refused"
	middle=$(($(stat -c %s "$work/kpatch.bin") / 2))
	cp "$work/kpatch.bin" "$work/unsigned.bin"
	{
		head -c $middle "$work/kpatch.bin"
		tail -c +$((middle + 1)) "$work/kpatch.bin" | head -c 1 | tr '\000-\377' '\001-\377\000'
		tail -c +$((middle + 2)) "$work/kpatch.bin"
	} >"$work/changed.bin"
	cp "$work/repo/public/targets/kernel/"*/*.kpatch.bin.sig "$work/changed.bin.sig"
	quietly system_put "$work/unsigned.bin" "$work/changed.bin" "$work/changed.bin.sig" root@127.0.0.1:/root/
	refusals=
	for f in unsigned changed; do
		refusals="$refusals $(on "suture apply --json /root/$f.bin" | jq -r .outcome)"
	done
	echo " $refusals"
	next_period

	say "Taken out by the administrator, and put back"
	on suture unload | sed 's/^/  /'
	kernel_check opened
	next_period
	on suture update | sed 's/^/  /'
	kernel_check again
	sleep 3
	on 'kill -TERM $(cat /run/pingpong.pid); while kill -0 $(cat /run/pingpong.pid) 2>/dev/null; do sleep 0.1; done; cat /run/traffic' >"$work/out"
	portal_shows current 1
}

figure() { # PERIOD WORD: the value after the word
	sed -n "s/^$1: .*$2 \([0-9.]*\).*/\1/p" "$work/out"
}
ms() { awk -v v="${1:-0}" -v d="$2" 'BEGIN { printf "%.2f", v / d }'; }
sum() { awk -v w="$1" '{ for (i = 1; i < NF; i++) if ($i == w) n += $(i + 1) } END { printf "%d", n }' "$work/out"; }

kernel_summary() {
	lost=$(sum lost) reordered=$(sum reordered) messages=$(sum messages)
	pause=$(jq -r '.patch.pause_ns // empty' "$work/applied.json")
	[ "$direction" = fix ] || echo "  (reversed: the patch takes the fix out of a kernel that has it)"
	echo "  stock kernel             $seen_before"
	echo "  patched by the agent     $seen_closed"
	echo "  after suture unload      $seen_opened"
	echo "  after suture update      $seen_again"
	echo "  traffic                  $messages messages, lost $lost, reordered $reordered"
	echo "  longest gap              $(ms "$(figure quiet longest_gap_us)" 1000) ms without a switch," \
		"$(ms "$(figure closing longest_gap_us)" 1000) ms and" \
		"$(ms "$(figure opening longest_gap_us)" 1000) ms with one"
	echo "  pause                    $(ms "$pause" 1000000) ms with all CPUs held"
	echo "  without trust            refused:$refusals"
	[ "$refusals" = " unsigned bad-signature" ] ||
		fail "expected that the unsigned and the changed file are refused"
	expected="VULNERABLE FIXED VULNERABLE FIXED"
	[ "$direction" = fix ] || expected="FIXED VULNERABLE FIXED VULNERABLE"
	[ "$seen_before $seen_closed $seen_opened $seen_again" = "$expected" ] || fail "expected $expected"
	[ "$messages" -gt 0 ] && [ "$lost" = 0 ] && [ "$reordered" = 0 ] || fail "traffic was lost"
	[ -n "$pause" ] || fail "the engine did not say how long the pause was"
}
