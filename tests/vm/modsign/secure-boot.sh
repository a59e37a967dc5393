# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Secure Boot is on, so the kernel is locked down; our certificate is in db, so it is in the
# kernel's .platform keyring. Only what we have signed gets in.
tainted() { [ $(($(cat /proc/sys/kernel/tainted) >> 13 & 1)) = 1 ]; }
no_engine() { [ ! -d /sys/module/suture ] || die "$1"; }

mount -t securityfs securityfs /sys/kernel/security
want '[integrity]' cat /sys/kernel/security/lockdown
want 'Suture test ours' cat /proc/keys

# The kernel turns it on by itself when it finds Secure Boot.
want Y cat /sys/module/module/parameters/sig_enforce

refused 'rejected' insmod unsigned.ko
want_match 'Loading of unsigned module is rejected' dmesg
refused 'rejected' insmod other.ko
want_match 'Loading of module with unavailable key is rejected' dmesg
refused 'rejected' insmod changed.ko
refused 'rejected' insmod badsig.ko
refused 'bad message' insmod badlength.ko
refused 'bad message|invalid' insmod badpkcs7.ko
no_engine "a module that must be refused is there"

insmod ours.ko
tainted && die "our own signature taints"
for wrong in unsigned other; do
	refused 'not signed by a key it trusts' apply_file $wrong.bin
	nothing_applied
done
apply_file ours.bin
want "suture level one" cat /proc/version
tainted && die "our own payload taints"
revert
nothing_applied
rmmod suture
