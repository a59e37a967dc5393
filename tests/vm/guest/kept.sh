# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# A payload that stays loaded after the revert, because the address of its new
# function may have escaped, is used again when the patch is applied again.
# needs: kept
# leaves: a payload, which holds the engine
apply kept
module=$(field module)
want "suture 42" cat /proc/devices
revert
want_not suture cat /proc/devices
want "$module" lsmod
apply kept
want "suture 42" cat /proc/devices
want "$module" field module
revert
nothing_applied
