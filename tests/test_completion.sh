#!/bin/sh
# The completions of bash and zsh, as they come at a terminal: commands, options, files, and
# names that the daemon which runs has got.
set -u
cd "$(dirname "$0")/.." || exit 1

daemon=${URINGPROXY:-$PWD/build/release/uringproxy}
command -v python3 >/dev/null || { echo 'there is no python3' >&2; exit 77; }
dir=$(mktemp -d) || exit 1
pid= peer=
trap 'for one in $pid $peer; do kill "$one"; done; rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/files"
ln -s "$daemon" "$dir/bin/uringproxy"
touch "$dir/files/one.conf" "$dir/files/two.conf"
cat >"$dir/conf" <<-END
	[proxy web]
	listen = unix:$dir/web
	server = 127.0.0.1:9
	[proxy mail-in]
	listen = unix:$dir/mail
	server = 127.0.0.1:9
	[echo]
	listen = unix:$dir/echo
	[control]
	listen = unix:$dir/control.sock
END
"$daemon" -c "$dir/conf" 2>"$dir/log" &
pid=$!
tries=0
until "$daemon" status --quiet -s "$dir/control.sock" 2>/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -lt 600 ] || { cat "$dir/log"; exit 1; }
	sleep 0.1
done
# Somebody who is connected.
python3 -c '
import socket, sys, time
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.send(b"x")
peer.recv(1)
open(sys.argv[2], "w").close()
time.sleep(600)' "$dir/echo" "$dir/connected" &
peer=$!
tries=0
until [ -e "$dir/connected" ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 600 ] || exit 1
	sleep 0.1
done
id=$("$daemon" conns --json -s "$dir/control.sock" | sed -n 's/.*"id": \([0-9]*\).*/\1/p')
export PATH="$dir/bin:$PATH" URINGPROXY_CONTROL="$dir/control.sock"

failed=
# What is typed, and what comes of it, without its first word.
expect()
{
	shell=$1 typed=$2 wanted=$3
	said=$(python3 tests/support/completion.py "$shell" "conf/uringproxy.$shell" "$typed")
	status=$?
	[ "$status" != 77 ] || return 77
	[ "$said" = "uringproxy $wanted" ] && return
	printf '%s: %s\n  wanted: %s\n  said:   %s\n' "$shell" "$typed" "uringproxy $wanted" "$said"
	failed=yes
}
for shell in bash zsh; do
	command -v "$shell" >/dev/null || { skipped=$shell; continue; }
	expect "$shell" 'uringproxy sta~' 'status'
	expect "$shell" 'uringproxy d~' 'drain'
	expect "$shell" 'uringproxy status --q~' 'status --quiet'
	expect "$shell" 'uringproxy log-level ~' 'log-level debug error info warning'
	expect "$shell" 'uringproxy log-level w~' 'log-level warning'
	expect "$shell" 'uringproxy drain ~' 'drain echo mail-in web'
	expect "$shell" 'uringproxy drain --undo m~' 'drain --undo mail-in'
	expect "$shell" 'uringproxy conns --proxy=w~' 'conns --proxy=web'
	expect "$shell" 'uringproxy servers w~' 'servers web'
	expect "$shell" 'uringproxy server w~' 'server web/127.0.0.1:9'
	expect "$shell" 'uringproxy server web/127.0.0.1:~' 'server web/127.0.0.1:9'
	expect "$shell" 'uringproxy server web/127.0.0.1:9 d~' 'server web/127.0.0.1:9 drain'
	expect "$shell" 'uringproxy server web/127.0.0.1:9 w~' 'server web/127.0.0.1:9 weight='
	expect "$shell" 'uringproxy server web/127.0.0.1:9 rem~' 'server web/127.0.0.1:9 remove'
	expect "$shell" 'uringproxy server web/new a~' 'server web/new add'
	expect "$shell" 'uringproxy server mail-in/127.0.0.1:9 drain --r~' \
		'server mail-in/127.0.0.1:9 drain --reason='
	expect "$shell" 'uringproxy why ~' "why $id"
	expect "$shell" 'uringproxy kill ~' "kill $id"
	expect "$shell" 'uringproxy conns --prox~' 'conns --proxy='
	expect "$shell" 'uringproxy conns --proxy=m~' 'conns --proxy=mail-in'
	expect "$shell" 'uringproxy conns --server=127.0.0.1:~' 'conns --server=127.0.0.1:9'
	expect "$shell" "uringproxy -c $dir/conf drain w~" "-c $dir/conf drain web"
	expect "$shell" "uringproxy -c $dir/files/~" "-c $dir/files/one.conf $dir/files/two.conf"
	expect "$shell" "uringproxy --config=$dir/files/t~" "--config=$dir/files/two.conf"
	# Without a daemon there is nothing, and nobody is told.
	expect "$shell" "uringproxy -s $dir/none drain ~" "-s $dir/none drain"
done
[ -z "$failed" ] || exit 1
[ -z "${skipped-}" ] || { echo "there is no $skipped" >&2; exit 77; }
