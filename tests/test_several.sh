#!/bin/sh
# What examples/several has for those who announce an address is what they take, and of the same
# address as the daemon's.  keepalived's example is tried by test_keepalived.sh.
set -u
cd "$(dirname "$0")/../examples/several" || exit 1

said=$("${URINGPROXY:-../../build/asan/uringproxy}" -t -c uringproxy.conf 2>&1) || { echo "$said"; exit 1; }
address=$(sed -n 's/^listen *= \([0-9.]*\):.*/\1/p' uringproxy.conf)
for file in keepalived.conf bird.conf exabgp.conf; do
	grep -q "[[:space:]]$address/" "$file" || { echo "$file: does not name $address"; exit 1; }
done

PATH=$PATH:/usr/sbin
for program in bird exabgp; do
	command -v $program >/dev/null || { echo "no $program; make check-peers installs it" >&2; exit 77; }
done
bird -p -c bird.conf || exit 1
said=$(exabgp --test exabgp.conf 2>&1) || { echo "$said"; exit 1; }
# What it would run: the options are its own, or it prints how it is used.
options=$(sed -n 's/.*exabgp healthcheck //; T; s/;$//p' exabgp.conf)
said=$(eval "/usr/bin/python3 -m exabgp healthcheck $options --help" 2>&1) || { echo "$said"; exit 1; }
for option in $(echo "$options" | grep -o -e '--[a-z-]*'); do
	case $option in
	--quiet) ;; # of ours
	*) echo "$said" | grep -q -e "$option" || { echo "exabgp.conf: healthcheck has no $option"; exit 1; } ;;
	esac
done
