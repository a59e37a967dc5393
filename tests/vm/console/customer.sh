# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# The customer's side of one virtual machine: a console that the machine can reach, a browser, and a scanner's view of the machine. Wants
# what tests/vm/system/fleet.sh and lib.sh want, after fleet_start.
#
#   customer_start         a console with TLS; $work/console.auth; customer_clean ends it
#   customer_once          its one-time password, while nobody has changed it
#   customer_token FILE    a token of the portal for the console, with the roles that it needs and no more
#   browser STEP...        one step of tests/web/flow.mjs
#   customer_changelog     the kernel's changelog of the newest package, into $work/changelog; the portal gets it too
#   customer_oval          oval.xml in the machine: one definition for each CVE that the changelog names
#   customer_scan OUT      `oscap oval eval` there; its results become OUT
#   customer_debsecan OUT  what debsecan prints there, with the changelog's CVEs as its data

# shellcheck source=tests/e2e/console-lib.sh
. "$top/tests/e2e/console-lib.sh"

customer_start() {
	console_scheme=https
	console_host=10.0.2.2
	# The browser is on this machine.
	console_start "tls-cert = $work/tls.crt" "tls-key = $work/tls.key"
}

customer_clean() { console_stop; }

customer_once() { sed -n 's/^Password: *//p' "$work/console-init.out" | head -n 1; }

customer_token() { # FILE
	api POST /v1/tokens '{"name":"console","roles":["viewer","key-manager"],"expires":"'"$(in_days 200)"'"}' >"$work/token.json" ||
		{ cat "$work/token.json"; return 1; }
	(umask 077 && jq -er .token "$work/token.json" >"$1")
	made=$?
	rm "$work/token.json"
	return $made
}

browser() {
	CONSOLE=$console STATE=$work/browser.json PICTURE=$work/browser.png \
		timeout 120 node "$top/tests/web/flow.mjs" "$@"
}

customer_changelog() {
	mkdir -p "$work/changelog.deb" && chmod 777 "$work/changelog.deb" &&
		(cd "$work/changelog.deb" && apt-get -qq download linux-libc-dev) &&
		dpkg-deb --fsys-tarfile "$work"/changelog.deb/linux-libc-dev_*.deb |
		tar xO ./usr/share/doc/linux-libc-dev/changelog.Debian.gz | gunzip >"$work/changelog" || return 1
	rm -r "$work/changelog.deb"
	grep -q CVE- "$work/changelog" || return 1
	api POST /v1/sources/debian/linux/changelog "@$work/changelog"
}

customer_oval() {
	"$programs/tests/vm/make-oval" "$work/changelog" >"$work/oval.xml" &&
		system_put "$work/oval.xml" root@127.0.0.1:/root/oval.xml
}

customer_scan() {
	on 'cd /root && rm -f results.xml && oscap oval eval --results results.xml oval.xml >/dev/null && gzip -c results.xml' |
		gunzip >"$1" && [ -s "$1" ]
}

# debsecan's data are on the network: the changelog's CVEs are given to it in their format.
customer_debsecan() {
	awk -v package="linux-image-$target_release" -f "$top/tests/vm/console/debsecan.awk" "$work/changelog" >"$work/debsecan.data" &&
		system_put "$work/debsecan.data" root@127.0.0.1:/root/ &&
		on 'cd /root && mkdir -p tracker && python3 -c "import sys, zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))" \
			<debsecan.data >tracker/bookworm && debsecan --suite=bookworm --source=file:///root/tracker' >"$1" && [ -s "$1" ]
}
