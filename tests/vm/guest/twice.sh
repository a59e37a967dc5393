# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Applying the same file again changes nothing and is no error that stops a script.
# needs: version
apply version
first=$(field applied_at)
apply_file version.bin >/tmp/again 2>&1 || want_match already cat /tmp/again
want "suture level one" cat /proc/version
want 1 field level
want "$first" field applied_at
revert
nothing_applied
suture revert >/tmp/again 2>&1 || want_match 'nothing|no patch|not' cat /tmp/again
nothing_applied
