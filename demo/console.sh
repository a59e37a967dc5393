# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# The third act of the demo: the customer's console. Scan results of a fleet come in, findings are mapped to live patches, a job closes what
# can be closed on the real server. For demo/run, whose variables and functions it uses. Beside the server in the virtual machine there are
# 24 that are not there: they enrol and check in as agents do, and say what the act needs.
#
#   console_act         everything, or fails
#   console_summary     what the console says of the fleet, and fails when it is not what it should be
#   console_stay        leaves console and portal running for console_minutes, and says where

console_minutes=${SUTURE_DEMO_MINUTES:-30}

# standin NAME LEVEL BUILD-ID RELEASE DISTRIBUTION: one that is not there enrols and checks in
standin() {
	standin_id=$(printf '%s' "$1" | md5sum | cut -c1-32)
	jq -n --rawfile key "$work/key" --arg n "$1" --arg m "$standin_id" --arg b "$3" --arg r "$4" --arg d "$5" \
		'{key: ($key | rtrimstr("\n")), external_id: $n, products: ["kernel"], system: {machine_id: $m, product_uuid: $m, hostname: $n,
		 fqdn: ($n + ".example.net"), arch: "x86_64", distribution: $d, release: $r, build_id: $b, agent: "0.1.0"}}' >"$work/standin.json"
	api POST /v1/enroll "@$work/standin.json" "$work/none" >"$work/standin.answer" || return 1
	(umask 077 && jq -r '"Authorization: Bearer " + .credential' "$work/standin.answer" >"$work/standin.auth")
	patchset=
	[ "$2" = 0 ] || patchset=$fleet_released
	jq -n --argjson serial "$(jq .serial "$work/standin.answer")" --arg m "$standin_id" --arg b "$3" --arg r "$4" --argjson l "$2" --arg p "$patchset" \
		'{serial: $serial, nonce: $m, machine_id: $m, product_uuid: $m, boot_id: $m, state: (if $l > 0 then "current" else "pending" end), level: $l, patchset: $p,
		 uptime_s: 864000, agent: "0.1.0", kernel: {release: $r, build_id: $b, arch: "x86_64"}}' >"$work/standin.json"
	api POST /v1/checkin "@$work/standin.json" "$work/standin.auth" >"$work/standin.answer"
}

console_fleet() {
	build_id=$("$sb" target show "$target" --json | jq -r .build_id)
	other=$(printf 'another kernel' | sha1sum | cut -c1-40)
	for name in web-1 web-2 web-3 web-4 web-5 web-6 db-1 db-2 db-3; do
		standin $name 1 "$build_id" "$target_release" 'Debian 12' || return 1
	done
	for name in app-1 app-2 app-3 app-4 app-5 db-4 cache-1 cache-2 mail-1; do
		standin $name 0 "$build_id" "$target_release" 'Debian 12' || return 1
	done
	for name in edge-1 edge-2 edge-3 edge-4; do
		standin $name 0 "$build_id" "$target_release" 'Debian 12' || return 1
	done
	for name in build-1 build-2; do
		standin $name 0 "$other" 6.1.0-30-amd64 'Debian 12' || return 1
	done
}

# What scanners say of all of them but the four at the edge, each in its own format.
console_scans() {
	package=linux-image-$target_release
	version=$(on uname -v | grep -o '6\.[0-9.]*-[0-9]*' | tail -n 1)
	scan() { # FORMAT FILE HOSTS
		awk -v format="$1" -v hosts="$3" -v package="$package" -v version="$version" -f "$top/demo/scan.awk" "$work/changelog" >"$work/$2"
		set -- "$@" --format "$1"
		file=$work/$2
		hosts=$3
		shift 3
		case $hosts in *' '*) ;; *) set -- "$@" --system "$hosts" ;; esac
		console_exe import --config "$work/console.conf" "$@" "$file" || return 1
	}
	scan csv servers.csv 'web-1 web-2 web-3 db-1 db-2 db-3 db-4 cache-1 cache-2 mail-1 build-1 build-2' &&
		scan trivy web-4.json web-4 && scan trivy web-5.json web-5 && scan trivy web-6.json web-6 &&
		scan trivy app-1.json app-1 && scan trivy app-2.json app-2 && scan trivy app-3.json app-3 &&
		scan debsecan app-4.txt app-4 && scan debsecan app-5.txt app-5 && scan debsecan server1.txt server1
}

console_job_done() { console_until 120 '.items[0].state != "running"' /v1/jobs; }

console_act() {
	say "The customer's side: a console, connected to the portal"
	quietly customer_start
	quietly console_admin
	quietly console_connect
	quietly customer_changelog
	echo "  console $console; the kernel's changelog: $(grep -o 'CVE-[0-9]*-[0-9]*' "$work/changelog" | sort -u | wc -l) CVEs"

	say "24 more servers, which only speak as agents do; and the real one waits for the console's jobs from now on"
	quietly console_api GET /v1/portal
	jq -r .job_key.public "$work/body" | on 'cat >/etc/suture/job-keys.d/console.pub'
	on 'cat >/etc/suture/console-ca.pem' <"$work/tls.crt"
	on "printf 'console = https://10.0.2.2:$console_port\nconsole-ca = /etc/suture/console-ca.pem\nupdate = manual\n' >>/etc/suture/agent.conf
		systemctl restart sutured"
	if plays kernel; then
		quietly on suture unload
	else
		quietly fleet_release "$work/kpatch.bin"
	fi
	quietly console_fleet
	console_api POST /v1/portal/sync '{}' >/dev/null || true
	quietly console_until 60 '.systems.total == 25' /v1/posture
	echo "  the console knows $(jq .systems.total "$work/until.json") systems"

	say "What scanners found: CSV, Trivy, debsecan"
	quietly console_scans
	quietly console_until 120 '[.items[] | select(.state == "done")] | length == 10' '/v1/scans?limit=50'
	jq -r '.items | reverse[] | "  \(.format)\t\(.name)\t\(.hosts) hosts, \(.findings) findings"' "$work/until.json" | expand -t 14
	quietly console_until 60 ".verdicts[\"live-fixed\"] == 9 and .verdicts[\"fix-ready\"] >= 10" "/v1/cves/$cve"
	cp "$work/until.json" "$work/cve.json"
	jq -r '"  \(.cve): " + ([.verdicts | to_entries[] | select(.value > 0) | "\(.value) \(.key)"] | join(", "))' "$work/cve.json"

	say "Live patch this: a job for the real server, signed by the console"
	quietly console_api GET '/v1/systems?q=server1'
	console_system=$(jq -r '.items[0].id' "$work/body")
	kernel_check console_before
	printf '{"title":"Close %s","action":"apply","products":["kernel"],"select":{"systems":["%s"],"cves":["%s"]}}' \
		"$cve" "$console_system" "$cve" >"$work/job.json"
	quietly console_api POST /v1/jobs "@$work/job.json"
	console_job=$(jq -r .id "$work/body")
	quietly console_until 180 '.state != "running"' "/v1/jobs/$console_job"
	quietly console_api GET "/v1/jobs/$console_job/systems/$console_system"
	jq -r '"  \(.outcome), level \(.before_level) → \(.after_level), signature of the result: \(.signature)",
		(.steps[] | "    \(.step)\t\(.outcome)\t\(.took_ms) ms")' "$work/body" | expand -t 24
	console_outcome=$(jq -r .outcome "$work/body")
	kernel_check console_after
}

console_summary() {
	quietly console_until 60 '.verdicts["live-fixed"] == 10' "/v1/cves/$cve"
	quietly console_api GET /v1/posture
	jq -r '"  fleet                    \(.systems.total) systems: \(.systems.protected) protected, \(.systems.exposed) exposed, \(.systems.unknown) not scanned",
		"  findings                 \([.verdicts[]] | add) (system, CVE): " + ([.verdicts | to_entries[] | select(.value > 0) | "\(.value) \(.key)"] | join(", "))' "$work/body"
	echo "  the job                  $console_outcome; before $seen_console_before, after $seen_console_after"
	[ "$console_outcome" = applied ] || fail "the job ended as $console_outcome"
	[ "$direction" = reverse ] || [ "$seen_console_before $seen_console_after" = "VULNERABLE FIXED" ] ||
		fail "expected VULNERABLE, then FIXED"
}

# The virtual machine ends; what people look at stays, and ends by itself.
console_stay() {
	system_clean
	rm -rf "$work/vm"
	keep_pids="$console_pid $portal_pid"
	# shellcheck disable=SC2016,SC2086
	setsid sh -c 'sleep "$1"; shift; folder=$1; shift; kill "$@" 2>/dev/null; sleep 2; rm -rf "$folder"' \
		demo-keeper $((console_minutes * 60)) "$work" $keep_pids </dev/null >/dev/null 2>&1 &
	repo_signer_stop
	[ -z "$signer_dir" ] || rm -rf "$signer_dir"
	echo
	echo "The console stays for $console_minutes minutes (sooner: kill $keep_pids):"
	echo "  $console     user admin, password '$first_password'"
	echo "  Its certificate is this demo's own, so a browser asks first."
}
