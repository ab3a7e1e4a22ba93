#!/bin/sh
# Clients of TLS as they are, routed by name to servers as they are: openssl with what changes
# its ClientHello, curl, GnuTLS, a browser; and PostgreSQL with ssl on and off.
#
#   client --- proxy --- server          one machine: all have names that end in .test
set -u
cd "$(dirname "$0")/.." || exit 1
for program in openssl curl; do
	command -v "$program" >/dev/null || { echo "no $program; make check-peers installs it" >&2; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "not root, who can be the user of PostgreSQL" >&2; exit 77; }
. tests/support/machines.sh
. tests/support/real_servers.sh

daemon=${URINGPROXY:-$PWD/build/asan/uringproxy}
ip link set lo up
chmod 1777 "$work"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 \
	-subj /CN=app.test -addext 'subjectAltName=DNS:app.test,DNS:*.test' 2>/dev/null || fail "no certificate"

# Each says which it is.
for name in app other; do
	mkdir "$work/$name" && echo "this is $name" >"$work/$name/who"
done
cat >"$work/uringproxy.conf" <<CONF
[control]
listen = unix:$work/control.sock
[log]
access = $work/access.json
format = json
[proxy tls]
listen     = 127.0.0.1:443
route_sni  = app.test -> app
route_sni  = *.test -> other
route_sni  = refused.test -> reject
no_sni     = other
[proxy strict]
listen     = 127.0.0.1:444
route_sni  = app.test -> app
[proxy postgres]
listen     = 127.0.0.1:5432
preface    = postgres
route_sni  = app.test -> with_tls
route_sni  = *.test -> without_tls
[pool app]
server = 127.0.0.1:1001
[pool other]
server = 127.0.0.1:1002
[pool with_tls]
server = 127.0.0.1:5001
[pool without_tls]
server = 127.0.0.1:5002
CONF
(cd "$work/app" && exec openssl s_server -accept 1001 -key ../key.pem -cert ../cert.pem -WWW -quiet) >"$work/app.log" 2>&1 &
(cd "$work/other" && exec openssl s_server -accept 1002 -key ../key.pem -cert ../cert.pem -WWW -quiet) >"$work/other.log" 2>&1 &
"$daemon" -c "$work/uringproxy.conf" 2>"$work/daemon.log" &
until_true 60 "$daemon" -c "$work/uringproxy.conf" status --quiet || fail "the daemon is not ready"
until_true 20 openssl s_client -connect 127.0.0.1:1001 </dev/null >/dev/null 2>&1 || fail "no s_server"
until_true 20 openssl s_client -connect 127.0.0.1:1002 </dev/null >/dev/null 2>&1 || fail "no s_server"

# ask WHO OPTIONS...: openssl with these is served by that one.
tried=0
ask() {
	who=$1
	shift
	said=$(printf 'GET /who HTTP/1.0\r\n\r\n' | timeout 20 openssl s_client -connect 127.0.0.1:443 -ign_eof "$@" 2>&1)
	case $said in
	*"this is $who"*) tried=$((tried + 1)) ;;
	*) fail "openssl s_client $*: not served by $who: $said" ;;
	esac
}
for options in -tls1_2 -tls1_3 '-tls1_2 -no_ticket' '-tls1_3 -groups X25519' '-groups P-521:P-384' '-alpn h2,http/1.1' \
	'-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384' '-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256' \
	'-status' '-max_send_frag 512' '-split_send_frag 512 -max_send_frag 600' '-tls1_3 -curves P-256' '-sigalgs RSA-PSS+SHA256'; do
	# shellcheck disable=SC2086 # words
	ask app -servername app.test $options
	# shellcheck disable=SC2086
	ask other -servername www.a.test $options
done
ask app -servername APP.Test.
ask other -noservername
# A session of before, whose ticket is in the hello.
for version in -tls1_2 -tls1_3; do
	printf 'GET /who HTTP/1.0\r\n\r\n' | timeout 20 openssl s_client -connect 127.0.0.1:443 -ign_eof -servername app.test \
		$version -sess_out "$work/session" >/dev/null 2>&1
	ask app -servername app.test $version -sess_in "$work/session"
done
# Keys as a client of today has: they are not in openssl 3.0.
openssl list -kem-algorithms 2>/dev/null | grep -q X25519MLKEM768 && ask app -servername app.test -groups X25519MLKEM768
echo "openssl: $tried ways"

# refused WORDS COMMAND...
refused() {
	words=$1
	shift
	said=$(timeout 20 "$@" </dev/null 2>&1)
	case $said in
	*"$words"*) ;;
	*) fail "$*: not '$words': $said" ;;
	esac
}
refused 'alert access denied' openssl s_client -connect 127.0.0.1:443 -servername refused.test
refused 'unrecognized name' openssl s_client -connect 127.0.0.1:444 -servername nobody.test
refused 'missing extension' openssl s_client -connect 127.0.0.1:444 -noservername
refused 'alert access denied' curl -sSk --resolve refused.test:443:127.0.0.1 https://refused.test/who

said=$(curl -sSk --resolve app.test:443:127.0.0.1 https://app.test/who 2>&1)
[ "$said" = "this is app" ] || fail "curl: $said"
said=$(curl -sSk --resolve b.test:443:127.0.0.1 https://b.test/who 2>&1)
[ "$said" = "this is other" ] || fail "curl: $said"
echo "curl: routed and refused"

if command -v gnutls-cli >/dev/null; then
	said=$(printf 'GET /who HTTP/1.0\r\n\r\n' | timeout 20 gnutls-cli --insecure --disable-sni -p 443 127.0.0.1 2>&1)
	case $said in *"this is other"*) ;; *) fail "gnutls-cli: $said" ;; esac
	said=$(printf 'GET /who HTTP/1.0\r\n\r\n' | timeout 20 gnutls-cli --insecure --sni-hostname=app.test -p 443 127.0.0.1 2>&1)
	case $said in *"this is app"*) ;; *) fail "gnutls-cli: $said" ;; esac
	refused 'Access was denied' gnutls-cli --insecure --sni-hostname=refused.test -p 443 127.0.0.1
	echo "gnutls-cli: routed and refused"
else
	echo "gnutls-cli: not here"
fi

if command -v chromium >/dev/null; then
	browse() {
		timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/browser" \
			--ignore-certificate-errors --host-resolver-rules='MAP *.test 127.0.0.1' --dump-dom "$1" 2>"$work/browser.log"
	}
	said=$(browse https://app.test/who)
	case $said in *"this is app"*) ;; *) fail "chromium: $said" ;; esac
	said=$(browse https://b.test/who)
	case $said in *"this is other"*) ;; *) fail "chromium: $said" ;; esac
	browse https://refused.test/who >"$work/refused"
	grep -q 'this is' "$work/refused" && fail "chromium was not refused"
	grep -q '"sni":"app.test","alpn":"h2,http/1.1"' "$work/access.json" || fail "no record of a browser"
	echo "chromium: routed and refused"
else
	echo "chromium: not here"
fi

if ! find_postgres; then
	echo "PostgreSQL: not here"
	exit 0
fi
for name in with without; do
	postgres_made "$work/$name" || fail "no database can be made"
done
install -o postgres -g postgres -m 600 "$work/key.pem" "$work/with/server.key"
install -o postgres -g postgres -m 644 "$work/cert.pem" "$work/with/server.crt"
echo 'ssl = on' >>"$work/with/postgresql.conf"
# Each says which it is, by its port.
serve() {
	setpriv --reuid=postgres --regid=postgres --clear-groups "$postgres/postgres" -D "$work/$1" -c listen_addresses=127.0.0.1 \
		-p "$2" -c unix_socket_directories= -c fsync=off -c shared_buffers=16MB -c dynamic_shared_memory_type=mmap \
		>>"$work/$1.log" 2>&1 &
	until_true 60 "$postgres/psql" -h 127.0.0.1 -p "$2" -U postgres -c '' >/dev/null 2>&1 || fail "no PostgreSQL at $2"
}
serve with 5001
serve without 5002
query() {
	PGCONNECT_TIMEOUT=20 "$postgres/psql" -At "host=$1 hostaddr=127.0.0.1 user=postgres dbname=postgres sslmode=$2 gssencmode=$3" \
		-c "select setting, (select ssl from pg_stat_ssl where pid = pg_backend_pid()) from pg_settings where name = 'port'" 2>&1
}
for gss in disable prefer; do
	said=$(query app.test require $gss)
	[ "$said" = "5001|t" ] || fail "PostgreSQL with ssl = on: $said"
done
said=$(query app.test prefer prefer)
[ "$said" = "5001|t" ] || fail "PostgreSQL with sslmode=prefer: $said"
said=$(query b.test require disable)
case $said in *5002*) fail "PostgreSQL with ssl = off was reached: $said" ;; esac
grep -q '"server-no-tls"' "$work/access.json" || fail "no record of a server without TLS: $said"
said=$(query nobody.example require disable)
case $said in *'unrecognized name'* | *'SSL error'*) ;; *) fail "PostgreSQL, no route: $said" ;; esac
said=$(query app.test disable disable)
case $said in *'connect with sslmode=require'*) ;; *) fail "PostgreSQL in clear: $said" ;; esac
# Much both ways.
said=$(PGCONNECT_TIMEOUT=20 "$postgres/psql" -At "host=app.test hostaddr=127.0.0.1 user=postgres dbname=postgres sslmode=require" \
	-c "select length(string_agg(repeat('x', 1000), '')) from generate_series(1, 20000)" 2>&1)
[ "$said" = 20000000 ] || fail "PostgreSQL: $said"
said=$("$postgres/psql" -V | sed 's/[^0-9]*\([0-9]*\).*/\1/')
if [ "$said" -ge 17 ]; then
	said=$("$postgres/psql" -At "host=app.test hostaddr=127.0.0.1 user=postgres dbname=postgres sslmode=require sslnegotiation=direct" -c 'select 1' 2>&1)
	[ "$said" = 1 ] || fail "PostgreSQL, direct: $said"
fi
echo "PostgreSQL: ssl on, ssl off, in clear, without a route"
