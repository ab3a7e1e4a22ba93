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
reasons=$(sed -n 's/.*X([A-Z_]*, "\([a-z-]*\)",.*/\1/p' src/session/reason.h)
explained=$(sed -n '/^The reasons a connection/,/^\.El/s/^\.It Cm //p' src/uringproxy.8)
if [ "$reasons" != "$explained" ]; then
	printf 'reasons in session/reason.h:\n%s\nreasons in uringproxy.8:\n%s\n' "$reasons" "$explained"
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

# What everybody needs comes first, what few ever tune comes last.
sections=$(sed -n 's/^\.Sh \(SECTIONS THAT LISTEN\|SERVERS\|CHECKS\|NAMES\|CHOOSING A SERVER\|SETTINGS\|LOG\|GLOBAL\|SQPOLL\)$/\1/p' src/uringproxy.conf.5 | tr '\n' ,)
[ "$sections" = "SECTIONS THAT LISTEN,SERVERS,CHECKS,NAMES,CHOOSING A SERVER,SETTINGS,LOG,GLOBAL,SQPOLL," ] || {
	echo "uringproxy.conf.5 has its sections in another order: $sections"
	exit 1
}

# Two lists, one thing on a line each, are the same; say what they are.
same()
{
	[ -n "$2" ] || { echo "no $1 found"; exit 1; }
	[ "$2" = "$4" ] || { printf '%s:\n%s\n%s:\n%s\n' "$1" "$2" "$3" "$4"; exit 1; }
}
# The tags of the list that begins after a line with these words.
listed()
{
	sed -n "/$1/,/^\.El/s/^\.It [A-Z][a-z] //p" src/uringproxy.8
}

# Every counter is one of those states or in the list of the others.
same 'counters in ops/stats.h' "$(sed -n 's/^\tX(\([a-z_]*\),.*/\1/p' src/ops/stats.h | sort)" \
	'counters in uringproxy.8' "$( { listed '^These are the states'; listed '^These are the counters'; } | sort)"

# So are the metrics, with their words.
same 'families in control/metrics.c' \
	"$(sed -n 's/^ROW([A-Z]*, [A-Z]*, "\([a-z_]*\)",.*/\1/p' src/control/metrics.c)" \
	'families in uringproxy.8' "$(listed '^These are the metrics')"
sed -n 's/^    "\([^"]*\.\)",.*/\1/p' src/control/metrics.c | while read -r help; do
	grep -qxF -e "$help" src/uringproxy.8 || { echo "not in uringproxy.8: $help"; exit 1; }
done

# Why clients are refused, in the order of the header.
same 'causes in session/refused.h' \
	"$(sed -n 's/.*X([A-Z_]*, "\([a-z-]*\)",.*/\1/p' src/session/refused.h)" \
	'causes in uringproxy.8' "$(sed -n '/^They are refused for/,/^\.El/s/^\.It Cm //p' src/uringproxy.8)"

# The record's fields: those of its schema, and of the line that has only a warning.
same 'fields in record.schema.json' \
	"$( { sed -n 's/^    "\([a-z_]*\)": {.*/\1/p' tests/record.schema.json; echo warning; } | sort)" \
	'fields in uringproxy.8' "$(listed '^These are the fields' | sort)"

# Exit statuses, by the numbers of sysexits.h.
codes=$(grep -rhoE '\bEX_[A-Z]+' src --include=*.c | sort -u)
same 'exit statuses in src' \
	"$(for code in $codes; do sed -n "s/^#define $code[^_A-Z0-9]*\([0-9]*\).*/\1/p" /usr/include/sysexits.h; done | sort -n)" \
	'exit statuses in uringproxy.8' "$(sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It //p' src/uringproxy.8 | sort -n)"

# Variables that are read, paths that are opened, directories that the unit gives, names of
# kernel features: each is in a manual.
mentioned()
{
	for word in $2; do
		grep -qF -e "$word" src/*.[58] || { echo "$1 $word is in no manual"; exit 1; }
	done
}
mentioned 'the variable' "$(grep -rhoE 'getenv\("[A-Z_]+' src | sed 's/.*"//')"
mentioned 'the path' "$(grep -rhoE '"/(etc|proc|sys|run|var)/[^" %:]*"' src --include='*.[ch]' | tr -d '"' | grep -v '/fd/' | grep -v '^/var/log/')"
mentioned 'the directory' "$(sed -n 's|^RuntimeDirectory=|/run/|p; s|^LogsDirectory=|/var/log/|p; s|^StateDirectory=|/var/lib/|p' systemd/uringproxy.service)"
mentioned 'the directory' "$(sed -n 's|^#define COMMANDLINE_PATH "\(.*\)"|\1.d|p' src/control/commandline.h)"
for feature in $(sed -n '/struct feature features/,/^};/s/.*"\([a-z0-9-]*\)".*/\1/p' src/ring/names.c); do
	grep -qE "^\.Li $feature( [,.])?\$" src/uringproxy.conf.5 || { echo "the kernel feature $feature is not in uringproxy.conf.5"; exit 1; }
done
