# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A patch of a library in the machine of tests/vm/system/run, under its systemd: a service that has a library of its own, which
# answers 1, and 2 with the patch. Uses the variables and functions of run and fleet.sh.
#
#   shop_build       on the host: the library, the program, and the patch $work/shop.bin
#   shop_starts      in the machine: installed, enabled at boot, running
#   shop_answers N   what the running service calls now
#   shop_*           the steps, each after the one before

shop_build() {
	mkdir -p "$work/service" || return 1
	# A build-id that no other run has.
	echo "const char shop_salt[] = \"$(date +%s%N)\"; __attribute__((noinline)) int shop_price(void) { __asm__ volatile(\"\"); return 1; }" \
		>"$work/service/lib.c"
	echo 'int fixed(void) { return 2; }' >"$work/service/fix.c"
	# The first answer of a process stays in the first line; SIGHUP: once more.
	cat >"$work/service/shop.c" <<-'END'
		#include <signal.h>
		#include <stdio.h>
		int shop_price(void);
		int main(void)
		{
			sigset_t set;
			int sig;

			sigemptyset(&set);
			sigaddset(&set, SIGHUP);
			sigprocmask(SIG_BLOCK, &set, NULL);
			do {
				printf("%d\n", shop_price());
				fflush(stdout);
			} while (sigwait(&set, &sig) == 0);
			return 0;
		}
	END
	printf '%s\n' '[Service]' 'ExecStart=/usr/local/bin/shop' 'StandardOutput=truncate:/run/shop' '[Install]' \
		'WantedBy=multi-user.target' >"$work/service/shop.service"
	(cd "$work/service" && gcc-12 -O2 -fPIC -shared -Wl,--build-id=sha1,-soname,libshop.so.1 -o libshop.so.1 lib.c &&
		gcc-12 -O2 -o shop shop.c libshop.so.1 && gcc-12 -O2 -fPIC -c -o fix.o fix.c) &&
		"$programs/tests/process/make-upatch" --target "$work/service/libshop.so.1" --object "$work/service/fix.o" \
			--replace shop_price=fixed --level 1 --id U20261122_01 --out "$work/shop.bin"
}

# The first answer of this process, and how often it is another one later.
shop_answers() { # N
	# shellcheck disable=SC2016
	on 'n=$(wc -l </run/shop); systemctl kill -s HUP shop; for i in $(seq 50); do [ "$(wc -l </run/shop)" = "$n" ] || break; sleep 0.1; done
		tail -n 1 /run/shop' >"$work/said"
	[ "$(cat "$work/said")" = "$1" ] || { echo "the service says '$(cat "$work/said")', not $1"; return 1; }
}

# In the folder that the patch names: there the daemon waits for the first process, too.
shop_starts() {
	system_put "$work/service/libshop.so.1" "$work/service/shop" "$work/service/shop.service" root@127.0.0.1:/root/ &&
		on 'install -m 644 libshop.so.1 /usr/lib/ && install -m 755 shop /usr/local/bin/ &&
			install -m 644 shop.service /etc/systemd/system/ && systemctl daemon-reload && systemctl enable --now shop' &&
		shop_answers 1
}

shop_counts() { # PATCHED
	on suture lib status --json >"$work/lib.json" || return 1
	jq -e --argjson n "$1" '[.libraries[] | select(.name == "libshop.so.1")][0] | .processes == 1 and .patched == $n' \
		"$work/lib.json" >/dev/null || { jq -c . "$work/lib.json"; return 1; }
}

shop_stood_its_probation() {
	shop_counts 1 && jq -e '[.libraries[] | select(.name == "libshop.so.1")][0].phase == "good"' "$work/lib.json" >/dev/null
}

# From the portal to the memory of a service that goes on; nobody types anything.
shop_is_patched() {
	fleet_release "$work/shop.bin" || return 1
	shop_process=$(on systemctl show -P MainPID shop)
	until_true 90 shop_counts 1 && shop_answers 2 || return 1
	[ "$(on systemctl show -P MainPID shop)" = "$shop_process" ] &&
		on 'systemctl is-active suture-process && systemctl is-enabled suture-process'
}

# What the service did first in its life was new code: the library was patched before it ran.
shop_begins_patched() {
	until_true 60 shop_counts 1 && shop_answers 2 || return 1
	on 'head -n 1 /run/shop; systemctl show -P ActiveState,SubState suture-process suture-libraries@started' >"$work/said"
	cat "$work/said"
	[ "$(head -n 1 "$work/said")" = 2 ] && [ -z "$(on systemctl --failed --no-legend)" ]
}

# Killed: the service does not notice, the daemon is back, is told what is to run, and patches who starts then. Also on a slow machine,
# where others are still being told of its end when it is back.
shop_survives_the_daemon() {
	on 'mkdir -p /run/systemd/system/suture-libraries@.service.d && printf "[Service]\nExecStartPost=/bin/sleep 3\n" \
		>/run/systemd/system/suture-libraries@.service.d/slow.conf && systemctl daemon-reload' || return 1
	daemon=$(on systemctl show -P MainPID suture-process) && on systemctl kill -s KILL suture-process && shop_answers 2 || return 1
	until_true 30 shop_daemon_is_another "$daemon" && until_true 30 shop_counts 1 &&
		on systemctl restart shop && until_true 20 shop_counts 1 && shop_answers 2 && [ "$(on head -n 1 /run/shop)" = 2 ]
}
shop_daemon_is_another() {
	on systemctl show -P MainPID suture-process >"$work/pid"
	[ "$(cat "$work/pid")" != "$1" ] && [ "$(cat "$work/pid")" != 0 ] && on systemctl is-active suture-process
}

# Without the package: the original code, nothing is left that runs, and whoever removed it is told.
shop_is_as_before() {
	shop_answers 2 || return 1 # also after the crash of another patch
	says 'all processes run the original code' on 'DEBIAN_FRONTEND=noninteractive apt-get -qq remove -y suture-process' &&
		shop_answers 1 || return 1
	on systemctl is-active suture-process && return 1
	on 'test ! -e /run/suture/process.sock && ! grep -lx suture-process /proc/[0-9]*/comm && [ -z "$(systemctl --failed --no-legend)" ]'
}
