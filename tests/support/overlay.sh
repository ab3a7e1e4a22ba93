#!/bin/bash
# overlay.sh - run a command as root on this very machine, whose files are an overlay: what
# it writes or installs is gone afterwards.
#
#   overlay.sh COMMAND [ARG...]
#
# Network and processes are the machine's.  /tmp, /var/tmp and /run are fresh; $KEEP, a
# folder, is the machine's own, for results.  Exit status: the command's; 77 = cannot be made
# here, with the reason.
set -euo pipefail
skip() { echo "overlay: skipped: $*" >&2; exit 77; }

if [[ ${1-} == --enter ]]; then
    keep=$2
    shift 2
    mnt=/mnt
    mount -t tmpfs -o mode=755,size=70%,nr_inodes=1m overlay "$mnt"
    mkdir -p "$mnt"/{upper,work,root}
    mount -t overlay -o "lowerdir=/,upperdir=$mnt/upper,workdir=$mnt/work" overlay "$mnt/root" ||
        skip "cannot mount an overlay over /"
    for d in usr var etc opt home srv; do       # an overlay sees one file system only
        mountpoint -q "/$d" || continue
        mkdir -p "$mnt/upper.$d" "$mnt/work.$d"
        mount -t overlay -o "lowerdir=/$d,upperdir=$mnt/upper.$d,workdir=$mnt/work.$d" overlay "$mnt/root/$d"
    done
    cd "$mnt/root"
    for d in tmp var/tmp run; do
        mount -t tmpfs -o mode=1777 overlay "$d"
    done
    mount --rbind /dev dev
    mount --rbind /sys sys
    mount -t proc proc proc
    printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
    chmod 755 usr/sbin/policy-rc.d
    mkdir -p ".$keep"
    mount --bind "$keep" ".$keep"
    exec chroot . env DEBIAN_FRONTEND=noninteractive TMPDIR=/tmp HOME=/root LC_ALL=C.UTF-8 "$@"
fi

(($#)) || { echo "overlay: no command" >&2; exit 2; }
((EUID == 0)) || skip "not root"
grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || skip "no overlayfs"
unshare --mount --propagation private --pid --fork true 2>/dev/null || skip "no namespaces can be made here"
exec unshare --mount --propagation private --pid --fork --kill-child \
    bash "$(readlink -f "$0")" --enter "${KEEP:?a folder for results}" "$@"
