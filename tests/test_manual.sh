#!/bin/sh
# The manual pages are clean troff, and uringproxy(8) knows the options that the
# daemon's own help lists -- and no others.
set -eu
cd "$(dirname "$0")/.."

for page in src/*.[58]; do
	warnings=$(groff -mandoc -Tutf8 -ww -z "$page" 2>&1)
	[ -z "$warnings" ] || { echo "$warnings"; exit 1; }
done

daemon=${URINGPROXY:-build/release/uringproxy}
listed=$("$daemon" -h | grep -oE '(^| )-[a-zA-Z]\b' | tr -d ' ' | sort -u)
described=$(sed -n 's/^\.It Fl \([a-zA-Z]\)\b.*/-\1/p' src/uringproxy.8 | sort -u)
if [ "$listed" != "$described" ]; then
	printf 'options of uringproxy -h:\n%s\noptions in uringproxy.8:\n%s\n' "$listed" "$described"
	exit 1
fi
[ -n "$listed" ]
