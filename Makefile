# uringproxy -- one Makefile, no recursion into directories.  Start with: make help

NAME    := uringproxy
RELEASE := 0.1.0
COMMIT  := $(if $(wildcard .git),$(shell git describe --always --dirty --exclude '*' 2>/dev/null))
VERSION := $(RELEASE)$(if $(COMMIT),+$(COMMIT))

# ---- What you may set -------------------------------------------------------
BUILD      ?= release#		release | debug | asan | tsan | coverage | fuzz
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR     ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
UNITDIR    ?= $(or $(call systemd_dir,systemdsystemunitdir),/lib/systemd/system)
SYSUSERSDIR?= $(or $(call systemd_dir,sysusersdir),/usr/lib/sysusers.d)
PKG_CONFIG ?= pkg-config
V          ?= 0#		1 shows the full commands
FUZZ_SECONDS ?= 60#		for each target of make fuzz

systemd_dir = $(shell $(PKG_CONFIG) --variable=$(1) systemd 2>/dev/null)

# ---- Debian packages, by purpose --------------------------------------------
PACKAGES.build := gcc libc6-dev pkg-config libinih-dev libsystemd-dev
PACKAGES.try   := netcat-openbsd curl wrk
PACKAGES.check := check groff-base $(PACKAGES.try) nginx libnginx-mod-stream redis-server redis-tools \
                  postgresql postgresql-client strace iproute2 procps openssl systemd python3 \
                  clang libclang-rt-dev qemu-system-x86 busybox-static cpio util-linux-extra
PACKAGES.root  := debootstrap debian-archive-keyring
PACKAGES.bench := python3 haproxy nginx libnginx-mod-stream socat iperf3 wrk curl liburing-dev check valgrind
SERVICES       := haproxy nginx postgresql redis-server#	what of these a package would start

# Install what is missing of the packages $(1), as root or through sudo.  Their
# services are neither started (SYSTEMD_OFFLINE: systemctl leaves PID 1 alone;
# RUNLEVEL: so does invoke-rc.d without systemd) nor started at the next boot.
define need
@missing=; command -v dpkg-query >/dev/null || { echo "Not a Debian system; needed are: $(1)"; exit 0; }; \
for p in $(1); do \
  case $$(dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null) in installed) ;; *) missing="$$missing $$p";; esac; \
done; \
[ -n "$$missing" ] || exit 0; \
install="apt-get install -y --no-install-recommends$$missing"; \
if [ "$$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi; \
quiet="$$as_root env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1"; \
echo "Installing:$$missing"; \
{ [ -z "$$as_root" ] || { command -v sudo >/dev/null && sudo true; }; } && \
{ $$quiet $$install || { $$quiet apt-get update && $$quiet $$install; }; } || \
{ printf '\nPackages are missing.  Install them as root, then try again:\n\n  %s\n\n' "apt-get update && $$install"; exit 1; }; \
for s in $(SERVICES); do case "$$missing " in *" $$s "*) $$quiet systemctl disable $$s >/dev/null 2>&1;; esac; done; true
endef

# ---- Flags ------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wformat=2 -Wvla -Wundef -Wwrite-strings \
        -Wimplicit-fallthrough -Wswitch-enum $(if $(WERROR),-Werror)
SAN  := -g3 -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all

FLAGS.release  := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
FLAGS.debug    := -Og -g3
FLAGS.asan     := $(SAN) -fsanitize=address,undefined
FLAGS.tsan     := $(SAN) -fsanitize=thread -Wno-tsan#	the kernel is the other side of the fences
FLAGS.coverage := -O0 -g --coverage
FLAGS.fuzz     := $(SAN) -fsanitize=address,undefined,fuzzer-no-link
LINK.release   := -pie -Wl,-z,relro,-z,now
ifeq ($(strip $(BUILD)),fuzz)
CC := clang
endif

O    := build/$(strip $(BUILD))
PKGS := inih libsystemd
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
CHECK_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null)
FLAGS = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -Itests -pthread \
        $(WARN) -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 $(FLAGS.$(strip $(BUILD))) $(PKG_CFLAGS) $(CFLAGS)
LIBS  = $(LINK.$(strip $(BUILD))) $(PKG_LIBS) -pthread $(LDFLAGS)

ifneq ($(V),1)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2)
endif

# ---- What is built from what ------------------------------------------------
objects = $(patsubst %.c,$O/%.o,$(wildcard $(1)))
# Each folder is an archive, linked once, from the top down: a call upwards does not link.
FOLDERS  := control worker session relay service lane loop config ops ring base
CORE     := $(FOLDERS:%=$O/src/%.a)
RING     := $O/src/ring.a $O/src/base.a
WORLD    := $(call objects,tests/support/sim*.c)# in place of loop/socket.c and base/clock.c
PRELOAD  := $O/tests/support/count_calls.so#	loaded into the daemon, not linked with tests
SUPPORT  := $(filter-out $(WORLD) $(PRELOAD:.so=.o),$(call objects,tests/support/*.c))
TESTS    := $(patsubst %.c,$O/%,$(wildcard tests/test_*.c))
SIMS     := $(patsubst %.c,$O/%,$(wildcard tests/sim_*.c))
DAEMON   := $(patsubst %.c,$O/%,$(wildcard tests/daemon_*.c))
FUZZ     := $(patsubst %.c,$O/%,$(wildcard tests/fuzz/fuzz_*.c))
GUEST    := $(patsubst %.c,$O/%,$(wildcard tests/kernel/*.c))#	for test_kernel.sh, with nothing but libc
COMPARE  := $(patsubst %.c,$O/%,$(wildcard tests/compare/*.c))
BENCH_TOOLS := $(patsubst %.c,$O/%,$(wildcard tests/bench/bench_*.c))
EXAMPLES := $(patsubst %.c,$O/%,$(wildcard examples/*.c))
SCRIPTS  := tests/layers.sh tests/circles.sh $(wildcard tests/test_*.sh)

all: $O/$(NAME) $(EXAMPLES)			## build the daemon and the examples

$O/$(NAME): $O/src/main.o $(CORE)
$(foreach d,$(FOLDERS),$(eval $O/src/$d.a: $(call objects,src/$d/*.c)))
$O/libsupport.a: $(SUPPORT)
$(TESTS) $(DAEMON): $O/%: $O/%.o $O/libsupport.a $(CORE)
$(SIMS):      $O/%: $O/%.o $(WORLD) $O/libsupport.a $(CORE)
$(GUEST):     $O/%: $O/%.o
$(COMPARE):   $O/%: $O/%.o $O/libsupport.a
$(FUZZ):      $O/%: $O/%.o $(CORE)
# the one place where liburing is used: to be compared with
$O/tests/bench/bench_ring: $O/tests/bench/ours.o $O/tests/bench/liburing.o
$(BENCH_TOOLS): $O/%: $O/%.o $(CORE)
$(EXAMPLES):  $O/%: $O/%.o $(RING)
$(TESTS) $(SIMS) $(DAEMON) $(COMPARE): LIBS += $(CHECK_LIBS)
$(SIMS): LIBS += -Wl,--wrap=access_write# tests/support/sim_life.c reads the records
$(FUZZ): LIBS += -fsanitize=fuzzer
$O/tests/bench/bench_ring: LIBS += -luring
$O/tests/bench/bench_openloop: LIBS += -lm

$O/src/main.o: $O/version
$O/version: always
	@mkdir -p $(@D); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

$O/%.o: %.c Makefile | tools
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(FLAGS) -MMD -MP -c -o $@ $<
$O/%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$O/$(NAME) $(TESTS) $(SIMS) $(DAEMON) $(COMPARE) $(GUEST) $(FUZZ) $(BENCH_TOOLS) $(EXAMPLES):
	$(call say,LD,$@)
	$(Q)$(CC) $(FLAGS) -o $@ $^ $(LIBS)
$O/%.so: %.c Makefile | tools
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(FLAGS) -fPIC -shared -o $@ $<
tools:
	@printf '#include <stdio.h>\n#include <ini.h>\n#include <systemd/sd-daemon.h>\n' | \
	$(CC) $(PKG_CFLAGS) -E - >/dev/null 2>&1 && $(PKG_CONFIG) --exists $(PKGS) 2>/dev/null || { printf \
	'To build, these Debian packages are needed:\n\n  %s\n\n"make run" installs them.\n' \
	'apt-get install $(PACKAGES.build)$(if $(filter clang,$(CC)), clang libclang-rt-dev)'; exit 1; }

# ---- Trying -----------------------------------------------------------------
run:						## install what is missing, build, start the daemon to try it
	$(call need,$(PACKAGES.build) $(PACKAGES.try))
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@printf '%s\n' '' 'In another terminal, try:' '' \
	  '  echo hello | nc -N 127.0.0.1 7007            an echo: what goes in comes back' \
	  '  curl -i http://127.0.0.1:8080/               a proxy, and a responder behind it' \
	  '  wrk -c64 -d5s http://127.0.0.1:8080/         the same under load' '' \
	  'Ctrl-C stops the daemon: once to let connections end, twice at once.' ''
	@exec $O/$(NAME) -c examples/quickstart.conf

# ---- Checking ---------------------------------------------------------------
# These re-run make with another BUILD, so each flavour keeps its own objects.
# The container and the other kernel are given the release build; calls are counted in it.
PARALLEL    = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
CHECK_BUILD = $(or $(filter debug tsan,$(strip $(BUILD))),asan)

check:						## every test, under ASan and UBSan, or TSan with BUILD=tsan
	$(call need,$(PACKAGES.build) $(PACKAGES.check))
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=release all kernel-programs preload
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=fuzz fuzz-programs
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=$(CHECK_BUILD) test-programs
	@$(MAKE) --no-print-directory BUILD=$(CHECK_BUILD) run-tests
test-programs: $O/$(NAME) $(EXAMPLES) $(TESTS) $(SIMS) $(DAEMON) $(filter-out %/bench_ring,$(BENCH_TOOLS)) ; @true
kernel-programs: $(filter $O/tests/test_ring%,$(TESTS)) $(GUEST) ; @true
preload: $(PRELOAD) ; @true
run-tests: test-programs
	@URINGPROXY=$(abspath $O/$(NAME)) EXAMPLES=$(abspath $O/examples) OBJECTS=$O MAKEFLAGS= \
	tests/run.sh $(addprefix ./,$(SCRIPTS) $(DAEMON) $(SIMS) $(TESTS))
check-distros:					## make run and make check on Debian 12, 13 and sid, each from nothing
	$(call need,$(PACKAGES.root))
	@tests/distros.sh $(SUITES)
check-cross:					## compile for other processors; run the tests as 32 bits
	$(call need,$(PACKAGES.root))
	@tests/cross.sh $(ARCHITECTURES)
coverage:					## run the tests, print the lines covered, per file
	$(call need,$(PACKAGES.build) $(PACKAGES.check))
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=coverage test-programs
	@$(MAKE) --no-print-directory BUILD=coverage run-tests
	@gcov -n $$(find build/coverage/src -name '*.gcda') 2>/dev/null | awk -F"[':%]" \
	  '/^File .src.*c.$$/ {f=$$2} /^Lines/ && f {printf "%6.2f%%  %s\n", $$2, f; f=""}' | sort -n
fuzz-programs: $(FUZZ) ; @true
fuzz:						## fuzz each target for FUZZ_SECONDS (60); make check does a minute in all
	$(call need,$(PACKAGES.build) $(PACKAGES.check))
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=fuzz fuzz-programs
	@FUZZ_SECONDS=$(strip $(FUZZ_SECONDS)) tests/test_fuzz.sh
soak:						## ten minutes of mixed traffic with faults
	$(call need,$(PACKAGES.build) $(PACKAGES.check))
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=release test-programs
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=tsan test-programs
	@tests/soak.sh
bench:						## measure beside the peers (QUICK=1, BENCH=--help)
	$(call need,$(PACKAGES.build) $(PACKAGES.bench))
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=release all bench-programs
	@python3 tests/bench/bench.py --build build/release $(if $(QUICK),--quick) $(BENCH)
bench-ring:					## measure the ring module beside liburing
	$(call need,$(PACKAGES.build) $(PACKAGES.bench))
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=release build/release/tests/bench/bench_ring
	@build/release/tests/bench/bench_ring
bench-programs: $(BENCH_TOOLS) ; @true
compare-endings:				## how the peers end connections, by the same script
	$(call need,$(PACKAGES.build) $(PACKAGES.check) $(PACKAGES.bench))
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=release compare-programs
	@URINGPROXY=$(abspath build/release/$(NAME)) build/release/tests/compare/compare_endings
compare-programs: $O/$(NAME) $(COMPARE) ; @true
layers:						## check that folders include only what lies below them
	@tests/layers.sh
lint:						## clang-tidy and the man pages
	clang-tidy --quiet $(wildcard src/*.c src/*/*.c) -- $(filter-out -Wimplicit-fallthrough,$(FLAGS))
	@tests/test_manual.sh
format:						## reformat the sources in place
	clang-format -i $(wildcard src/*.[ch] src/*/*.[ch] tests/*.[ch] tests/*/*.[ch] examples/*.[ch])

# ---- Installing -------------------------------------------------------------
install: all					## install below $(DESTDIR)$(PREFIX), the unit where systemd looks
	install -D -m 755 $O/$(NAME) $(DESTDIR)$(BINDIR)/$(NAME)
	install -D -m 644 src/$(NAME).8 $(DESTDIR)$(MANDIR)/man8/$(NAME).8
	install -D -m 644 src/$(NAME).conf.5 $(DESTDIR)$(MANDIR)/man5/$(NAME).conf.5
	test -e $(DESTDIR)$(SYSCONFDIR)/$(NAME).conf || \
	install -D -m 644 conf/$(NAME).conf $(DESTDIR)$(SYSCONFDIR)/$(NAME).conf
	mkdir -p $(DESTDIR)$(UNITDIR)
	sed 's|@BINDIR@|$(BINDIR)|; s|@SYSCONFDIR@|$(SYSCONFDIR)|' systemd/$(NAME).service \
	  >$(DESTDIR)$(UNITDIR)/$(NAME).service
	install -D -m 644 systemd/$(NAME).socket $(DESTDIR)$(UNITDIR)/$(NAME).socket
	install -D -m 644 systemd/$(NAME).sysusers $(DESTDIR)$(SYSUSERSDIR)/$(NAME).conf
	@$(if $(DESTDIR),,printf '\n%s\n' 'To start it now and at boot:' \
	  '  systemd-sysusers && systemctl daemon-reload && systemctl enable --now $(NAME)')
uninstall:					## remove what install put there, but not the configuration
	$(RM) $(DESTDIR)$(BINDIR)/$(NAME) $(DESTDIR)$(MANDIR)/man8/$(NAME).8 \
	  $(DESTDIR)$(MANDIR)/man5/$(NAME).conf.5 $(DESTDIR)$(UNITDIR)/$(NAME).service \
	  $(DESTDIR)$(UNITDIR)/$(NAME).socket $(DESTDIR)$(SYSUSERSDIR)/$(NAME).conf
clean:						## remove build/
	$(RM) -r build
help:						## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' Makefile

.PHONY: all tools always run check check-distros check-cross test-programs kernel-programs preload run-tests coverage fuzz \
        fuzz-programs soak bench bench-ring bench-programs compare-endings compare-programs layers lint \
        format install uninstall clean help
.SECONDARY:
-include $(shell find $O -name '*.d' 2>/dev/null)
