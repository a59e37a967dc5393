# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Damaged patch files are refused, each with a reason, and the kernel is untouched.
# needs: version
# repack: version-other=version:build-id version-deep=version:deep-id version-bytes=version:bytes
size=$(stat -c %s version.bin)

cut() { head -c "$1" version.bin >cut.bin; refused . apply_file cut.bin; nothing_applied; }
echo "truncated"
for n in 0 1 4 100 $((size / 2)) $((size - 1)); do
	cut "$n"
done

echo "bit-flipped"
flip() { # at byte $1
	cp version.bin flip.bin
	byte=$(dd if=version.bin bs=1 skip="$1" count=1 2>/dev/null | hexdump -e '1/1 "%u"')
	printf "\\$(printf %03o $((byte ^ 16)))" |
		dd of=flip.bin bs=1 seek="$1" conv=notrunc 2>/dev/null
	cmp -s version.bin flip.bin && die "nothing was flipped at $1"
	refused . apply_file flip.bin
	nothing_applied
}
for n in 0 3 5 9 60 $((size / 4)) $((size / 3)) $((size / 2)) $((size - 40)) $((size - 2)); do
	flip "$n"
done

echo "too much"
{ cat version.bin; printf x; } >more.bin
refused . apply_file more.bin
dd if=/dev/zero of=big.bin bs=1M count=65 2>/dev/null
refused 'large|limit|MiB' apply_file big.bin
rm big.bin
refused 'No such file' apply_file missing.bin

echo "for another kernel"
refused 'another|build-id|build id' apply_file version-other.bin
refused 'another|build-id|build id' apply_file version-deep.bin
nothing_applied

echo "for other code"
refused version_proc_show apply_file version-bytes.bin
refused version_proc_show suture verify version-bytes.bin
nothing_applied

echo "the undamaged file works"
suture verify version.bin
apply version
want "suture level one" cat /proc/version
revert
nothing_applied
