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

# Why connections end is a closed list: the manual has it whole, in the same order.
reasons=$(sed -n 's/.*X([A-Z_]*, "\([a-z-]*\)",.*/\1/p' src/net/reason.h)
explained=$(sed -n '/^The reasons a connection/,/^\.El/s/^\.It Cm //p' src/uringproxy.8)
if [ "$reasons" != "$explained" ]; then
	printf 'reasons in net/reason.h:\n%s\nreasons in uringproxy.8:\n%s\n' "$reasons" "$explained"
	exit 1
fi
[ -n "$reasons" ]

# So are the states of shortage, by their counters.
states=$(sed -n 's/.*X(\(paused_[a-z]*\|queue_full\|overflows\),.*/\1/p' src/ops/stats.h | sort)
explained=$(sed -n '/^These are the states/,/^\.El/s/^\.It Cm //p' src/uringproxy.8 | sort)
if [ "$states" != "$explained" ]; then
	printf 'states in ops/stats.h:\n%s\nstates in uringproxy.8:\n%s\n' "$states" "$explained"
	exit 1
fi
[ -n "$states" ]
