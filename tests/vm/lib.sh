# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# What tests/vm/run, tests/vm/real-fixes and bench/ share; sourced, with $top set.
# After vm_setup there are: $sb (suture-build), $target, $source (its source tree),
# $work (a private folder, removed at the end) and $programs (the build folder).

vm_setup() {
	programs=${SUTURE_BUILD_DIR:-$top/build}
	sb=$programs/builder/suture-build
	target=${SUTURE_TEST_TARGET:-debian/6.1.0-47-cloud-amd64}
	if [ ! -x "$sb" ]; then
		echo "$sb is not there; run: make" >&2
		exit 1
	fi
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/suture-vm.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM
	mkdir -p "$work/fix" "$work/patch" "$work/log"
	if ! "$sb" target show "$target" >/dev/null 2>&1; then
		"$sb" target add "$target" >&2 || exit 1
	fi
	source=$("$sb" target show "$target" --json | sed -n 's/^ *"source": "\(.*\)",*$/\1/p')
}

# The value of "# KEY: VALUE" at the head of a file; nothing when it is not there.
head_of() { sed -n "s/^# $2: //p" "$1" | head -n 1; }

# make_fix EDIT OUT: EDIT is a sed script whose head names the source file; the
# fix is what it does to the target's own source.
make_fix() {
	edit_file=$(head_of "$1" file)
	rm -rf "$work/a" "$work/b"
	mkdir -p "$work/a/${edit_file%/*}" "$work/b/${edit_file%/*}"
	cp "$source/$edit_file" "$work/a/$edit_file"
	sed -f "$1" "$source/$edit_file" >"$work/b/$edit_file"
	if (cd "$work" && diff -u -p "a/$edit_file" "b/$edit_file") >"$2"; then
		echo "$1 changes nothing in $edit_file of $target"
		return 1
	fi
}

# build_patch OUT=EDIT[+EDIT…][@LEVEL], or only EDIT: $work/patch/OUT.bin.
build_patch() {
	patch_spec=${1#*=}
	patch_out=${1%%=*}
	patch_out=${patch_out%@*}
	patch_level=1
	case $patch_spec in *@*) patch_level=${patch_spec#*@} ;; esac
	patch_edits=$(echo "${patch_spec%@*}" | tr + ' ')
	[ ! -f "$work/patch/$patch_out.bin" ] || return 0
	[ ! -f "$work/log/build-$patch_out.failed" ] || return 1
	set -- kernel --target "$target" --level "$patch_level" -o "$work/patch/$patch_out.bin"
	for edit in $patch_edits; do
		make_fix "$top/tests/vm/edits/$edit.sed" "$work/fix/$edit.patch" || return 1
		set -- "$@" --fix "$work/fix/$edit.patch"
	done
	if ! "$sb" "$@" >"$work/log/build-$patch_out" 2>&1; then
		: >"$work/log/build-$patch_out.failed"
		return 1
	fi
}

# patch_name SPEC: the OUT of build_patch.
patch_name() {
	name=${1%%=*}
	echo "${name%@*}"
}
