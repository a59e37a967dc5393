#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes this system one of a suture-console: tells the agent where the console is and whose jobs it takes, and
# has the portal's own installer install the agent and register the system. As root, the line that the console showed:
#
#   curl -fsS 'https://CONSOLE/install/TOKEN' | sh
#
# The registration key comes with this script. It is never an argument of a program, nor in the environment, nor in a
# file.

unset suture_key job_key # whatever the environment has: what is assigned below must not be exported
set -eu
set +x +a

# --- settings: filled in by the console ---
console=''
console_ca='' # certificate of the console's own authority, when it has one
job_key=''    # who signs jobs: the two lines of a public key
key_id=''     # and its name
portal=''
portal_ca=''
external_id=''
suture_key=''
# --- end of settings ---

folder=

say() { printf 'suture: %s\n' "$*"; }

# fail WHAT [WHAT TO DO]...
fail() {
	printf 'suture: %s\n' "$1" >&2
	shift
	for line; do printf '        %s\n' "$line" >&2; done
	exit 1
}

leave() { [ -z "$folder" ] || rm -rf "$folder"; }

check() {
	[ -n "$console" ] || fail 'this script has no console in it.' 'Take the line that the console shows.'
	[ "$(uname -s)" = Linux ] || fail 'this is for Linux only.'
	[ "$(id -u)" = 0 ] || fail 'this has to run as root.' 'Put "sudo" before "sh" and run it again.'
	command -v curl >/dev/null 2>&1 || fail 'curl is not here.' 'Install it and run this again.'
}

# $installer: the portal's, with the key in it. Nothing is changed before it is there.
fetch() {
	say "fetching the installer of $portal"
	set -- curl -fsS --retry 3 --connect-timeout 20 --max-time 120 -H 'Content-Type: application/octet-stream'
	if [ -n "$portal_ca" ]; then
		printf '%s\n' "$portal_ca" >"$folder/portal-ca.pem"
		set -- "$@" --cacert "$folder/portal-ca.pem"
	fi
	# printf is part of the shell: the key is in no list of arguments.
	installer=$(printf '%s\n' "$suture_key" | "$@" --data-binary @- "$portal/install") ||
		fail 'the portal did not give its installer; see above.' \
			"Look whether this system reaches $portal. With an error 403 the registration key is used up," \
			'revoked or expired: add the server in the console again, with another key.'
	suture_key=
}

# put FILE: what is in $folder/new becomes it.
put() {
	chmod 644 "$folder/new"
	cp "$folder/new" "$1.new"
	mv -f "$1.new" "$1"
}

# Another key of that name stays: jobs of who put it there are taken as before.
trust() {
	[ -n "$job_key" ] || return 0
	mkdir -p /etc/suture/job-keys.d
	printf '%s\n' "$(printf '%s' "$job_key")" >"$folder/new" # one newline at the end
	file=/etc/suture/job-keys.d/console.pub
	if [ -e "$file" ] && [ "$(cat "$file")" != "$(cat "$folder/new")" ]; then
		say "$file is there already and is another console's: it stays."
		file=/etc/suture/job-keys.d/console-$key_id.pub
	fi
	say "writing the key that jobs are signed with to $file"
	put "$file"
}

configure() {
	say "writing the address of the console to /etc/suture/agent.conf"
	mkdir -p /etc/suture
	: >"$folder/new"
	[ ! -e /etc/suture/agent.conf ] ||
		grep -v -e '^[[:space:]]*console[[:space:]]*=' -e '^[[:space:]]*console-ca[[:space:]]*=' \
			/etc/suture/agent.conf >"$folder/new" || :
	echo "console = $console" >>"$folder/new"
	[ -z "$console_ca" ] || echo 'console-ca = /etc/suture/console-ca.pem' >>"$folder/new"
	put /etc/suture/agent.conf
	[ -n "$console_ca" ] || return 0
	printf '%s\n' "$console_ca" >"$folder/new"
	put /etc/suture/console-ca.pem
}

main() {
	umask 022
	check
	folder=$(mktemp -d "${TMPDIR:-/tmp}/suture.XXXXXX") || fail 'no temporary folder can be made.' \
		'Look at the free space of /tmp, or set TMPDIR.'
	trap leave EXIT
	trap 'exit 1' HUP INT TERM
	fetch
	trust
	configure
	printf '%s\n' "$installer" | SUTURE_EXTERNAL_ID=$external_id sh ||
		fail 'the portal'"'"'s installer did not come to its end; see above.' \
			'Mend what it says, and run the same line again.'
	say "done: $console has this system in a minute."
}

# The last line: a script that was cut off on its way does nothing.
main
