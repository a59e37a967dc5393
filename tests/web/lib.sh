# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# A portal with patches and a console that does not know of it yet, for what runs a browser against them. Wants $top.
# Source it; then web_setup makes it all, and web_node runs a script of this folder with its addresses.

# shellcheck source=tests/e2e/repo.sh
. "$top/tests/e2e/repo.sh"
repo_setup
# shellcheck source=tests/e2e/portal-lib.sh
. "$top/tests/e2e/portal-lib.sh"
# shellcheck source=tests/e2e/console-lib.sh
. "$top/tests/e2e/console-lib.sh"
# shellcheck source=tests/e2e/portal-repo.sh
. "$top/tests/e2e/portal-repo.sh"
web_end() {
	console_stop
	portal_stop
	repo_clean
}
trap web_end EXIT

web_kernel=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

# Pages that cannot be built, or a browser that is not there, are not told as a failure of each test.
web_needs() { BUILD=$programs "$top/scripts/web" --browser; }

web_patch() { # LEVEL ID CVE...
	level=$1 id=$2
	shift 2
	"$programs/tests/e2e/release-helper" patch "$level" "$id" "$work/$id.bin" $web_kernel "$@" &&
		repo_sign release "$work/$id.bin" >&2
}

# K20261101_01 closes six CVEs and runs on some; K20261115_01 closes two more and is held.
web_portal() {
	portal_repo_make && portal_repo_start && portal_admin || return 1
	web_patch 1 K20261101_01 CVE-2026-1000 CVE-2026-1001 CVE-2026-1002 CVE-2026-1003 CVE-2026-1004 CVE-2026-1005 &&
		web_patch 2 K20261115_01 CVE-2026-1000 CVE-2026-1001 CVE-2026-1002 CVE-2026-1003 CVE-2026-1004 CVE-2026-1005 CVE-2026-1006 CVE-2026-1007 &&
		portal_sync >/dev/null &&
		api POST /v1/feeds/stable/promote '{"patchset":"K20261101_01"}' >/dev/null &&
		api POST /v1/feeds/stable/promote '{"patchset":"K20261115_01"}' >/dev/null &&
		api POST /v1/feeds/stable/hold '{"patchset":"K20261115_01","reason":"after the weekend"}' >/dev/null
}

web_connect() { # a token for the console, that the settings page is given
	api POST /v1/tokens '{"name":"console","roles":["viewer","key-manager"],"expires":"'"$(in_days 290)"'"}' >"$work/made.json" &&
		jq --arg url "$portal" '{url: $url, token: .token}' "$work/made.json" >"$work/connect.json"
}

web_node() {
	CONSOLE=$console CONSOLE_AUTH=$work/console.auth PORTAL=$portal PORTAL_AUTH=$work/admin.auth PORTAL_PID=$portal_pid \
		CONNECT=$work/connect.json node "$@"
}
