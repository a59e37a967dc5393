# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# A WARN_ONCE that the patch brings reports like any other, once.
# needs: warn-once
# warns: suture: expected warning|WARNING: .* filesystems_proc_show
apply warn-once
cat /proc/filesystems >/dev/null
cat /proc/filesystems >/dev/null
want 1 sh -c 'dmesg | grep -c "suture: expected warning"'
want filesystems_proc_show dmesg
want_match 'RIP: .*filesystems_proc_show.*\[suture_' dmesg
revert
