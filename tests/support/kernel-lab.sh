#!/bin/bash
# kernel-lab.sh - boot another Linux kernel under qemu and run a test script in it.
#
#   kernel-lab.sh [options] TEST-SCRIPT [ARG...]
#
#   -k FILE        the kernel image (default: Debian's linux-image-cloud-amd64,
#                  fetched with apt-get into -c DIR and unpacked there, not installed)
#   -S SUITE       the kernel of this suite of the archive that apt is set up for (trixie,
#                  sid; default: what apt-get would install here)
#   -c DIR         where a fetched kernel is kept (default: ~/.cache/uringproxy/kernel)
#   -f SRC[:DST]   put a file into the guest; a dynamic executable brings its
#                  libraries along (repeatable; default DST: /bin/NAME)
#   -m MIB         guest memory (default 512)     -s CPUS   guest CPUs (default 2)
#   -t SECONDS     give up after so long (default 120)
#   -v             show the whole console
#
# The guest is an initramfs: busybox, what -f named, and the test script, run by
# busybox sh as root with loopback up, /proc, /sys, /dev, /tmp mounted.  Nothing
# outside can be reached from it.  Plain emulation (TCG): no /dev/kvm needed, a
# boot takes about three seconds, and times measured inside mean nothing.
# Exit status: the test's; 77 = cannot run here, 124 = time-out, 125 = did not boot.
set -euo pipefail
die()  { echo "kernel-lab: $*" >&2; exit 125; }
skip() { echo "kernel-lab: skipped: $*" >&2; exit 77; }

kernel='' suite='' cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/uringproxy/kernel memory=512 cpus=2 limit=120 verbose=0 files=()
while getopts k:S:c:f:m:s:t:vh o; do
    case $o in
    k) kernel=$OPTARG;; S) suite=$OPTARG;; c) cache=$OPTARG;; f) files+=("$OPTARG");; m) memory=$OPTARG;;
    s) cpus=$OPTARG;; t) limit=$OPTARG;; v) verbose=1;;
    *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 2;;
    esac
done
shift $((OPTIND - 1))
[[ $# -ge 1 && -r $1 ]] || die "no test script"
test=$(readlink -f "$1"); shift

command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86 is not installed"
command -v cpio >/dev/null || skip "cpio is not installed"
[[ -x /bin/busybox ]] && ! ldd /bin/busybox >/dev/null 2>&1 || skip "busybox-static is not installed"

work=$(mktemp -d "${TMPDIR:-/tmp}/kernel-lab.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# ---- the kernel -------------------------------------------------------------
# Another suite has lists of its own, in the cache: apt's own are not touched.  A mirror may stand
# still for longer than its lists are meant to be used; signed they are all the same.
apt=()
other_suite() {
    local archive lists=$cache/lists keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
        'Label: Debian' 'Component: main' 2>/dev/null | head -n 1)
    [[ $archive ]] || skip "apt knows of no Debian archive"
    mkdir -p "$lists/partial"
    echo "deb [signed-by=$keyring] $archive $suite main" >"$work/sources.list"
    apt=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$lists"
        -o Dir::State::status=/dev/null -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
        -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root)
    apt-get "${apt[@]}" -o APT::Update::Error-Mode=any update >"$work/update.log" 2>&1 ||
        skip "$archive has no lists of $suite, or cannot be reached"
}
needs() {   # needs PACKAGE PREFIX: the first package of that name that it depends on
    apt-cache "${apt[@]}" depends "$1" 2>/dev/null | awk -v prefix="$2" '/Depends/ && index($2, prefix) == 1 {print $2; exit}'
}
fetch_kernel() {
    local package binary image version
    [[ -z $suite ]] || other_suite
    package=$(needs linux-image-cloud-amd64 linux-image-)
    [[ $package ]] || skip "no linux-image-cloud-amd64 in the package lists (apt-get update?)"
    binary=$(needs "$package" linux-binary-)    # since 7.x the image itself is in this one
    package=${binary:-$package}
    (cd "$work" && apt-get "${apt[@]}" download "$package" >/dev/null 2>&1) || skip "cannot fetch $package"
    dpkg -x "$work/$package"_*.deb "$work/package"
    for image in "$work"/package/boot/vmlinuz-* "$work"/package/usr/lib/modules/*/vmlinuz; do
        [[ -e $image ]] || continue
        version=${image##*/boot/vmlinuz-}
        version=${version##*/modules/}
        kernel=$cache/vmlinuz-${version%/vmlinuz}
        cp "$image" "$cache/.fetching.$$" && mv "$cache/.fetching.$$" "$kernel"    # whole or not at all: others may look
    done
    rm -rf "$cache/lists"
}
if [[ -z $kernel ]]; then
    cache=$cache${suite:+/$suite}
    mkdir -p "$cache"
    kernel=$(find "$cache" -maxdepth 1 -name 'vmlinuz-*' | sort -V | tail -n 1)
    [[ $kernel ]] || fetch_kernel
fi
[[ -r $kernel ]] || die "no kernel image"

root=$work/root
mkdir -p "$root"/{bin,sbin,etc,proc,sys,dev,tmp,run,lib,lib64,usr}
ln -s ../bin ../sbin ../lib ../lib64 "$root/usr/"
cp /bin/busybox "$root/bin/"
for applet in $(/bin/busybox --list); do
    [[ -e $root/bin/$applet ]] || ln -s busybox "$root/bin/$applet"
done

put() {     # put SRC DST: the file and, if it is a dynamic executable, its libraries
    install -D "$1" "$root$2"
    ldd "$1" 2>/dev/null | awk '{for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i}' |
    while read -r lib; do
        [[ -e $root$lib ]] || install -D "$(readlink -f "$lib")" "$root$lib"
    done
}
for f in "${files[@]}"; do
    src=${f%%:*} dst=/bin/$(basename "${f%%:*}")
    [[ $f == *:* ]] && dst=${f#*:}
    [[ -r $src ]] || die "no file $src"
    rm -f "$root$dst"
    put "$src" "$dst"
done
install -D "$test" "$root/test"

printf -v arguments '%q ' "$@"
cat >"$root/init" <<INIT
#!/bin/busybox sh
export PATH=/bin:/sbin TERM=dumb HOME=/tmp
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
ip link set lo up; echo root:x:0:0::/tmp:/bin/sh >/etc/passwd; echo 127.0.0.1 localhost >/etc/hosts
ulimit -n 65536
echo "kernel-lab: Linux \$(uname -r)"
if head -c2 /test | grep -q '#!'; then /test $arguments; else sh /test $arguments; fi
echo "kernel-lab-status \$?"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initrd"

# One thread for all CPUs: with one each, a CPU may run an instruction that another has just patched
# as it was before, and a guest that patches its own code while rings come and go (7.x) panics now and
# then: "Oops: int3".
status=0
timeout "$limit" qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp "$cpus" -m "$memory" \
    -nic none -nographic -no-reboot -kernel "$kernel" -initrd "$work/initrd" \
    -append "console=ttyS0 quiet panic=-1 random.trust_cpu=on no_timer_check" </dev/null >"$work/console" 2>&1 || status=$?
tr -d '\r' <"$work/console" >"$work/text"
if ((verbose)); then cat "$work/text"
else sed -n '/kernel-lab: Linux/,/^kernel-lab-status/{/^kernel-lab-status/d;s/.*\(kernel-lab: Linux\)/\1/;p}' "$work/text"; fi
((status != 124)) || { echo "kernel-lab: no end after $limit s" >&2; exit 124; }
grep -q 'kernel-lab: Linux' "$work/text" || { tail -20 "$work/text" >&2; die "did not boot"; }
result=$(sed -n 's/^kernel-lab-status \([0-9]*\)$/\1/p' "$work/text")
[[ -n $result ]] || { tail -20 "$work/text" >&2; die "the guest ended without a status"; }
exit "$result"
