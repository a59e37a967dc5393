# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Without rights: no access to the engine, and no change.
# needs: version
as_nobody() { su -s /bin/sh nobody -c "$*"; }
refused 'root|permi|privilege' as_nobody suture apply --insecure-local /suture/version.bin
refused 'root|permi|privilege' as_nobody suture revert
refused . as_nobody 'cat </dev/suture'
nothing_applied
as_nobody suture info /suture/version.bin >/tmp/said || die "info: $(cat /tmp/said)"
