# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# A repository with its signer and a real web server, for tests and figures. Wants $programs
# (build folder) and $work (a folder that the caller removes); repo_end stops what was started.

repo_exe=$programs/repo/suture-repo
signer_exe=$programs/repo/signer/suture-signer
tuf_exe=$programs/agent/suture-tuf/suture-tuf
signer_pid=
signer_dir=
nginx_pid=
# shellcheck source=tests/e2e/signer-copy.sh
. "$top/tests/e2e/signer-copy.sh"
uid=$(id -u)
# The signer does not run as root, and the web server has no need to.
service_uid=$uid
[ "$uid" != 0 ] || service_uid=65534

# In a subshell in the background: becomes the command, so that $! is its process.
as_service() {
	[ "$uid" = 0 ] || exec "$@"
	exec setpriv --reuid "$service_uid" --regid "$service_uid" --clear-groups "$@"
}

until_ok() { # COMMAND...: tries for ten seconds
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || { echo "did not come true: $*" >&2; return 1; }
		sleep 0.1
	done
}

repo_end() {
	[ -z "$signer_pid" ] || kill "$signer_pid" 2>/dev/null
	[ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null
	wait
	[ -z "$signer_dir" ] || rm -rf "$signer_dir"
	signer_pid=
	nginx_pid=
}

repo() { # COMMAND ARGUMENT...: of suture-repo, on $work/repo
	verb=$1
	shift
	"$repo_exe" "$verb" --repo "$work/repo" "$@" </dev/null
}

# repo_make OPTION...: a published repository, $work/root.json for clients. Options of init.
repo_make() {
	chmod 755 "$work"
	echo 'correct horse battery staple' >"$work/pass"
	mkdir "$work/online" "$work/run"
	mkdir -m 700 "$work/state"
	signer_copy "$signer_exe"
	"$signer_exe" --new-keys "$work/online" >&2 || return 1
	"$repo_exe" init "$work/repo" --passphrase-file "$work/pass" \
		--online-keys "$work/online" --signer "$work/run/signer.sock" "$@" >"$work/init.log" 2>&1 &&
		return 1
	[ $? = 2 ] || { cat "$work/init.log" >&2; return 1; } # staged: there is no signer yet
	repo export-root "$work/root.json" >&2 || return 1
	cat >"$work/signer.conf" <<-END
		metadata = $work/repo/public/metadata
		root = $work/root.json
		state = $work/state
		socket = $work/run/signer.sock
		snapshot-key = $work/online/snapshot.key
		timestamp-key = $work/online/timestamp.key
		allow-user = $uid
	END
	[ "$uid" != 0 ] ||
		chown -R "$service_uid" "$work/online" "$work/state" "$work/run" || return 1
	: >"$work/signer.log"
	(as_service timeout 3600 "$signer_exe" --config "$work/signer.conf" >"$work/signer.log" 2>&1) &
	signer_pid=$!
	until_ok grep -q '^suture-signer: ready' "$work/signer.log" || return 1
	repo publish --passphrase-file "$work/pass" >&2
}

# A certificate for 127.0.0.1 that nobody else knows: $work/tls.crt, $work/tls.key
repo_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-keyout "$work/tls.key" -out "$work/tls.crt" -subj '/CN=127.0.0.1' \
		-addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null && chmod 644 "$work/tls.key"
}

# nginx as it comes, apart from gzip_static: $url_plain without it, $url with it, $url_tls with it
# and TLS. Other ports when somebody was faster.
repo_serve() {
	repo_certificate || return 1
	mkdir "$work/nginx"
	[ "$uid" != 0 ] || chown "$service_uid" "$work/nginx"
	for try in 1 2 3 4 5; do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 40000))
		cat >"$work/nginx.conf" <<-END
			daemon off;
			master_process off;
			error_log stderr;
			pid $work/nginx/pid;
			events {}
			http {
				include /etc/nginx/mime.types;
				access_log off;
				client_body_temp_path $work/nginx/body;
				proxy_temp_path $work/nginx/proxy;
				fastcgi_temp_path $work/nginx/fastcgi;
				uwsgi_temp_path $work/nginx/uwsgi;
				scgi_temp_path $work/nginx/scgi;
				server {
					listen 127.0.0.1:$port;
					root $work/repo/public;
				}
				server {
					listen 127.0.0.1:$((port + 1));
					root $work/repo/public;
					gzip_static on;
				}
				server {
					listen 127.0.0.1:$((port + 2)) ssl;
					root $work/repo/public;
					gzip_static on;
					ssl_certificate $work/tls.crt;
					ssl_certificate_key $work/tls.key;
				}
			}
		END
		(as_service timeout 3600 nginx -e stderr -p "$work/nginx" -c "$work/nginx.conf" \
			>"$work/nginx.log" 2>&1) &
		nginx_pid=$!
		url_plain=http://127.0.0.1:$port
		url=http://127.0.0.1:$((port + 1))
		url_tls=https://127.0.0.1:$((port + 2))
		for wait in 1 2 3 4 5 6 7 8 9 10; do
			kill -0 "$nginx_pid" 2>/dev/null || break
			curl -fsS -o /dev/null "$url/metadata/1.root.json" 2>/dev/null && return 0
			sleep 0.2
		done
		kill "$nginx_pid" 2>/dev/null
		nginx_pid=
	done
	cat "$work/nginx.log" >&2
	return 1
}

client_new() { # CLIENT: knows nothing but the first root
	rm -rf "${work:?}/$1"
	"$tuf_exe" --metadata-dir "$work/$1" init "$work/root.json"
}

# refresh CLIENT URL [OPTION]...
refresh() {
	client=$1
	base=$2
	shift 2
	"$tuf_exe" --metadata-dir "$work/$client" --metadata-url "$base/metadata" "$@" refresh
}

# lookup CLIENT URL BUILD-ID [OPTION]...: the metadata for the newest patch of this kernel. The patch itself is put
# there beforehand, and so is not fetched.
lookup() {
	client=$1
	base=$2
	path=kernel/$3/kpatch.bin
	# shellcheck disable=SC2012
	here=$(ls -t "$work/repo/public/targets/kernel/$3/"*.kpatch.bin | head -n 1)
	shift 3
	mkdir -p "$work/got"
	cp "$here" "$work/got/$(echo "$path" | sed 's|/|%2F|g')" || return 1
	"$tuf_exe" --metadata-dir "$work/$client" --metadata-url "$base/metadata" --stats "$@" \
		--target-name "$path" --target-base-url "$base/targets" --target-dir "$work/got" download
}

# Of --stats on standard input: bytes sent and received.
bytes() { awk '/^requests / { print $4 + $6 }'; }

# The bin, of those of the role kernel, that the path belongs to: kernel/BUILD-ID/kpatch.bin
bin_of() { # BINS BUILD-ID
	digits=1
	while [ $((1 << (4 * digits))) -lt "$1" ]; do digits=$((digits + 1)); done
	each=$(((1 << (4 * digits)) / $1))
	hash=$(printf 'kernel/%s/kpatch.bin' "$2" | sha256sum | cut -c 1-$digits)
	printf 'kernel-%0*x' $digits $((0x$hash / each * each))
}
