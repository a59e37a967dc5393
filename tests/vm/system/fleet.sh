# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# What stands on the vendor's side of one virtual machine: a signed repository, a portal with TLS, the package of
# the agent. Wants $top and, of tests/vm/lib.sh, $work, $target and $sb.
#
#   fleet_setup, fleet_clean
#   fleet_start         repository with suture.ko of this kernel, portal ($fleet_url, as the machine sees it), a key in $work/key
#   fleet_release FILE  signs and releases a patch, and promotes it to the feed "stable"; its name is in $fleet_released
#   fleet_system        the one system of the portal, as JSON; fleet_gone: there is none

fleet_setup() {
	fleet_work=$work
	# shellcheck source=tests/e2e/repo.sh
	. "$top/tests/e2e/repo.sh"
	# shellcheck source=tests/e2e/portal-lib.sh
	. "$top/tests/e2e/portal-lib.sh"
	programs=${SUTURE_BUILD_DIR:-$top/build}
	chmod 755 "$work"
	signer_pid=
	signer_dir=
	web_pid=
	failures=0
	clock=
	# shellcheck source=tests/e2e/signer-copy.sh
	. "$top/tests/e2e/signer-copy.sh"
	printf 'correct horse battery staple\n' >"$work/passphrase"
	portal_scheme=https
	portal_host=10.0.2.2 # the host, in QEMU's user network
}

fleet_clean() {
	portal_stop
	repo_signer_stop
	[ -z "$signer_dir" ] || rm -rf "$signer_dir"
}

fleet_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3 \
		-keyout "$work/tls.key" -out "$work/tls.crt" -subj '/CN=Suture test portal' \
		-addext "subjectAltName=IP:127.0.0.1,IP:$portal_host" 2>/dev/null || return 1
	CURL_CA_BUNDLE=$work/tls.crt
	export CURL_CA_BUNDLE
}

# What the portal hands out: the package, and whom servers shall trust.
fleet_packages() {
	mkdir -p "$work/agent"
	make -s -C "$top" deb >&2 || return 1
	cp "$top"/out/packages/suture_*.deb "$top"/out/packages/suture-process_*.deb "$work/agent/" || return 1
	cp "$work/repo/keys/"*.minisign.pub "$work/agent/vendor.pub"
}

fleet_start() {
	repo_init || [ $? = 2 ] || return 1
	repo_signer_start && repo_sign publish || return 1
	"$sb" engine --target "$target" -o "$work/suture.ko" && repo_sign release-engine "$work/suture.ko" || return 1
	fleet_packages && fleet_certificate || return 1
	portal_start "repository = $work/repo/public" "repository-root = $work/root.json" \
		"agent-packages = $work/agent" "tls-cert = $work/tls.crt" "tls-key = $work/tls.key" || return 1
	fleet_url=https://$portal_host:$portal_port
	portal_admin || return 1
	api POST /v1/keys '{"kind":"random","note":"servers","feed":"stable"}' >"$work/key.json" || return 1
	(umask 077 && jq -r .key "$work/key.json" >"$work/key")
}

fleet_release() {
	repo_sign release "$1" || return 1
	api POST /v1/repository/sync '{}' || return 1
	fleet_released=$("$programs/agent/suture/suture" info --json "$1" | jq -r .manifest.id)
	api POST /v1/feeds/stable/promote "{\"patchset\":\"$fleet_released\"}"
}

fleet_system() {
	api GET /v1/systems >"$work/systems.json" || return 1
	fleet_id=$(jq -r '.items[0].system_id // .items[0].id' "$work/systems.json")
	api GET "/v1/systems/$fleet_id"
}

fleet_gone() { [ "$(api GET /v1/systems | jq '.items | length')" = 0 ]; }
