#!/bin/bash
# root-lab.sh - make a Debian from nothing with debootstrap and run a script of this tree in it.
#
#   root-lab.sh [options] SCRIPT [ARG...]
#
#   -s SUITE       bookworm, trixie, sid, ... (default: the one this machine has)
#   -i PACKAGE,... besides what debootstrap's minbase has (default: make,ca-certificates,procps)
#   -d DIR         where the root is made (default: $TMPDIR or /tmp; `make check` takes 4 GB)
#
# The root has this tree as it is, committed or not, in /srv/uringproxy, and that is where
# SCRIPT, a path in the tree, is run by root.  Of the machine it has the kernel, the network
# and the way apt goes to its archive: mirror and proxies are those of the machine's own apt,
# packages are verified with its keyring.  It is in mount, PID, UTS and IPC namespaces of its
# own, entered by pivot_root so that it can make more of them, and gone afterwards.
# Exit status: the script's; 77 = cannot be made here, with the reason.
set -euo pipefail
me=$(readlink -f "$0")
skip() { echo "root-lab: skipped: $*" >&2; exit 77; }

# In the namespaces: make the root complete and enter it.
if [[ ${1-} == --enter ]]; then
    root=$2
    shift 2
    mount --bind "$root" "$root"
    mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mkdir "$root/.machine"
    cd "$root"
    pivot_root . .machine
    umount -l /.machine
    rmdir /.machine
    cd /srv/uringproxy
    exec env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
fi

suite='' include=make,ca-certificates,procps directory=${TMPDIR:-/tmp}
while getopts s:i:d:h o; do
    case $o in
    s) suite=$OPTARG;; i) include=$OPTARG;; d) directory=$OPTARG;;
    *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$me"; exit 2;;
    esac
done
shift $((OPTIND - 1))
(($#)) || { echo "root-lab: no script" >&2; exit 2; }
cd "$(dirname "$me")/../.."

((EUID == 0)) || skip "not root"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
command -v unshare >/dev/null || skip "no unshare (util-linux)"
unshare --mount --propagation private --pid --fork true 2>/dev/null || skip "no namespaces can be made here"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -r $keyring ]] || skip "no $keyring (debian-archive-keyring)"
# Debian's main archive as apt knows it, in whatever form its sources are written.
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    'Label: Debian' 'Component: main' 2>/dev/null | head -n 1)
[[ $archive ]] || skip "apt knows of no Debian archive (apt-get update?)"
[[ $suite ]] || suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")

work=$(mktemp -d "$directory/uringproxy-root.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$work/root
if ! debootstrap --variant=minbase --include="$include" --keyring="$keyring" "$suite" "$root" "$archive" \
    >"$work/log" 2>&1; then
    tail -n 5 "$work/log" >&2
    skip "debootstrap cannot make $suite from $archive"
fi
# As if apt had never been run there.  A mirror may stand still for longer than its lists are
# meant to be used; signed they are all the same.
rm -rf "$root"/var/lib/apt/lists/*
{
    apt-config dump Acquire | grep -E '^Acquire::(https?::)?(Proxy|Verify-|CaInfo|Retries)' || :
    echo 'Acquire::Check-Valid-Until "false";'
} >"$root/etc/apt/apt.conf.d/90machine"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || :
mkdir "$root/srv/uringproxy"
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
    tar --null --ignore-failed-read -cf - -T - 2>/dev/null |
    tar -C "$root/srv/uringproxy" --no-same-owner -xf -

status=0
unshare --mount --propagation private --pid --fork --kill-child --uts --ipc \
    bash "$me" --enter "$root" "$@" </dev/null || status=$?
exit $status
