# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# A newer CPU model: the kernel patches other alternatives and mitigations into
# itself, and the comparison of the running code must know all of them.
# needs: version busy extable tracepoint
# cpu: max
for name in version busy extable tracepoint; do
	suture verify $name.bin || die "verify $name"
	apply $name
	revert
done
nothing_applied
