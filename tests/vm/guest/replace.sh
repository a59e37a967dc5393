# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# A newer level replaces the older one in one switch; what it no longer holds is
# original again; an older level does not replace a newer one by mistake.
# needs: version two=version2+loadavg@2 three=loadavg@3
apply version
want "suture level one" cat /proc/version
want_not suture cat /proc/loadavg
apply two
want "suture level two" cat /proc/version
want_not "level one" cat /proc/version
want suture cat /proc/loadavg
want 2 field level
apply three
want_not suture cat /proc/version
want suture cat /proc/loadavg
want 3 field level
revert
want_not suture cat /proc/loadavg
nothing_applied
