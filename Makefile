# uringproxy -- one Makefile, no recursion into directories.  Start with: make help

NAME    := uringproxy
# the changelog of the package is where the version stands
RELEASE := $(shell sed -n '1s/^[^(]*(\([^)]*\)).*/\1/p' conf/debian/changelog)
COMMIT  := $(if $(wildcard .git),$(shell git describe --always --dirty --exclude '*' 2>/dev/null))
VERSION := $(RELEASE)$(if $(COMMIT),+$(COMMIT))

# ---- What you may set -------------------------------------------------------
# BUILD: release, debug, asan, tsan, coverage or fuzz; V=1: the full commands are shown
BUILD       ?= release
V           ?= 0
# no: without libmicrohttpd and jansson, and nobody can ask the daemon while it runs
CONTROL     ?= yes
export CONTROL
PREFIX      ?= /usr/local
SYSCONFDIR  ?= /etc
BINDIR      ?= $(PREFIX)/sbin
MANDIR      ?= $(PREFIX)/share/man
UNITDIR     ?= $(or $(call systemd_dir,systemdsystemunitdir),$(SYSTEMD)/systemd/system)
BASHDIR     ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR      ?= $(PREFIX)/share/zsh/site-functions
SYSUSERSDIR ?= $(or $(call systemd_dir,sysusersdir),$(SYSTEMD)/sysusers.d)
CATALOGDIR  ?= $(or $(call systemd_dir,catalogdir),$(SYSTEMD)/systemd/catalog)
export PKG_CONFIG ?= pkg-config
# with another PREFIX than /usr everything but the configuration is below it; systemd looks
# into /usr/local, too
SYSTEMD     := $(PREFIX)/lib
systemd_dir = $(if $(filter /usr,$(PREFIX)),$(shell $(PKG_CONFIG) --variable=$(1) systemd 2>/dev/null))

# ---- Flags ------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2 \
        -Wvla -Wundef -Wwrite-strings -Wimplicit-fallthrough -Wswitch-enum $(if $(WERROR),-Werror)
SAN  := -g1 -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all
FLAGS.release  = -O2 -g $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,-D_FORTIFY_SOURCE=2) \
                 -fstack-protector-strong -fPIE $(HARDEN)
FLAGS.debug    := -Og -g3
FLAGS.asan     := $(SAN) -fsanitize=address,undefined
# the kernel is the other side of the fences
FLAGS.tsan     := $(SAN) -fsanitize=thread -Wno-tsan
FLAGS.coverage := -O0 -g --coverage
FLAGS.fuzz     := $(SAN) -fsanitize=address,undefined,fuzzer-no-link
LINK.release   := -pie -Wl,-z,relro,-z,now

CC   := $(if $(filter fuzz,$(BUILD)),clang,$(CC))
# what not every processor has
understood = $(shell $(CC) -Werror $(1) -x c -S -o /dev/null /dev/null 2>/dev/null && echo $(1))
HARDEN := $(if $(filter release,$(BUILD)),$(foreach f,-fstack-clash-protection -fcf-protection \
          -mbranch-protection=standard,$(call understood,$f)))
PLAIN := $(filter no,$(CONTROL))
O    := build/$(BUILD)$(if $(PLAIN),-plain)
# a build without control leaves files out; those it has are compiled alike
OBJ  := build/$(BUILD)
export PKGS := inih libsystemd $(if $(PLAIN),,libmicrohttpd jansson)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
CHECK_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null)
FLAGS = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -Itests -pthread \
        $(WARN) -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 $(FLAGS.$(BUILD)) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LIBS  = $(LINK.$(BUILD)) $(PKG_LIBS) -lresolv -pthread $(LDFLAGS)
Q     = $(if $(filter 1,$(V)),,@)
say   = $(if $(Q),@printf '  %-6s %s\n' $(1) $(2))

# ---- What is built from what ------------------------------------------------
# a build that cannot be asked, and what tests it only
ASKED    := $(addprefix src/control/,http% serve.c verbs% answers.c body.c config_json.c utf8_json.c client.c ask% command_%) \
            $(addprefix tests/, \
              test_control_http.c \
              test_control_body.c \
              test_control_client.c \
              test_config_json.c \
              fuzz/fuzz_body.c \
              daemon_conns.c \
              daemon_control.c \
              daemon_drain.c \
              daemon_record_fields.c \
              daemon_reload% \
              daemon_servers.c \
              daemon_enrol.c \
              daemon_steering.c \
              support/json_schema.c)
LEFT_OUT := $(if $(PLAIN),$(ASKED),src/control/plain.c)
sources  = $(filter-out $(LEFT_OUT),$(wildcard $(1)))
objects  = $(patsubst %.c,$(OBJ)/%.o,$(call sources,$(1)))
programs = $(patsubst %.c,$O/%,$(call sources,$(1)))
# Each folder is an archive, linked once, from the top down: a call upwards does not link.
FOLDERS  := control worker session relay service lane loop guard pool import config greet names ops ring base
CORE     := $(FOLDERS:%=$O/src/%.a)
RING     := $O/src/ring.a $O/src/base.a
WORLD    := $(call objects,tests/support/sim*.c)# in place of loop/socket.c, loop/wire.c and base/clock.c
PRELOAD  := $O/tests/support/count_calls.so#	loaded into the daemon, not linked with tests
SUPPORT  := $(filter-out $(WORLD) $(PRELOAD:$O/%.so=$(OBJ)/%.o),$(call objects,tests/support/*.c))
TESTS    := $(call programs,tests/test_*.c)
SIMS     := $(call programs,tests/sim_*.c)
DAEMON   := $(call programs,tests/daemon_*.c)
PEERS    := $(filter %/test_metrics %/test_status %/test_ops_access_haproxy,$(TESTS)) \
            $(filter %/daemon_names_peers,$(DAEMON)) tests/peers_health.sh
FUZZ     := $(call programs,tests/fuzz/fuzz_*.c)
# of the largest folder only what they try, and nothing that needs the rest of it
FUZZED   := $(call objects,$(addprefix src/control/,body.c check_result.c criteria.c dialogue*.c)) \
            $(filter-out %/control.a %/worker.a %/relay.a,$(CORE))
GUEST    := $(call programs,tests/kernel/*.c)#	for test_kernel.sh, with nothing but libc
COMPARE  := $(call programs,tests/compare/*.c)
BENCH_TOOLS := $(call programs,tests/bench/bench_*.c)
EXAMPLES := $(call programs,examples/*.c)
PEER_SCRIPTS := tests/peers_deb.sh tests/peers_health.sh tests/peers_proxy.sh tests/test_keepalived.sh tests/test_several.sh
# the longest first, or processors wait for them at the end
LONGEST  := $(patsubst %,tests/test_%.sh,kernel lint systemd fuzz bench keepalived)
SCRIPTS  := $(LONGEST) $(filter-out $(LONGEST),tests/layers.sh tests/circles.sh $(wildcard tests/test_*.sh))

all: $O/$(NAME) $(EXAMPLES)			## build the daemon and the examples

$O/$(NAME): $(OBJ)/src/main.o $(CORE)
$(foreach d,$(FOLDERS),$(eval $O/src/$d.a: $(call objects,src/$d/*.c)))
$O/libsupport.a: $(SUPPORT)
$(TESTS) $(DAEMON): $O/%: $(OBJ)/%.o $O/libsupport.a $(CORE)
$(SIMS):      $O/%: $(OBJ)/%.o $(WORLD) $O/libsupport.a $(CORE)
$(GUEST):     $O/%: $(OBJ)/%.o
$(COMPARE):   $O/%: $(OBJ)/%.o $O/libsupport.a
$(FUZZ):      $O/%: $(OBJ)/%.o $(FUZZED)
# the one place where liburing is used: to be compared with
$O/tests/bench/bench_ring: $(OBJ)/tests/bench/ours.o $(OBJ)/tests/bench/liburing.o
$(BENCH_TOOLS): $O/%: $(OBJ)/%.o $(CORE)
$(EXAMPLES):  $O/%: $(OBJ)/%.o $(RING)
$(TESTS) $(SIMS) $(DAEMON) $(COMPARE): LIBS += $(CHECK_LIBS)
$(SIMS): LIBS += -Wl,--wrap=access_write,--wrap=session_open,--wrap=shortage_wait# sim_life.c reads the records, sim_reload.c sees who begins, sim_pool.c who begins anew
$(FUZZ): LIBS += -fsanitize=fuzzer
$O/tests/bench/bench_ring: LIBS += -luring
$O/tests/bench/bench_openloop $O/tests/test_pool_choose $O/tests/test_pool_source_hash: LIBS += -lm

$(OBJ)/src/main.o: $(OBJ)/version
$(OBJ)/src/control/status_page.o: src/control/status.html
$(OBJ)/version: always
	@mkdir -p $(@D); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

$(OBJ)/%.o: %.c Makefile | tools
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(FLAGS) -MMD -MP -c -o $@ $<
$O/%.a:
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^
$O/$(NAME) $(TESTS) $(SIMS) $(DAEMON) $(COMPARE) $(GUEST) $(FUZZ) $(BENCH_TOOLS) $(EXAMPLES):
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) -o $@ $^ $(LIBS)
$O/%.so: %.c Makefile | tools
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(FLAGS) -fPIC -shared -o $@ $<
tools:
	@CC='$(CC)' PKG_CFLAGS='$(PKG_CFLAGS)' tests/support/tools.sh build $(filter fuzz,$(BUILD))

# ---- Trying -----------------------------------------------------------------
# Make is run again with another BUILD, so each flavour keeps its own objects.
need     = @tests/support/need.sh
build    = +@$(MAKE) --no-print-directory $(PARALLEL)
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

run:						## install what is missing, build, start the daemon to try it
	$(need) build try
	$(build) all
	@exec tests/support/try.sh $O/$(NAME)

# ---- Checking ---------------------------------------------------------------
# The container and the other kernel are given the release build; calls are counted in it.
CHECK_BUILD = $(or $(filter debug tsan,$(BUILD)),asan)

check:						## every test, under ASan and UBSan, or TSan with BUILD=tsan
	$(need) build check
	$(build) BUILD=release all lab-programs
	$(build) BUILD=release CONTROL=no all
	$(build) BUILD=fuzz fuzz-programs
	$(build) BUILD=$(CHECK_BUILD) run-tests
test-programs: $O/$(NAME) $(EXAMPLES) $(TESTS) $(SIMS) $(DAEMON) $(filter-out %/bench_ring,$(BENCH_TOOLS)) ; @true
lab-programs: $O/$(NAME) $(filter $O/tests/test_ring%,$(TESTS)) $(GUEST) $(PRELOAD) ; @true
run-tests: test-programs
	@URINGPROXY=$(abspath $O/$(NAME)) EXAMPLES=$(abspath $O/examples) OBJECTS=$(OBJ) MAKEFLAGS= \
	tests/run.sh $(addprefix ./,$(SCRIPTS) $(DAEMON) $(SIMS) $(TESTS))
check-peers:					## what needs Prometheus, halog, a browser, real name servers and routers, which make check skips without
	$(need) build check peers
	$(build) BUILD=$(CHECK_BUILD) run-peers
run-peers: $O/$(NAME) $(PEERS)
	@URINGPROXY=$(abspath $O/$(NAME)) tests/run.sh $(addprefix ./,$(PEER_SCRIPTS) $(PEERS))
check-distros:					## make run and make check on Debian 12, 13 and sid, each from nothing
	$(need) root
	@tests/distros.sh $(SUITES)
check-cross:					## compile for other processors; run the tests as 32 bits
	$(need) root
	@tests/cross.sh $(ARCHITECTURES)
coverage:					## run the tests, print the lines covered, per file
	$(need) build check
	$(build) BUILD=release all lab-programs
	$(build) BUILD=fuzz fuzz-programs
	$(build) BUILD=coverage run-tests; status=$$?; tests/support/coverage.sh; exit $$status
fuzz-programs: $(FUZZ) ; @true
fuzz:						## fuzz each target for FUZZ_SECONDS (60); make check does a minute in all
	$(need) build check
	$(build) BUILD=fuzz fuzz-programs
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) tests/test_fuzz.sh
soak:						## ten minutes of mixed traffic with faults
	$(need) build check
	$(build) BUILD=release test-programs
	$(build) BUILD=tsan test-programs
	@tests/soak.sh
bench:						## measure beside the peers (QUICK=1, BENCH=--help)
	$(need) build bench
	$(build) BUILD=release all bench-programs
	@python3 tests/bench/bench.py --build build/release $(if $(QUICK),--quick) $(BENCH)
bench-scale:					## measure what more CPUs bring (BENCH=--help)
	$(need) build bench
	$(build) BUILD=release all bench-programs
	@python3 tests/bench/scale.py --build build/release $(BENCH)
bench-ring:					## measure the ring module beside liburing
	$(need) build bench
	$(build) BUILD=release build/release/tests/bench/bench_ring
	@build/release/tests/bench/bench_ring
bench-programs: $(BENCH_TOOLS) ; @true
compare-endings:				## how the peers end connections, by the same script
	$(need) build check bench
	$(build) BUILD=release all build/release/tests/compare/compare_endings
	@URINGPROXY=$(abspath build/release/$(NAME)) build/release/tests/compare/compare_endings
layers:						## check that folders include only what lies below them
	@tests/layers.sh
lint:						## clang-tidy and the man pages
	$(need) build lint
	@LINT_NODES=225000 tests/test_lint.sh && tests/test_manual.sh
format:						## reformat the sources in place
	clang-format -i $(wildcard src/*.[ch] src/*/*.[ch] tests/*.[ch] tests/*/*.[ch] examples/*.[ch])

# ---- Installing -------------------------------------------------------------
# a build that cannot be asked is sent a signal: systemctl does not see what comes of that
RELOAD := $(if $(PLAIN),/bin/kill -HUP $$MAINPID,@BINDIR@/$(NAME) -c @SYSCONFDIR@/$(NAME).conf reload)
put = install -D -m 644
install: all					## install below $(DESTDIR)$(PREFIX), the unit where systemd looks
	install -D -m 755 $O/$(NAME) "$(DESTDIR)$(BINDIR)/$(NAME)"
	$(put) src/$(NAME).8 "$(DESTDIR)$(MANDIR)/man8/$(NAME).8"
	$(put) src/$(NAME).conf.5 "$(DESTDIR)$(MANDIR)/man5/$(NAME).conf.5"
	test -e "$(DESTDIR)$(SYSCONFDIR)/$(NAME).conf" || $(put) conf/$(NAME).conf "$(DESTDIR)$(SYSCONFDIR)/$(NAME).conf"
	sed 's|@RELOAD@|$(RELOAD)|; s|@BINDIR@|$(BINDIR)|; s|@SYSCONFDIR@|$(SYSCONFDIR)|' systemd/$(NAME).service | \
	  $(put) /dev/stdin "$(DESTDIR)$(UNITDIR)/$(NAME).service"
	sed '/^Description=/s|$$| (%i)|; s|\($(NAME)\)\.conf$$|\1/%i.conf|; s|\($(NAME)\)\.conf reload|\1/%i.conf reload|; s|^\(.*Directory=$(NAME)\)$$|\1-%i|' \
	  "$(DESTDIR)$(UNITDIR)/$(NAME).service" | $(put) /dev/stdin "$(DESTDIR)$(UNITDIR)/$(NAME)@.service"
	$(put) systemd/$(NAME).socket "$(DESTDIR)$(UNITDIR)/$(NAME).socket"
	$(put) systemd/$(NAME).sysusers "$(DESTDIR)$(SYSUSERSDIR)/$(NAME).conf"
	$(put) conf/$(NAME).bash "$(DESTDIR)$(BASHDIR)/$(NAME)"
	$(put) conf/$(NAME).zsh "$(DESTDIR)$(ZSHDIR)/_$(NAME)"
	$(put) systemd/$(NAME).catalog "$(DESTDIR)$(CATALOGDIR)/$(NAME).catalog"
	@$(if $(DESTDIR),,printf '\n%s\n' 'To start it now and at boot:' \
	  '  systemd-sysusers && journalctl --update-catalog && systemctl daemon-reload && systemctl enable --now $(NAME)')
uninstall:					## remove what install put there, but not the configuration
	$(RM) "$(DESTDIR)$(BINDIR)/$(NAME)" "$(DESTDIR)$(MANDIR)/man8/$(NAME).8" \
	  "$(DESTDIR)$(MANDIR)/man5/$(NAME).conf.5" "$(DESTDIR)$(UNITDIR)/$(NAME).service" \
	  "$(DESTDIR)$(UNITDIR)/$(NAME)@.service" \
	  "$(DESTDIR)$(UNITDIR)/$(NAME).socket" "$(DESTDIR)$(SYSUSERSDIR)/$(NAME).conf" \
	  "$(DESTDIR)$(BASHDIR)/$(NAME)" "$(DESTDIR)$(ZSHDIR)/_$(NAME)" \
	  "$(DESTDIR)$(CATALOGDIR)/$(NAME).catalog"

# ---- Releasing --------------------------------------------------------------
# what is in git, or the whole of an unpacked archive; the same files make the same archive
FILES := $(if $(wildcard .git),git ls-files -z,find . -path ./build -prune -o -type f -printf '%P\0')
PACK   = $(FILES) | LC_ALL=C sort -z | tar --null --no-recursion -T - --owner=0 --group=0 --numeric-owner \
         --mtime="$$(sed -n 's/^ -- .*>  //p;T;q' conf/debian/changelog)" --transform 's|^|$(NAME)-$(RELEASE)/|' -cf -
dist:						## build/uringproxy-VERSION.tar.gz: the sources
	@mkdir -p build
	$(PACK) | gzip -9n >build/$(NAME)-$(RELEASE).tar.gz
	@echo build/$(NAME)-$(RELEASE).tar.gz
deb:						## build/deb/uringproxy_*.deb: a Debian package (DEB=-aarm64: for another processor)
	$(need) build deb
	@$(RM) -r build/deb && mkdir -p build/deb
	@$(PACK) | tar -C build/deb -xf -
	@cp -r build/deb/$(NAME)-$(RELEASE)/conf/debian build/deb/$(NAME)-$(RELEASE)/debian
	cd build/deb/$(NAME)-$(RELEASE) && env -i PATH="$$PATH" HOME=/nonexistent LC_ALL=C.UTF-8 \
	  DEB_BUILD_OPTIONS="$$DEB_BUILD_OPTIONS" DEB_BUILD_PROFILES="$$DEB_BUILD_PROFILES" dpkg-buildpackage -b -us -uc $(DEB)
	@ls build/deb/*.deb
clean:						## remove build/
	$(RM) -r build
help:						## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' Makefile

.PHONY: always $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile)
.SECONDARY:
-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)
