# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# For scripts that install packages of $work/packages by the real dpkg in a root of its own, an overlay over this system. Wants $work, and
# root (mounts and chroot); source it after repo_setup. Then:
#
#   fresh                    a machine as it was before; $upper has what is different
#   inside COMMAND [fake]    a shell command in that machine; the packages are in /mnt
#   fake_systemd N           from now on, with "fake", systemd seems to run and is only told; N: what systemd-detect-virt ends with
#   told TEXT...             it was told these lines, and no others
#   left                     what is different from before, but for what dpkg and the like keep of everything
# For RPM: there is no rpmbuild here, but %install is a shell script, and %files a list:
#
#   spec_begin SPEC          packaging/rpm/SPEC, in $work/rpm, where build-rpm is to be put
#   section NAME             of it, with its macros replaced
#   spec_install             its %install
#   spec_files PACKAGE NAME  the section NAME has the files of the Debian package of version 0.1.0-1
#   spec_end                 every file is in a package: rpmbuild would refuse others
root=$work/root
upper=$work/upper

# inside COMMAND [fake]: a shell command in that machine. fake: systemd seems to run, and is only told.
inside() {
	mkdir -p "$root" "$upper" "$work/overlay" "$work/run" "$work/fake"
	# shellcheck disable=SC2016
	unshare -m sh -c '
		mount --make-rprivate / &&
		mount -t overlay overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/overlay" "$1" &&
		mount --bind "$2/run" "$1/run" && mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		mount --bind "$2/packages" "$1/mnt" || exit 99
		mkdir -p "$1/usr/local/bin"
		[ -z "$4" ] || mount --bind "$2/fake" "$1/usr/local/bin" || exit 99
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
			DEBIAN_FRONTEND=noninteractive chroot "$1" sh -c "$3"
	' sh "$root" "$work" "$1" "${2-}"
}

# A machine as it was before; $upper has what is different.
fresh() {
	rm -rf "$upper" "$work/overlay" "$work/run"
	mkdir -p "$upper/etc/dpkg/dpkg.cfg.d"
	# Nothing here has to survive a power cut, and man-db would take longer than all else.
	printf 'force-unsafe-io\npath-exclude=/usr/share/man/zz*\n' >"$upper/etc/dpkg/dpkg.cfg.d/tests"
	inside 'rm -f /usr/sbin/policy-rc.d; echo set man-db/auto-update false | debconf-communicate >/dev/null 2>&1
		rm -f /var/lib/man-db/auto-update; :'
}

# systemd seems to run; what it is told is noted.
fake_systemd() {
	mkdir -p "$work/run/systemd/system" "$work/fake"
	cat >"$work/fake/systemctl" <<-'EOF'
		#!/bin/sh
		case " $* " in
		*' preset '*) ;; # by deb-systemd-helper, which enables units
		*' is-enabled '*) echo enabled ;;
		*' is-active '*) exit 0 ;;
		*) echo "$*" | sed 's/--quiet //; s/--system //' >>/run/told ;;
		esac
	EOF
	printf '#!/bin/sh\nexit %s\n' "$1" >"$work/fake/systemd-detect-virt"
	chmod 755 "$work/fake"/*
	: >"$work/run/told"
}

# told TEXT...: these lines, and no others
told() {
	printf '%s\n' "$@" >"$work/want"
	diff "$work/want" "$work/run/told"
}

# what is different from before, but for what dpkg and the like keep of everything
left() {
	(cd "$upper" && find . \( -type f -o -type l -o -path '*suture*' \) ! -type c) |
		grep -vE '^\./(var/(lib/dpkg|log|cache|lib/man-db|lib/systemd/deb-systemd-helper-[a-z]*$)|etc/(dpkg/|passwd|shadow|group|gshadow|sub[ug]id|\.pwd\.lock)|tmp$)' |
		sort
}

spec_begin() {
	spec=$top/packaging/rpm/$1
	mkdir -p "$work/rpm/root" || return 1
	for folder in console docs packaging scripts; do
		ln -s "$top/$folder" "$work/rpm/$folder" || return 1
	done
	: >"$work/rpm.all"
}

section() {
	awk -v want="%$1" '/^%(package|description|prep|build|install|post|preun|postun|files)/ { on = $0 == want; next } on' \
		"$spec" | sed "s|%{buildroot}|$work/rpm/root|g; s|%{_bindir}|/usr/bin|g; s|%{_sbindir}|/usr/sbin|g
			s|%{_libexecdir}|/usr/libexec|g; s|%{_unitdir}|/usr/lib/systemd/system|g; s|%{_sysusersdir}|/usr/lib/sysusers.d|g
			s|%{_tmpfilesdir}|/usr/lib/tmpfiles.d|g; s|%{_datadir}|/usr/share|g; s|%{_mandir}|/usr/share/man|g; s|%{_sysconfdir}|/etc|g"
}

spec_install() {
	section install >"$work/rpm/install.sh"
	(cd "$work/rpm" && sh -e install.sh)
}

# But for copyright and changelog, which each kind of package has in its own way.
without_legal() { grep -vE '^/usr/share/doc/[^/]*/(copyright|changelog|LICENSE)' | sort; }

spec_files() {
	rm -rf "$work/deb" && mkdir "$work/deb" && dpkg-deb -x "$work/packages/${1}_0.1.0-1_$arch.deb" "$work/deb" || return 1
	(cd "$work/deb" && find . ! -type d | sed 's|^\.||; s|\.gz$||') | without_legal >"$work/deb.files"
	section "$2" | sed -e '/^%license/d; /^%dir/d; /^$/d' -e 's/^%config([a-z]*) //' >"$work/list"
	[ -s "$work/list" ] || { echo "there is no section $2"; return 1; }
	sed -n 's/^%exclude //p' "$work/list" >"$work/not"
	grep -v '^%exclude' "$work/list" | while read -r f; do
		# shellcheck disable=SC2086 # patterns
		(cd "$work/rpm/root" && find .$f ! -type d | sed 's|^\.||')
	done | sort >"$work/rpm.files"
	while read -r f; do
		grep -v "^${f%\*}" "$work/rpm.files" >"$work/rest" || :
		mv "$work/rest" "$work/rpm.files"
	done <"$work/not"
	sort -o "$work/rpm.all" -m "$work/rpm.files" "$work/rpm.all"
	# Pages that are compressed already are so in both.
	sed 's|\.gz$||' "$work/rpm.files" | without_legal | diff "$work/deb.files" - || { echo "$1: < deb, > rpm"; return 1; }
}

spec_end() { (cd "$work/rpm/root" && find . ! -type d | sed 's|^\.||') | sort | diff - "$work/rpm.all"; }
