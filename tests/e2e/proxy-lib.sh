# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# For scripts that put nginx and haproxy before a server, with the configurations that are shipped: only names, ports, paths and
# timeouts are put in. Wants $top and $work; source it after repo_setup. Then:
#
#   certificate NAME         $work/tls.crt, tls.key and tls.pem, for NAME and 127.0.0.1
#   nginx_start NAME SED     nginx with packaging/nginx/suture-NAME.conf, changed by SED; its log: $work/nginx/suture-NAME.log
#   haproxy_start NAME SED   haproxy with packaging/haproxy/suture-NAME.cfg; its log: $work/haproxy/log
#                            $front is the URL of the one that was started last, $plain its port without TLS
#   proxy_stop               ends what was started
#   get PATH [OPTION]...     through $front by curl: prints the status; body in $work/got, headers in $work/got.headers
#   header NAME              of the last answer
#   is A B                   both are the same
nginx_pid=''
haproxy_pid=''
nginx=$(command -v nginx || echo /usr/sbin/nginx)
haproxy=$(command -v haproxy || echo /usr/sbin/haproxy)

proxy_stop() {
	for pid in $nginx_pid $haproxy_pid; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	nginx_pid=''
	haproxy_pid=''
}

port() { echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 40000)); }

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/tls.key" \
		-out "$work/tls.crt" -subj "/CN=$1" -addext subjectAltName=IP:127.0.0.1 -days 2 2>/dev/null &&
		cat "$work/tls.crt" "$work/tls.key" >"$work/tls.pem"
}

# until_it_answers PID: 1 when it ended
until_it_answers() {
	front=https://127.0.0.1:$port
	for _ in $(seq 50); do
		[ "$(get /healthz)" != 200 ] || return 0
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	return 1
}

nginx_start() {
	mkdir -p "$work/nginx"
	for _ in 1 2 3 4 5; do
		port=$(port)
		plain=$(port)
		sed -e "s|listen 443|listen 127.0.0.1:$port|; s|listen 80;|listen 127.0.0.1:$plain;|; /listen \[::\]/d" \
			-e "s|/etc/suture/tls/$1.crt|$work/tls.crt|; s|/etc/suture/tls/$1.key|$work/tls.key|" \
			-e "s|/var/log/nginx|$work/nginx|" -e "$2" "$top/packaging/nginx/suture-$1.conf" >"$work/nginx/site.conf"
		{
			[ "$(id -u)" != 0 ] || echo 'user root;'
			echo "daemon off; worker_processes 1; pid $work/nginx/pid; error_log $work/nginx/error.log warn;"
			echo 'events { worker_connections 512; }'
			echo "http { client_body_temp_path $work/nginx/body; proxy_temp_path $work/nginx/proxy;"
			echo "fastcgi_temp_path $work/nginx/f; uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;"
			echo "include $work/nginx/site.conf; }"
		} >"$work/nginx/nginx.conf"
		"$nginx" -t -p "$work/nginx" -c "$work/nginx/nginx.conf" || return 1
		"$nginx" -p "$work/nginx" -c "$work/nginx/nginx.conf" &
		nginx_pid=$!
		until_it_answers "$nginx_pid" && return 0
		proxy_stop
	done
	cat "$work/nginx/error.log"
	return 1
}

haproxy_start() {
	mkdir -p "$work/haproxy"
	for _ in 1 2 3 4 5; do
		port=$(port)
		plain=$(port)
		sed -e "s|bind :443|bind 127.0.0.1:$port|; s|bind :80|bind 127.0.0.1:$plain|" \
			-e "s|/etc/haproxy/$1.pem|$work/tls.pem|; s|/run/haproxy/admin.sock|$work/haproxy/admin.sock|" \
			-e 's|maxconn 20000|maxconn 2000|; s|log /dev/log local0|log stdout format raw local0|' -e "$2" \
			"$top/packaging/haproxy/suture-$1.cfg" >"$work/haproxy/haproxy.cfg"
		"$haproxy" -c -f "$work/haproxy/haproxy.cfg" || return 1
		"$haproxy" -db -f "$work/haproxy/haproxy.cfg" >"$work/haproxy/log" 2>&1 &
		haproxy_pid=$!
		until_it_answers "$haproxy_pid" && return 0
		proxy_stop
	done
	tail -n 20 "$work/haproxy/log"
	return 1
}

get() {
	path=$1
	shift
	curl -s --max-time 30 --cacert "$work/tls.crt" -D "$work/got.headers" -o "$work/got" -w '%{http_code}' \
		"$@" "$front$path"
}

header() { tr -d '\r' <"$work/got.headers" | sed -n "s/^$1: //Ip" | tail -n 1; }

is() {
	[ "$1" = "$2" ] || {
		echo "$1 instead of $2"
		return 1
	}
}
