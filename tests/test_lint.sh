#!/bin/sh
# clang-tidy has nothing to say of src/: its checks are in .clang-tidy.  A file is looked at
# again when its object is newer than its last clean look: when it or one of its headers was
# changed.  CLANG_TIDY names another version.
#
# Nearly all of its time the analyzer follows paths through functions, as many as LINT_NODES
# states of each: 75,000 by default, what the analyzer itself calls shallow.  `make lint` has it
# go three times as far, as it would by itself.
set -u

tidy=${CLANG_TIDY:-clang-tidy}
command -v "$tidy" >/dev/null || {
	echo "no $tidy" >&2
	exit 77
}
objects=${OBJECTS:-build/asan}
nodes=${LINT_NODES:-75000}
flags="-std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -DVERSION=\"\" -Isrc -pthread
       -Xclang -analyzer-config -Xclang max-nodes=$nodes
       $(${PKG_CONFIG:-pkg-config} --cflags inih libsystemd libmicrohttpd jansson)"
export tidy objects nodes flags

# The longest first, so that no processor waits for one at the end.
ls -S src/*.c src/*/*.c | xargs -P "$(nproc)" -n 1 sh -c '
	looked=build/lint/$tidy-$nodes/$1
	if [ "$looked" -nt "$objects/${1%.c}.o" ] && [ "$looked" -nt "$1" ] &&
	   [ "$looked" -nt .clang-tidy ]; then
		exit
	fi
	mkdir -p "${looked%/*}"
	said=$("$tidy" --quiet "$1" -- $flags 2>/dev/null) && touch "$looked" && exit
	echo "$said"
	exit 1
' sh
