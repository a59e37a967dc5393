# SPDX-License-Identifier: Apache-2.0
# The data that debsecan asks Debian's security tracker for (version 1, not compressed), out of a changelog: the binary package PACKAGE has each
# CVE until the version that the changelog says closed it.
#
#   awk -v package=linux-image-6.1.0-47-cloud-amd64 -f debsecan.awk CHANGELOG
/^[a-z].* \(/ {
	at = $2
	gsub(/[()]/, "", at)
}
{
	line = $0
	while (match(line, /CVE-[0-9][0-9][0-9][0-9]-[0-9]+/)) {
		cve = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (!(cve in fixed))
			order[n++] = cve
		fixed[cve] = at
	}
}
END {
	print "VERSION 1"
	for (i = 0; i < n; i++)
		print order[i] ",,of the changelog"
	print ""
	for (i = 0; i < n; i++)
		print package "," i ",B  F," fixed[order[i]] ","
	print ""
	print package "," package
	print ""
}
