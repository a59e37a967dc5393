# SPDX-License-Identifier: Apache-2.0
# What scanners would say of servers, for the third act of the demo. Reads a Debian changelog; HOSTS names servers, with spaces. The CVEs
# are those that were closed after VERSION, and a finding is that the server's PACKAGE lacks them.
#
#   awk -v format=csv|trivy|debsecan -v hosts="web-1 web-2" -v package=… -v version=… -f scan.awk CHANGELOG
/^[a-z].* \(/ {
	at = $2
	gsub(/[()]/, "", at)
	if (at == version)
		exit
}
{
	line = $0
	while (match(line, /CVE-[0-9][0-9][0-9][0-9]-[0-9]+/)) {
		cve = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (!(cve in fixed))
			order[++n] = cve
		fixed[cve] = at
	}
}
function severity(i) {
	return i % 97 == 0 ? "CRITICAL" : i % 7 == 0 ? "HIGH" : i % 3 == 0 ? "LOW" : "MEDIUM"
}
END {
	nhosts = split(hosts, host, " ")
	if (format == "csv") {
		print "host,cve,package,version,fixed_version,severity"
		for (h = 1; h <= nhosts; h++)
			for (i = 1; i <= n; i++)
				print host[h] "," order[i] "," package "," version "," fixed[order[i]] "," tolower(severity(i))
	} else if (format == "debsecan") {
		for (i = 1; i <= n; i++)
			print order[i] " " package " (fixed, remotely exploitable)"
	} else {
		printf "{\"SchemaVersion\":2,\"ArtifactName\":\"%s\",\"ArtifactType\":\"filesystem\",\"Metadata\":{\"OS\":{\"Family\":\"debian\",\"Name\":\"12\"}}," \
		       "\"Results\":[{\"Target\":\"%s (debian 12)\",\"Class\":\"os-pkgs\",\"Type\":\"debian\",\"Vulnerabilities\":[", host[1], host[1]
		for (i = 1; i <= n; i++)
			printf "%s{\"VulnerabilityID\":\"%s\",\"PkgName\":\"%s\",\"InstalledVersion\":\"%s\",\"FixedVersion\":\"%s\",\"Severity\":\"%s\"}", \
			       (i > 1 ? "," : ""), order[i], package, version, fixed[order[i]], severity(i)
		print "]}]}"
	}
}
