#!/bin/sh
# The build without libmicrohttpd and jansson (make CONTROL=no) serves, warns of what it cannot
# do, and says so when it is to ask.
set -u
cd "$(dirname "$0")/.."

daemon=build/release-plain/uringproxy
[ -x "$daemon" ] || { echo "no $daemon; make CONTROL=no builds it" >&2; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$1"
	exit 1
}
if ldd "$daemon" | grep -E 'microhttpd|jansson|gnutls'; then
	fail 'it is linked with what it does without'
fi
cat >"$dir/conf" <<-END
	[echo]
	listen = 127.0.0.1:7
	[control]
	listen = unix:$dir/control.sock
	[metrics]
	listen = 127.0.0.1:9099
END
said=$("$daemon" -t -c "$dir/conf" 2>&1) || fail "it refuses the file: $said"
for place in '4: \[control\]' '6: \[metrics\]'; do
	echo "$said" | grep -q "^warning: $dir/conf:$place has no effect: .*CONTROL=no" ||
		fail "it does not warn of $place: $said"
done
said=$("$daemon" status -s "$dir/control.sock" 2>&1)
[ $? = 3 ] || fail "status: $said"
echo "$said" | grep -q 'CONTROL=no' || fail "status does not say why: $said"
said=$(RUNTIME_DIRECTORY="$dir" "$daemon" -t -c "$dir/conf" 2>&1) || fail "$said"
printf '[echo]\nlisten = 127.0.0.1:7\n' >"$dir/conf"
said=$(RUNTIME_DIRECTORY="$dir" "$daemon" -t -c "$dir/conf" 2>&1) || fail "$said"
if echo "$said" | grep 'CONTROL=no'; then
	fail 'it warns of what nobody asked for'
fi
