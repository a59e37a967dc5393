# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# What the makers of packages have in common (build, build-servers). Wants $here, $top, $out, $build and $version ("": that of
# meson.build); source it after the options are read. Then $upstream, $version, $arch, $work and:
#
#   fail TEXT                      ends with it
#   alone                          one build in $build at a time
#   put MODE FILE DESTINATION      a file below $root, the tree that becomes a package
#   zipped FILE DESTINATION        the same, compressed
#   documents PACKAGE LICENCE      copyright and changelog
#   depends PACKAGE                the libraries, and the versions of them, that the programs need
#   package NAME ARCH CONTROL      $root becomes $out/NAME_VERSION_ARCH.deb, with the scripts NAME.postinst and the like of $scripts ($here)
#
# The same tree gives the same bytes, whoever builds it, when and where.
umask 022
export LC_ALL=C
maintainer='Suture maintainers <maintainers@suture.example>'

fail() {
	echo "deb: $*" >&2
	exit 1
}

for tool in dpkg-deb dpkg-shlibdeps meson ninja; do
	command -v $tool >/dev/null || fail "$tool is not here. Run: make setup"
done
# The version of the programs, and of the engine for DKMS.
upstream=$(sed -n "s/^project(.* version: '\([^']*\)'.*/\1/p" "$top/meson.build")
version=${version:-$upstream-1}
dpkg --validate-version "$version" || fail "'$version' is no version of a package."
arch=$(dpkg --print-architecture)

# Times in the packages: of the last commit, or of the newest file where there is no git.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
	SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct 2>/dev/null) ||
		SOURCE_DATE_EPOCH=$(find "$top/agent" "$top/console" "$top/lib" "$top/packaging" "$top/portal" -type f -printf '%Ts\n' | sort -n | tail -n 1)
fi
export SOURCE_DATE_EPOCH

work=$(mktemp -d "${TMPDIR:-/var/tmp}/suture-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Two builds in one folder would disturb each other.
alone() {
	mkdir -p "$build"
	exec 9>"$build/.lock"
	flock 9
}

# put MODE FILE DESTINATION: below $root
put() {
	mkdir -p "$root/${3%/*}"
	install -m "$1" "$2" "$root/$3"
}

# zipped FILE DESTINATION
zipped() {
	mkdir -p "$root/${2%/*}"
	gzip -9nc "$1" >"$root/$2"
}

documents() { # PACKAGE LICENCE
	mkdir -p "$root/usr/share/doc/$1"
	sed "s/@LICENCE@/$2/" "$here/copyright" >"$root/usr/share/doc/$1/copyright"
	printf 'suture (%s) unstable; urgency=medium\n\n  * See https://suture.example/ for what is new.\n\n -- %s  %s\n' \
		"$version" "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" >"$work/changelog"
	zipped "$work/changelog" "usr/share/doc/$1/changelog.gz"
}

depends() { # PACKAGE
	mkdir -p "$work/shlibs/debian"
	printf 'Source: suture\n\nPackage: %s\nArchitecture: %s\n' "$1" "$arch" >"$work/shlibs/debian/control"
	(cd "$work/shlibs" && find "$root/usr" -type f -perm /100 -exec dpkg-shlibdeps -O {} + 2>"$work/log") |
		sed -n 's/^shlibs:Depends=//p'
}

package() {
	mkdir -p "$root/DEBIAN"
	for script in preinst postinst prerm postrm; do
		[ -f "${scripts:-$here}/$1.$script" ] || continue
		sed "s|@UPSTREAM@|$upstream|g" "${scripts:-$here}/$1.$script" >"$root/DEBIAN/$script"
		chmod 755 "$root/DEBIAN/$script"
	done
	(cd "$root" && find etc -type f 2>/dev/null | sort | sed 's|^|/|') >"$work/conffiles"
	[ ! -s "$work/conffiles" ] || install -m 644 "$work/conffiles" "$root/DEBIAN/conffiles"
	(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\n' | sort | xargs md5sum) \
		>"$root/DEBIAN/md5sums"
	# As Policy counts it: each file in whole KiB, everything else 1.
	size=$(find "$root" -path "$root/DEBIAN" -prune -o -printf '%y %s\n' |
		awk '{ n += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print n }')
	sed -e "s|@VERSION@|$version|; s|@ARCH@|$2|; s|@SIZE@|$size|; s|@MAINTAINER@|$maintainer|; s|@DEPENDS@|${libraries-}|" \
		"$3" | grep -v '^#' >"$root/DEBIAN/control"
	chmod 644 "$root"/DEBIAN/control "$root"/DEBIAN/md5sums
	find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	# One thread: the bytes of xz depend on whether there are several.
	dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$root" "$work/$1.deb" >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		fail "dpkg-deb has made no $1."
	}
	mkdir -p "$out"
	mv "$work/$1.deb" "$out/$1_${version}_$2.deb"
	echo "$out/$1_${version}_$2.deb"
}
