# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: Apache-2.0
# For scripts that install the agent on a server: a root of its own with the real apt and dpkg, and a package whose program
# notes what it is given and then enrols. Wants $work and root (mounts and chroot); source it after repo_setup. Then:
#
#   make_package               $work/packages with the package
#   fresh, again               an empty server: $root; $work/key is put into it
#   inside COMMAND [AS]        a shell command in that server
#   fails TEXT COMMAND [AS]    the same; it fails, says TEXT, and nothing is installed

arch=$(dpkg --print-architecture)
root=$work/root
ours=$work/package/usr/local/bin/suture

# The agent of these tests: says what it was given, looks everywhere for the key, and enrols.
make_package() {
	mkdir -p "$work/package/DEBIAN" "${ours%/*}" "$work/packages" || return 1
	cat >"$work/package/DEBIAN/control" <<-EOF
		Package: suture
		Version: 0.1-1
		Architecture: $arch
		Maintainer: Tests <tests@suture.example>
		Description: an agent for tests
	EOF
	cat >"$ours" <<-'EOF'
		#!/bin/sh
		echo "$*" >/seen/arguments
		IFS= read -r key
		[ -z "$(cat)" ] || echo "more than the key" >/seen/more
		env | sort >/seen/environment
		umask 077
		printf '%s' "$key" >/dev/shm/key.$$
		for p in /proc/[0-9]*; do
			tr '\0' '\n' <"$p/cmdline" 2>/dev/null
			tr '\0' '\n' <"$p/environ" 2>/dev/null
		done | grep -cFf /dev/shm/key.$$ >/seen/hits
		rm -f /dev/shm/key.$$
		portal=$3
		external=
		while [ $# -gt 0 ]; do
			[ "$1" != --external-id ] || external=',"external_id":"'$2'"'
			shift
		done
		printf '{"key":"%s"%s,"system":{"machine_id":"0123456789abcdef0123456789abcdef","hostname":"web1"}}' "$key" "$external" |
			curl -sS --max-time 20 -o /seen/answer -w '%{http_code}' --data-binary @- \
				-H 'Content-Type: application/json' "$portal/v1/enroll" >/seen/status
		case $(cat /seen/status) in 20?) exit 0 ;; esac
		cat /seen/answer >&2
		exit 1
	EOF
	chmod 755 "$ours"
	dpkg-deb --root-owner-group --build "$work/package" "$work/packages/suture_0.1-1_$arch.deb"
}

# An empty server: nothing installed, the programs of this one.
fresh() {
	rm -rf "$root"
	mkdir -p "$root/etc/apt/apt.conf.d" "$root/etc/apt/preferences.d" "$root/var/lib/dpkg/info" \
		"$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/triggers" "$root/var/lib/apt/lists/partial" \
		"$root/var/cache/apt/archives/partial" "$root/var/log/apt" "$root/tmp" "$root/proc" "$root/dev" \
		"$root/usr" "$root/root" "$root/seen" "$root/run" || return 1
	chmod 1777 "$root/tmp" "$root/seen"
	: >"$root/var/lib/dpkg/status"
	cp /etc/passwd /etc/group "$root/etc/" || return 1
	printf 'ID=debian\nPRETTY_NAME="A system for tests"\n' >"$root/etc/os-release"
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$root/$dir"
	done
	[ ! -f "$work/key" ] || install -m 600 "$work/key" "$root/root/key"
}

# inside COMMAND [AS]: a shell command in that server. What is installed stays in $work/local.
inside() {
	mkdir -p "$work/local/bin" "$work/local/sbin"
	# shellcheck disable=SC2016
	unshare -m sh -c '
		mount --make-rprivate / && mount --bind /usr "$1/usr" && mount -o remount,bind,ro "$1/usr" &&
		mount --bind "$2/local" "$1/usr/local" && mount --rbind /proc "$1/proc" &&
		mount --rbind /dev "$1/dev" || exit 99
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
			$4 chroot $5 "$1" sh -c "$3"
	' sh "$root" "$work" "$1" "${2-SUTURE_INSTALL_IN_CONTAINER=yes}" "${3-}"
}

nothing_installed() {
	[ ! -e "$work/local/bin/suture" ] && [ ! -s "$root/var/lib/dpkg/status" ] && [ ! -e "$root/etc/suture" ]
}

# fails TEXT COMMAND [AS]...: the command in that server fails, says TEXT, and nothing is installed.
fails() {
	text=$1
	shift
	inside "$@" >"$work/said" 2>&1 && return 1
	cat "$work/said"
	grep -qF "$text" "$work/said" && nothing_installed
}

again() {
	rm -rf "$work/local"
	fresh
}
