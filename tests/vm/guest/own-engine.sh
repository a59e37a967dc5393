# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# The engine is loaded when it is needed, and goes again when nothing was done with it.
# needs: version
rmmod suture
want not-loaded field state
refused "engine suture.ko is not loaded" apply_file version.bin
refused "not a module for this kernel" apply_file version.bin --engine version.bin
suture verify version.bin --engine suture.ko || die "verify"
want not-loaded field state
apply_file version.bin --engine suture.ko --dry-run || die "dry run"
want not-loaded field state
apply_file version.bin --engine suture.ko || die "apply"
want "suture level one" cat /proc/version
revert
want original field state
