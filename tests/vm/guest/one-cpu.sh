# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# The same on a machine with one CPU.
# needs: version static-key
# cpus: 1
want 1 nproc
apply version
want "suture level one" cat /proc/version
revert
apply static-key
want "suture 0x" cat /sys/kernel/mm/lru_gen/enabled
revert
nothing_applied
