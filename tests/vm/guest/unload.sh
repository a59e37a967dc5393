# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Neither the engine nor the payload can be unloaded while a patch is applied.
# needs: version
apply version
module=$(field module)
[ -n "$module" ] || die "status does not name the payload: $(suture status --json)"
want "$module" lsmod
refused . rmmod suture
refused . rmmod "$module"
want "suture level one" cat /proc/version
revert
nothing_applied
