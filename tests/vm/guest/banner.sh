# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# The banner in the manifest is this kernel's /proc/version, so its SHA-1 is the kernel's name for
# KernelCare's tooling.
# needs: version
nothing_applied
banner=$(suture info --json /suture/version.bin | grep -o '"banner": *"[^"]*"' |
	sed 's/^"banner": *"//; s/"$//')
want "$(sha1sum </proc/version)" sh -c "printf '%s\n' '$banner' | sha1sum"
