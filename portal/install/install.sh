#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the agent of Suture, which closes security holes in this system while it runs, and registers the
# system at a portal. As root, one of:
#
#   curl -fsS --data-binary @KEYFILE https://PORTAL/install | sh      the key is checked, then comes with the script
#   curl -fsS https://PORTAL/install | sh                             asks for the key on the terminal
#   curl -fsS https://PORTAL/install -o install.sh; sh install.sh <KEYFILE
#
# The key is never an argument of a program, nor in the environment, nor in a file. SUTURE_EXTERNAL_ID in the environment is the
# name that another platform has for this machine: it is told to the portal.

unset suture_key root keys # whatever the environment has: what is assigned below must not be exported
set -eu
set +x +a

# --- settings: filled in by the portal ---
portal=''
packages='' # lines of: format, architecture, file, SHA-256, agent or libraries
ca=''	    # certificate of the portal's own authority, when it has one
root=''	    # root.json of the repository
keys=''	    # lines of: folder (keys.d, job-keys.d), name, public key
suture_key=''
# --- end of settings ---

folder=
silent=

say() { printf 'suture: %s\n' "$*"; }

# fail WHAT [WHAT TO DO]...
fail() {
	printf 'suture: %s\n' "$1" >&2
	shift
	for line; do printf '        %s\n' "$line" >&2; done
	exit 1
}

leave() {
	[ -z "$silent" ] || stty echo </dev/tty
	[ -z "$folder" ] || rm -rf "$folder"
}

has() { command -v "$1" >/dev/null 2>&1; }

check_root() {
	[ "$(id -u)" = 0 ] || fail 'this has to run as root.' 'Put "sudo" before "sh" and run it again.'
	[ "$(uname -s)" = Linux ] || fail 'this is for Linux only.'
}

in_container() {
	[ ! -e /.dockerenv ] && [ ! -e /run/.containerenv ] || return 0
	! has systemd-detect-virt || ! systemd-detect-virt --quiet --container || return 0
	tr '\0' '\n' </proc/1/environ 2>/dev/null | grep -q '^container='
}

check_container() {
	[ "${SUTURE_INSTALL_IN_CONTAINER:-}" != yes ] && in_container || return 0
	fail 'this is a container: its kernel is that of the host.' \
		'Install the agent on the host; the containers on it are then protected too.' \
		'Should this be no container after all, set SUTURE_INSTALL_IN_CONTAINER=yes.'
}

# $format and $machine: of the packages that fit.
find_format() {
	[ -r /etc/os-release ] || fail 'there is no /etc/os-release, so the distribution is not known.' \
		'Install the package of the agent by hand, then run: suture register'
	# shellcheck disable=SC1091
	like=$(. /etc/os-release && echo " ${ID:-} ${ID_LIKE:-} ")
	case $like in
	*' debian '* | *' ubuntu '*) format=deb ;;
	*' rhel '* | *' fedora '* | *' centos '* | *' suse '* | *' opensuse '* | *' sles '*) format=rpm ;;
	*) fail "there is no package for this distribution ($(. /etc/os-release && echo "${PRETTY_NAME:-unknown}"))." \
		'Debian, Ubuntu and distributions with RPM packages are known.' ;;
	esac
	machine=$(uname -m)
	if [ $format = deb ]; then
		case $machine in
		x86_64) machine=amd64 ;;
		aarch64) machine=arm64 ;;
		esac
	fi
}

# choose WHAT: file and SHA-256 of the package of this kind; nothing when there is none.
choose() {
	echo "$packages" | while read -r f m name hash what; do
		case "$f $what" in "$format $1") ;; *) continue ;; esac
		case $m in "$machine" | all | noarch) echo "$name $hash" ;; esac
	done | head -n 1
}

# $agent and $libraries (what patches libraries; may be empty): file and SHA-256 of the packages.
find_packages() {
	agent=$(choose agent)
	libraries=$(choose libraries)
	[ -n "$agent" ] || fail "the portal has no $format package of the agent for $machine." \
		'Ask the operator of the portal to put one into its folder of agent packages.'
}

# A script that comes through a pipe is its own standard input: the key is elsewhere then.
is_file() { [ -f "$0" ] && grep -q '^# --- end of settings ---' "$0"; }

take_key() {
	[ -z "$suture_key" ] || return 0
	if is_file && [ ! -t 0 ]; then
		say 'reading the registration key from standard input'
		IFS= read -r suture_key || [ -n "$suture_key" ] || :
	elif (: </dev/tty) 2>/dev/null; then
		printf 'suture: registration key (it is not shown): ' >/dev/tty
		silent=yes
		stty -echo </dev/tty
		IFS= read -r suture_key </dev/tty || :
		stty echo </dev/tty
		silent=
		echo >/dev/tty
	fi
	suture_key=$(printf '%s' "$suture_key" | tr -d '[:space:]')
	[ -n "$suture_key" ] || fail 'there is no registration key.' \
		"Have one made (suture-admin key create), put it into a file that only you can read, and run:" \
		"curl -fsS --data-binary @FILE $portal/install | sh"
}

# fetch FILE SHA-256
fetch() {
	file=$1
	sum=$2
	url=$portal/agent/$file
	say "fetching $url"
	if has curl; then
		set -- curl -fsS --retry 3 --connect-timeout 20 --max-time 900 -o "$folder/$file"
		[ -z "$ca" ] || set -- "$@" --cacert "$folder/ca.pem"
	elif has wget; then
		set -- wget -q --tries=3 --timeout=60 -O "$folder/$file"
		[ -z "$ca" ] || set -- "$@" --ca-certificate="$folder/ca.pem"
	else
		fail 'neither curl nor wget is here.' 'Install one of them and run this again.'
	fi
	"$@" "$url" </dev/null || fail 'the package could not be fetched.' \
		"Look whether this system reaches $portal, and run this again."
	printf '%s  %s\n' "$sum" "$folder/$file" | sha256sum -c --status - ||
		fail 'the package is not the one that the portal named: its SHA-256 differs.' \
			'Run this again. When it stays so, tell the operator of the portal.'
}

# quietly COMMAND...: shows what it said only when it fails.
quietly() {
	"$@" </dev/null >"$folder/log" 2>&1 || {
		tail -n 20 "$folder/log" >&2
		return 1
	}
}

# install_packages FILE...: of $folder
install_packages() {
	say "installing $*"
	for file; do
		shift
		set -- "$@" "$folder/$file"
	done
	if [ $format = deb ] && has apt-get; then
		quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --no-remove \
			-o Dpkg::Options::=--force-confold "$@"
	elif [ $format = deb ]; then
		quietly dpkg -i "$@"
	elif has dnf; then
		quietly dnf install -y "$@"
	elif has zypper; then
		quietly zypper --non-interactive install --allow-unsigned-rpm "$@"
	elif has yum; then
		quietly yum install -y "$@"
	else
		quietly rpm -U --replacepkgs "$@"
	fi || fail "the package could not be installed; see above." \
		'Mend what the package manager says, and run this again.'
	has suture || fail 'the package is installed, but there is no program "suture".' \
		'Tell the operator of the portal.'
}

# bring FILE: what is in $folder/new becomes that of the machine. Never replaces another one.
bring() {
	if [ ! -e "$1" ]; then
		chmod 644 "$folder/new"
		cp "$folder/new" "$1.new"
		mv -f "$1.new" "$1"
	elif [ "$(cat "$1")" != "$(cat "$folder/new")" ]; then
		say "$1 is there already and differs from that of $portal: it stays."
		say "Should patches be refused, ask the operator of the portal, put the right one there and run: suture check"
	fi
}

# Whom this machine believes from now on: not the portal, but who signs.
trust() {
	[ -n "$root$keys" ] || return 0
	say 'writing root and keys to /etc/suture'
	mkdir -p /etc/suture/keys.d /etc/suture/job-keys.d
	if [ -n "$root" ]; then
		printf '%s' "$root" >"$folder/new"
		bring /etc/suture/root.json
	fi
	[ -n "$keys" ] || return 0
	echo "$keys" >"$folder/keys"
	while read -r to name key; do
		printf 'untrusted comment: %s\n%s\n' "$name" "$key" >"$folder/new"
		bring "/etc/suture/$to/$name.pub"
	done <"$folder/keys"
}

configure() {
	say 'writing /etc/suture/agent.conf'
	mkdir -p /etc/suture
	[ ! -e /etc/suture/agent.conf ] ||
		grep -v -e '^[[:space:]]*portal[[:space:]]*=' -e '^[[:space:]]*portal-ca[[:space:]]*=' \
			/etc/suture/agent.conf >"$folder/agent.conf" || :
	echo "portal = $portal" >>"$folder/agent.conf"
	if [ -n "$ca" ]; then
		echo 'portal-ca = /etc/suture/portal-ca.pem' >>"$folder/agent.conf"
		cp "$folder/ca.pem" /etc/suture/portal-ca.pem.new
		mv -f /etc/suture/portal-ca.pem.new /etc/suture/portal-ca.pem
	fi
	cp "$folder/agent.conf" /etc/suture/agent.conf.new
	mv -f /etc/suture/agent.conf.new /etc/suture/agent.conf
	# It may be running since it was installed.
	[ ! -d /run/systemd/system ] || quietly systemctl reload-or-restart sutured.service || :
}

register() {
	say "registering at $portal"
	# printf is part of the shell: the key is in no list of arguments.
	set -- --portal "$portal" --key-file -
	[ -z "$ca" ] || set -- "$@" --ca /etc/suture/portal-ca.pem
	[ -z "${SUTURE_EXTERNAL_ID:-}" ] || set -- "$@" --external-id "$SUTURE_EXTERNAL_ID"
	printf '%s\n' "$suture_key" | suture register "$@" ||
		fail 'the agent is installed, but this system could not be registered; see above.' \
			"With a key that is good, run: suture register --portal $portal --key-file FILE"
	suture_key=
}

main() {
	[ -n "$portal" ] || fail 'this script has no portal in it.' 'Fetch it from https://PORTAL/install.'
	umask 022
	check_root
	check_container
	find_format
	find_packages
	take_key
	folder=$(mktemp -d "${TMPDIR:-/tmp}/suture.XXXXXX") || fail 'no temporary folder can be made.' \
		'Look at the free space of /tmp, or set TMPDIR.'
	# Nothing in it is secret, and apt reads the package as another user.
	chmod 755 "$folder"
	trap leave EXIT
	trap 'exit 1' HUP INT TERM
	[ -z "$ca" ] || printf '%s\n' "$ca" >"$folder/ca.pem"
	# shellcheck disable=SC2086 # file and SHA-256
	fetch $agent
	# shellcheck disable=SC2086
	[ -z "$libraries" ] || fetch $libraries
	install_packages "${agent%% *}" ${libraries:+"${libraries%% *}"}
	trust
	configure
	register
	say 'done: this system is registered. "suture status" says how it is.'
}

# The last line: a script that was cut off on its way does nothing.
main
