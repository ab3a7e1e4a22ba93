#!/bin/bash
# systemd-lab.sh - boot a real systemd as PID 1 of a throw-away container and run a
# test script in it.
#
#   systemd-lab.sh [options] TEST-SCRIPT [ARG...]
#
#   -r DIR         lay the staged tree DIR (make install DESTDIR=DIR) over /
#   -f SRC:DST[:MODE]  put one more file into the container (repeatable)
#   -o DIR         where the logs go (default: a temporary folder, removed)
#   -t SECONDS     give up after so long (default 60)
#   -e UNIT        `systemctl enable UNIT` before the boot (repeatable)
#   -E NAME=VALUE  set a variable for the test script (repeatable)
#   -v             copy the boot console and the journal to stderr
#
# The root file system is an overlay: the host's / as the read-only lower
# layer, a tmpfs as the upper one.  Nothing is written to the host's disk but
# the log folder.  Namespaces: mount, pid, net (loopback only), uts, ipc,
# cgroup.  The exit status is the test script's; 124 = time-out, 125 = the
# container did not boot, 77 = cannot run here (not root, no overlayfs, no
# systemd).  DIR/test.log, DIR/journal.log and DIR/console.log are left.
# shellcheck disable=SC2317 # traps
set -euo pipefail

me=$(readlink -f "$0")
die()  { echo "systemd-lab: $*" >&2; exit 125; }
quote() { local a=${1//\\/\\\\}; a=${a//\"/\\\"}; printf %s "${a//%/%%}"; }
skip() { echo "systemd-lab: skipped: $*" >&2; exit 77; }

# ---------------------------------------------------------------- stage 3
# PID 1 of the new PID namespace: finish the mounts that need the new
# namespaces, change root, become systemd.
if [[ ${1-} == --stage3 ]]; then
    # Into our cgroup alone (unshare and script stay outside: PID 1 could not
    # move processes of another PID namespace), then make it the root of a
    # cgroup namespace.
    echo 0 >"$2/cgroup.procs"; shift 2
    exec unshare --cgroup bash "$me" --stage4 "$@"
fi
if [[ ${1-} == --stage4 ]]; then
    root=$2 unit=$3
    mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
    for p in sys bus fs irq sysrq-trigger; do       # no writes to the host's kernel
        [[ -e $root/proc/$p ]] || continue
        mount --bind "$root/proc/$p" "$root/proc/$p"
        mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/$p"
    done
    mount -t proc -o nosuid,nodev,noexec proc "$root/run/lab/proc"
    mount --bind "$root/run/lab/proc/sys/net" "$root/proc/sys/net"   # per netns: rw
    umount -l "$root/run/lab/proc"
    mount -t sysfs -o nosuid,nodev,noexec,ro sysfs "$root/sys"
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
    if con=$(tty); then mount --bind "$con" "$root/dev/console"; fi
    cd "$root"
    pivot_root . run/lab/old
    umount -l /run/lab/old
    rmdir /run/lab/old /run/lab/proc
    mount --make-rshared /          # what PID 1 expects from a container manager
    cd /
    # No leaks of the caller's environment or descriptors into PID 1.
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}; if (( fd > 2 )); then eval "exec $fd>&-"; fi
    done
    # The limits a kernel gives its first process, whatever the caller has.
    # (Raising a hard limit needs CAP_SYS_RESOURCE, which some sandboxes lack.)
    ulimit -Sn 1024; ulimit -Sc 0
    ulimit -Hn 524288 2>/dev/null || :; ulimit -Sl 8192 2>/dev/null || :; ulimit -Hl 8192 2>/dev/null || :
    exec setpriv --bounding-set=-sys_module,-sys_boot,-sys_time,-sys_rawio,-mac_admin,-mac_override,-syslog,-audit_control,-audit_read,-wake_alarm,-block_suspend \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        container=systemd-lab TERM=dumb container_uuid="$(cat /etc/machine-id)" \
        /lib/systemd/systemd --system "--unit=$unit" --log-target=journal --show-status=true
fi

# ---------------------------------------------------------------- options
stage='' out='' tmo=60 verbose=0; trees=() files=() enable=() vars=()
args=("$@")
[[ ${1-} == --stage2 ]] && { stage=2; work=$2; out=$3; shift 3; args=("$@"); }
while getopts r:f:o:t:e:E:vh o; do
    case $o in
    r) trees+=("$(readlink -f "$OPTARG")");;
    f) files+=("$OPTARG");;
    o) [[ $stage ]] || out=$OPTARG;;
    t) tmo=$OPTARG;;
    e) enable+=("$OPTARG");;
    E) vars+=("$OPTARG");;
    v) verbose=1;;
    *) sed -n '2,24s/^# \{0,1\}//p' "$me"; exit 2;;
    esac
done
shift $((OPTIND - 1))
(( $# >= 1 )) || { sed -n '2,24s/^# \{0,1\}//p' "$me"; exit 2; }
script=$(readlink -f "$1"); shift

# ---------------------------------------------------------------- stage 1
# Outside: make the work folder, go into a private mount namespace.
if [[ ! $stage ]]; then
    (( EUID == 0 )) || skip "not root"
    [[ -x /lib/systemd/systemd ]] || skip "no /lib/systemd/systemd"
    grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || skip "no overlayfs"
    for c in unshare setpriv pivot_root script; do
        command -v $c >/dev/null || skip "no $c (util-linux)"
    done
    # not in a chroot, and not where a container forbids it
    unshare --mount --propagation private true 2>/dev/null || skip "cannot make a mount namespace"
    [[ -r $script ]] || die "no such test script: $script"
    for d in ${TMPDIR:-/tmp}/systemd-lab.??????; do        # left by a run killed with SIGKILL
        [[ -f $d/pid && ! -d /proc/$(<"$d/pid") ]] && rm -rf --one-file-system "$d"
    done
    work=$(mktemp -d ${TMPDIR:-/tmp}/systemd-lab.XXXXXX)
    echo $$ >"$work/pid"
    keep=1; [[ $out ]] || { out=$work/out; keep=0; }
    mkdir -p "$out"; out=$(readlink -f "$out")
    child=
    cleanup() {
        trap - EXIT INT TERM HUP
        [[ $child ]] && { kill -TERM "$child" 2>/dev/null || :; wait "$child" 2>/dev/null || :; }
        (( keep )) || rm -rf --one-file-system "$work/out"
        rm -f "$work/pid"
        rmdir "$work/mnt" "$work" 2>/dev/null || echo "systemd-lab: left behind: $work" >&2
    }
    trap cleanup EXIT; trap 'exit 130' INT; trap 'exit 143' TERM HUP
    mkdir "$work/mnt"
    export LAB_OUTER=$$
    wrap=()
    # Under a systemd of the host's own, ask it for a delegated cgroup.
    if [[ -d /run/systemd/system ]] && command -v systemd-run >/dev/null; then
        wrap=(systemd-run --quiet --scope -p Delegate=yes)
    fi
    "${wrap[@]}" setpriv --pdeathsig TERM unshare --mount --propagation private \
        bash "$me" --stage2 "$work" "$out" "${args[@]}" </dev/null &
    child=$!
    rc=0; wait "$child" || rc=$?
    child=
    exit $rc
fi

# ---------------------------------------------------------------- stage 2
# In a private mount namespace: build the root, start the container, wait,
# collect the logs, remove the cgroup.
mnt=$work/mnt; root=$mnt/root; cg='' init='' timer=''
finish() {
    local rc=$? d
    trap - EXIT; trap '' INT TERM HUP
    for d in $timer $init; do kill -KILL "$d" 2>/dev/null || :; wait "$d" 2>/dev/null || :; done
    if [[ $cg && -d $cg ]]; then
        [[ -e $cg/cgroup.kill ]] && { echo 1 >"$cg/payload/cgroup.kill" || :; } 2>/dev/null
        echo $$ >"${cg%/*}/cgroup.procs" 2>/dev/null || :
        for d in 1 2 3 4 5 6 7 8 9 10; do
            find "$cg" -depth -type d -exec rmdir {} + 2>/dev/null || :
            [[ -d $cg ]] || break; sleep 0.1
        done
        [[ -d $cg ]] && echo "systemd-lab: left behind: cgroup ${cg#"$mnt/cg"}" >&2
    fi
    if ! kill -0 "$LAB_OUTER" 2>/dev/null; then     # stage 1 was killed: do its part
        umount -l "$mnt" && rm -rf --one-file-system "$work"
    fi
    exit $rc
}
trap finish EXIT; trap 'exit 143' INT TERM HUP

mount -t tmpfs -o mode=755,size=50%,nr_inodes=200k systemd-lab "$mnt"
mkdir -p "$mnt"/{upper,work,root,cg}
mount -t overlay -o "lowerdir=/,upperdir=$mnt/upper,workdir=$mnt/work" systemd-lab "$root" ||
    skip "cannot mount an overlay over /"
for d in usr var etc opt home srv; do           # an overlay sees one file system only
    mountpoint -q "/$d" || continue
    mkdir -p "$mnt/upper.$d" "$mnt/work.$d"
    mount -t overlay -o "lowerdir=/$d,upperdir=$mnt/upper.$d,workdir=$mnt/work.$d" systemd-lab "$root/$d"
done

# Fresh volatile places; the host's own state stays out of sight.
for d in run tmp var/tmp var/log etc/systemd/system dev; do
    mkdir -p "$root/$d"
    m=755; [[ $d == *tmp ]] && m=1777
    mount -t tmpfs -o "mode=$m" "lab-${d//\//-}" "$root/$d"
done
mkdir -p "$root"/run/lab/{old,proc,out} "$root"/run/log/journal "$root"/dev/{pts,shm,mqueue}
for d in null zero full random urandom tty console; do : >"$root/dev/$d"; done
for d in null zero full random urandom tty; do mount --bind "/dev/$d" "$root/dev/$d"; done
mount --bind /dev/null "$root/dev/console"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for i in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${i%:*}" "$root/dev/${i#*:}"; done
mount -t tmpfs -o mode=1777 lab-shm "$root/dev/shm"
mount --bind "$out" "$root/run/lab/out"

# Identity and a boot of nothing but what the tests need.
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
echo systemd-lab >"$root/etc/hostname"
: >"$root/etc/fstab"
mkdir -p "$root"/etc/systemd/{system-generators,journald.conf.d,system.conf.d}
for g in "$root"/usr/lib/systemd/system-generators/* "$root"/usr/local/lib/systemd/system-generators/*; do
    [[ -e $g ]] && ln -sf /dev/null "$root/etc/systemd/system-generators/${g##*/}"
done
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nAudit=no\nReadKMsg=no\n' \
    >"$root/etc/systemd/journald.conf.d/lab.conf"
printf '[Manager]\nDefaultTimeoutStartSec=20s\nDefaultTimeoutStopSec=20s\n' \
    >"$root/etc/systemd/system.conf.d/lab.conf"
for u in getty.target systemd-logind.service systemd-user-sessions.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    systemd-timesyncd.service systemd-networkd.service systemd-resolved.service \
    systemd-udevd.service systemd-udev-trigger.service systemd-machine-id-commit.service \
    systemd-binfmt.service systemd-sysctl.service systemd-modules-load.service \
    systemd-random-seed.service systemd-hwdb-update.service systemd-pstore.service \
    systemd-journal-flush.service systemd-firstboot.service systemd-boot-update.service \
    proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount systemd-remount-fs.service \
    ldconfig.service tmp.mount timers.target remote-fs.target; do
    ln -s /dev/null "$root/etc/systemd/system/$u"
done

# Container images carry a policy-rc.d that keeps dpkg from starting services.
printf '#!/bin/sh\nexit 0\n' >"$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"

# What is under test.
for t in "${trees[@]}"; do
    tar -C "$t" -cf - . | tar -C "$root" --no-same-owner --keep-directory-symlink -xpf -
done
for f in "${files[@]}"; do
    IFS=: read -r src dst mode <<<"$f"
    install -D -m "${mode:-644}" "$src" "$root/$dst"
done
install -m 755 "$script" "$root/run/lab/test"
: >"$out/test.log"
{
    echo '[Unit]'
    echo 'Description=the test script of systemd-lab'
    echo 'Requires=multi-user.target'
    echo 'After=multi-user.target'
    echo 'SuccessAction=exit-force'
    echo 'FailureAction=exit-force'
    echo '[Service]'
    echo 'Type=exec'
    echo 'Environment=HOME=/root LANG=C.UTF-8 SYSTEMD_PAGER= SYSTEMD_COLORS=0'
    echo 'WorkingDirectory=/tmp'
    for a in "${vars[@]}"; do printf 'Environment="%s"\n' "$(quote "$a")"; done
    printf 'ExecStart=/run/lab/test'
    for a in "$@"; do a=$(quote "$a"); printf ' "%s"' "${a//\$/\$\$}"; done; echo
    echo 'StandardOutput=append:/run/lab/out/test.log'
    echo 'StandardError=append:/run/lab/out/test.log'
    echo 'ExecStopPost=-/bin/sh -c "journalctl --sync; journalctl --no-pager -o short-precise >/run/lab/out/journal.log 2>&1; touch /run/lab/out/.done"'
} >"$root/etc/systemd/system/lab-test.service"
rm -f "$out/.done"
(( ${#enable[@]} == 0 )) || systemctl --root="$root" enable "${enable[@]}" >/dev/null 2>&1 ||
    die "cannot enable ${enable[*]}"

# A cgroup of our own, below the one we are in, in the unified hierarchy.
mount -t cgroup2 cgroup2 "$mnt/cg" || skip "no cgroup v2"
here=$(sed -n 's/^0:://p' /proc/self/cgroup)
cg=$mnt/cg${here%/}/systemd-lab.$$
# Left by a run that was killed with SIGKILL.
for d in "${cg%/*}"/systemd-lab.*; do
    [[ -d $d && ! -d /proc/${d##*.} ]] || continue
    find "$d" -depth -type d -exec rmdir {} + 2>/dev/null || :
done
mkdir "$cg" "$cg/payload"

export me root
printf -v boot '%q ' unshare --mount --propagation private --uts --ipc --net --pid \
    --fork --kill-child=KILL bash "$me" --stage3 "$cg/payload" "$root" lab-test.service
setpriv --pdeathsig KILL script -qefc "exec $boot" "$out/console.log" >/dev/null </dev/null &
init=$!
rc=0
setpriv --pdeathsig KILL sleep "$tmo" & timer=$!
who=
wait -n -p who "$init" "$timer" || rc=$?
if [[ $who == "$timer" ]]; then
    timer='' rc=124
    kill -KILL "$init"; wait "$init" 2>/dev/null || :
fi
init=
if [[ ! -e $out/.done ]]; then          # the journal survives in our tmpfs
    journalctl --no-pager -o short-precise -D "$root/run/log/journal" >"$out/journal.log" 2>&1 || :
    (( rc == 124 )) || rc=125
fi
rm -f "$out/.done"
if (( verbose )); then cat "$out/console.log" "$out/journal.log" >&2; fi
cat "$out/test.log"
(( rc == 124 )) && echo "systemd-lab: timed out after $tmo s" >&2
(( rc == 125 )) && { echo "systemd-lab: the container did not boot:"; tail -n 20 "$out/console.log"; } >&2
exit $rc
