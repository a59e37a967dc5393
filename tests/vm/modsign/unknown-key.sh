# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# A kernel that does not insist on signatures and does not know our key: it reads
# the signature, says so, and loads. What is malformed it refuses even so.
tainted() { [ $(($(cat /proc/sys/kernel/tainted) >> 13 & 1)) = 1 ]; }

tainted && die "tainted before anything was loaded"
refused 'bad message' insmod badlength.ko
refused 'bad message|invalid' insmod badpkcs7.ko
[ ! -d /sys/module/suture ] || die "a malformed module is there"
tainted && die "a refused module left its taint"

insmod ours.ko
want_match 'module verification failed: signature and/or required key missing' dmesg
tainted || die "not tainted E"
apply_file ours.bin
want "suture level one" cat /proc/version
revert
nothing_applied
rmmod suture
