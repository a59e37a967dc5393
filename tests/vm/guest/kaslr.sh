# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# The kernel is at a random address, and the patch finds everything.
# needs: version
want_not nokaslr cat /proc/cmdline
apply version
want "suture level one" cat /proc/version
revert
