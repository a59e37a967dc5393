# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# Only what a key of this machine has signed is applied; everything else is refused with
# its reason before a byte of it is used. --insecure-local is loud, logged, and can be forbidden.
# needs: version two=version2+loadavg@2
# seconds: 240
keys=/etc/suture/keys.d
conf=/etc/suture/suture.conf
rm -rf /etc/suture
mkdir -p $keys
cp version.bin good.bin

# not_trusted REASON COMMAND...
not_trusted() {
	reason=$1
	shift
	status=0
	"$@" --json >/tmp/said 2>/tmp/err || status=$?
	[ $status = 5 ] || die "'$*' ends with $status, not 5: $(cat /tmp/said /tmp/err)"
	grep -q "\"outcome\": \"$reason\"" /tmp/said || die "'$*' is not '$reason': $(cat /tmp/said)"
	nothing_applied
	want_not suture_ cat /proc/modules
	want_not suture cat /proc/version
}
# flip FILE BYTE
flip() {
	byte=$(dd if="$1" bs=1 skip="$2" count=1 2>/dev/null | hexdump -e '1/1 "%u"')
	printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
fresh() {
	cp version.bin good.bin
	sign patch vendor.key good.bin
}

echo "no key, no signature"
sign key vendor
sign key stranger
not_trusted unsigned suture apply good.bin
fresh
not_trusted no-keys suture apply good.bin
rm -rf $keys
not_trusted no-keys suture apply good.bin
mkdir $keys
cp vendor.pub $keys/
rm good.bin.sig
not_trusted unsigned suture apply good.bin
not_trusted unsigned suture apply good.bin --dry-run
not_trusted unsigned suture apply good.bin --force --attempts 3
head -c 5000 /dev/urandom >junk.bin
not_trusted unsigned suture apply junk.bin

echo "signed"
fresh
suture apply good.bin >/tmp/said 2>&1 || die "$(cat /tmp/said)"
want "signature: good, by vendor" cat /tmp/said
want_not insecure cat /tmp/said
want "suture level one" cat /proc/version
want '"state": "good"' suture status --json
want_match 'Signature +good, by vendor' suture status
revert
[ ! -e /run/suture/applied.json ] || die "the record of the applied patch stayed"
nothing_applied
mv good.bin.sig elsewhere
not_trusted unsigned suture apply good.bin
suture apply good.bin --sig elsewhere || die "--sig"
revert

echo "bits flipped in the patch"
size=$(stat -c %s good.bin)
for n in 0 7 100 $((size / 3)) $((size / 2)) $((size - 1)); do
	fresh
	flip good.bin "$n"
	not_trusted bad-signature suture apply good.bin
done
echo "and in the signature"
size=$(stat -c %s good.bin.sig)
n=0
while [ $n -lt "$size" ]; do
	fresh
	cp good.bin.sig was.sig
	flip good.bin.sig $n
	status=0
	# The untrusted comment is not signed, by the format.
	if [ $n -ge "$(head -n 1 was.sig | wc -c)" ]; then
		suture apply good.bin --json >/tmp/said 2>/dev/null || status=$?
		[ $status = 5 ] || die "byte $n of the signature: $status: $(cat /tmp/said)"
		nothing_applied
	fi
	n=$((n + 17))
done
fresh
: >good.bin.sig
not_trusted signature-format suture apply good.bin
dd if=/dev/zero of=good.bin.sig bs=1k count=64 2>/dev/null
not_trusted signature-format suture apply good.bin

echo "somebody else, something else"
sign patch stranger.key good.bin
not_trusted unknown-key suture apply good.bin
want_match 'not trusted here' suture info good.bin
sign patch vendor.key two.bin
cp two.bin.sig good.bin.sig
not_trusted bad-signature suture apply good.bin
sign patch vendor.key good.bin two.bin
not_trusted claim suture apply good.bin
# The name of a file says nothing.
fresh
cp stranger.pub $keys/vendor.pub
not_trusted unknown-key suture apply good.bin
cp vendor.pub $keys/vendor.pub

echo "the file is swapped all the time"
fresh
rm two.bin.sig
cp good.bin.sig both.bin.sig
(while :; do for f in good two; do cp $f.bin new.bin && mv new.bin both.bin; done; done) &
swapping=$!
sleep 1
took=0 turned_away=0
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	status=0
	suture apply both.bin --json >/tmp/said 2>/dev/null || status=$?
	case $status in
	0) took=$((took + 1)) ;;
	5) turned_away=$((turned_away + 1)) ;;
	*) die "status $status: $(cat /tmp/said)" ;;
	esac
	want_not "suture level two" cat /proc/version
	suture revert >/dev/null
done
kill $swapping
wait $swapping 2>/dev/null || true
echo "$took times the signed one, $turned_away times refused"

echo "the folder of the keys"
chmod 777 $keys
not_trusted permissions suture apply good.bin
chmod 755 $keys
chmod 666 $keys/vendor.pub
not_trusted permissions suture apply good.bin
chmod 644 $keys/vendor.pub
chown nobody $keys/vendor.pub
not_trusted permissions suture apply good.bin
chown root $keys/vendor.pub
echo junk >$keys/broken.pub
not_trusted keys suture apply good.bin
rm $keys/broken.pub
suture apply good.bin || die "the folder is in order again"
revert

echo "verify and info only tell"
rm good.bin.sig
suture verify good.bin >/tmp/said 2>&1 || die "verify: $(cat /tmp/said)"
want "apply would not trust this patch" cat /tmp/said
want '"state": "unsigned"' suture info --json good.bin
su -s /bin/sh nobody -c 'suture info /suture/good.bin' >/tmp/said || die "info as nobody"
fresh
suture verify good.bin >/tmp/said 2>&1 || die "verify: $(cat /tmp/said)"
want "signature: good, by vendor" cat /tmp/said

echo "--insecure-local is loud and logged"
rm good.bin.sig
sum=$(sha256sum good.bin | cut -d' ' -f1)
suture apply --insecure-local good.bin >/tmp/out 2>/tmp/err || die "$(cat /tmp/err)"
want "WARNING: --insecure-local" cat /tmp/err
want "$sum" cat /tmp/err
dmesg | grep 'suture: apply --insecure-local: by uid 0' | grep -q "$sum" || die "$(dmesg | tail)"
want_match 'Signature +none; applied with --insecure-local' suture status
want '"insecure_local": true' suture status --json
revert
suture apply --insecure-local good.bin --json 2>/dev/null >/tmp/said || die "$(cat /tmp/said)"
want '"state": "unsigned"' cat /tmp/said
want '"insecure_local": true' cat /tmp/said
revert

echo "the record for status: it may be missing or stale, and apply works all the same"
fresh
suture apply good.bin || die "signed"
cp /run/suture/applied.json /tmp/record
revert
rm -rf /run/suture
: >/run/suture
sleep 1
suture apply good.bin >/tmp/said 2>&1 || die "without a record: $(cat /tmp/said)"
want "cannot say who signed it" cat /tmp/said
want_match 'Signature +unknown' suture status
rm /run/suture
mkdir /run/suture
cp /tmp/record /run/suture/applied.json
want_match 'Signature +unknown' suture status
echo '{' >/run/suture/applied.json
want_match 'Signature +unknown' suture status
revert

echo "--keys"
sign patch stranger.key good.bin
mkdir -p /root/keys
cp stranger.pub /root/keys/
suture apply good.bin --keys /root/keys || die "--keys"
revert

echo "the policy refuses"
echo 'insecure-local = refuse' >$conf
not_trusted policy suture apply --insecure-local good.bin
not_trusted policy suture apply --keys /root/keys good.bin
fresh
not_trusted policy suture apply --engine suture.ko good.bin
not_trusted policy suture verify --engine suture.ko good.bin
not_trusted policy suture apply --insecure-local good.bin
suture apply good.bin || die "a signed patch, with the policy"
revert

echo "a policy that cannot be relied on refuses too"
echo 'insecure-local = alow' >$conf
not_trusted policy suture apply --insecure-local good.bin
want "line 1 sets insecure-local to 'alow'" cat /tmp/said
echo 'insecure-local = allow' >$conf
chmod 666 $conf
not_trusted policy suture apply --insecure-local good.bin
chmod 644 $conf
chown nobody $conf
not_trusted policy suture apply --insecure-local good.bin
rm $conf
ln -s /tmp/conf $conf
not_trusted policy suture apply --insecure-local good.bin
suture apply good.bin >/tmp/said 2>&1 || die "a signed patch, without a usable policy"
want "cannot rely on the policy" cat /tmp/said
revert
rm -rf /etc/suture /root/keys
nothing_applied
