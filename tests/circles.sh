#!/bin/sh
# No two files of src/ call each other, not even by way of others: from the symbols of
# the objects that make has built (OBJECTS, build/asan by default), who needs whom, in an
# order that tsort can find.
objects=${OBJECTS:-build/asan}

arrows=$(for source in src/*/*.c; do
	file=${source#src/}
	[ -e "$objects/${source%.c}.o" ] || continue # of another build
	nm -g "$objects/${source%.c}.o" |
		awk -v file="${file%.c}" '{ print file, $(NF - 1), $NF }'
done | awk '
	$2 == "U" { needs[$1 " " $3] = 1; next }
	$2 ~ /^[TDRBCVWG]$/ { home[$3] = $1 }
	END {
		for (need in needs) {
			split(need, n, " ")
			if (n[2] in home && home[n[2]] != n[1])
				print n[1], home[n[2]]
		}
	}' | sort -u)
[ -n "$arrows" ] || { echo "no objects in $objects"; exit 1; }
if ! circles=$(echo "$arrows" | tsort 2>&1 >/dev/null) || [ -n "$circles" ]; then
	echo "files of src/ that need each other:"
	echo "$circles" | sed 's/^tsort: //; s/^-: //'
	exit 1
fi
