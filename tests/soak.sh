#!/bin/sh
# `make soak`: SOAK_SECONDS (600), half of them of mixed traffic with faults and half of
# reloads under load, half against the release build and half against the one with TSan,
# then a million seeds of the simulation (SIM_SEEDS, from SIM_FIRST on, by default ones
# never seen).
set -u
cd "$(dirname "$0")/.." || exit 1

: "${SOAK_SECONDS:=600}" "${SIM_SEEDS:=1000000}" "${SIM_FIRST:=$(date +%s)000}"
export SIM_SEEDS SIM_FIRST
failed=0
for build in release tsan; do
	echo "== $build, $((SOAK_SECONDS / 2)) s"
	for program in daemon_soak daemon_reload_storm; do
		SOAK_SECONDS=$((SOAK_SECONDS / 4)) URINGPROXY=$PWD/build/$build/uringproxy \
			"build/$build/tests/$program" || failed=1
	done
done
echo "== simulation, $SIM_SEEDS seeds from $SIM_FIRST"
build/release/tests/sim_engine || failed=1
exit $failed
