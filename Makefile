# uringproxy -- one Makefile, no recursion into directories.  Start with: make help

NAME    := uringproxy
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# ---- What you may set -------------------------------------------------------
BUILD      ?= release#		release | debug | asan | tsan | coverage | fuzz
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR     ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR?= $(PREFIX)/lib/sysusers.d
PKG_CONFIG ?= pkg-config
V          ?= 0#		1 shows the full commands

# ---- Flags ------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wformat=2 -Wvla -Wundef -Wwrite-strings \
        -Wimplicit-fallthrough -Wswitch-enum $(if $(WERROR),-Werror)
SAN  := -g3 -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all

FLAGS.release  := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
FLAGS.debug    := -Og -g3
FLAGS.asan     := $(SAN) -fsanitize=address,undefined
FLAGS.tsan     := $(SAN) -fsanitize=thread
FLAGS.coverage := -O0 -g --coverage
FLAGS.fuzz     := $(SAN) -fsanitize=address,undefined,fuzzer-no-link
LINK.release   := -pie -Wl,-z,relro,-z,now
ifeq ($(strip $(BUILD)),fuzz)
CC := clang
endif

O    := build/$(strip $(BUILD))
PKGS := inih libsystemd
FLAGS = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -Itests -pthread \
        $(WARN) $(FLAGS.$(strip $(BUILD))) $(shell $(PKG_CONFIG) --cflags $(PKGS)) $(CFLAGS)
LIBS  = $(LINK.$(strip $(BUILD))) $(shell $(PKG_CONFIG) --libs $(PKGS)) -pthread $(LDFLAGS)
CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check)

ifneq ($(V),1)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2)
endif

# ---- What is built from what ------------------------------------------------
objects = $(patsubst %.c,$O/%.o,$(wildcard $(1)))
RING     := $(call objects,src/ring/*.c)
CORE     := $(call objects,$(foreach d,base ops config net relay service control,src/$d/*.c))
SUPPORT  := $(call objects,tests/support/*.c)
TESTS    := $(patsubst %.c,$O/%,$(wildcard tests/test_*.c))
SIMS     := $(patsubst %.c,$O/%,$(wildcard tests/sim_*.c))
SHTESTS  := $(wildcard tests/test_*.sh)
DAEMON   := $(patsubst %.c,$O/%,$(wildcard tests/daemon_*.c))
FUZZ     := $(patsubst %.c,$O/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH_TOOLS := $(patsubst %.c,$O/%,$(wildcard tests/bench/bench_*.c))
EXAMPLES := $(patsubst %.c,$O/%,$(wildcard examples/*.c))

all: $O/$(NAME) $(EXAMPLES)			## build the daemon and the examples

$O/$(NAME): $O/src/main.o $O/libcore.a $O/libring.a
$O/libcore.a: $(CORE)
$O/libring.a: $(RING)
$O/libsupport.a: $(SUPPORT)
$(TESTS) $(DAEMON): $O/%: $O/%.o $O/libsupport.a $O/libcore.a $O/libring.a
$(SIMS):      $O/%: $O/%.o $O/libsupport.a $O/libcore.a $O/libring.a
$(FUZZ):      $O/%: $O/%.o $O/libcore.a $O/libring.a
$(BENCH_TOOLS): $O/%: $O/%.o $O/libcore.a $O/libring.a
$(EXAMPLES):  $O/%: $O/%.o $O/libring.a
$(TESTS) $(SIMS) $(DAEMON): LIBS += $(CHECK_LIBS)
$(FUZZ):          FLAGS += -fsanitize=fuzzer

$O/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(FLAGS) -MMD -MP -c -o $@ $<
$O/%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$O/$(NAME) $(TESTS) $(SIMS) $(DAEMON) $(FUZZ) $(BENCH_TOOLS) $(EXAMPLES):
	$(call say,LD,$@)
	$(Q)$(CC) $(FLAGS) -o $@ $^ $(LIBS)

# ---- Checking ---------------------------------------------------------------
# These re-run make with another BUILD, so each flavour keeps its own objects.
check: layers					## every test, under ASan and UBSan
	@$(MAKE) --no-print-directory BUILD=asan run-tests
run-tests: $O/$(NAME) $(EXAMPLES) $(TESTS) $(SIMS) $(DAEMON) $(BENCH_TOOLS)
	@URINGPROXY=$(abspath $O/$(NAME)) tests/run.sh $(addprefix ./,$(DAEMON) $(SIMS) $(TESTS) $(SHTESTS))
bench:						## measure beside the peers (QUICK=1, BENCH=--help)
	@$(MAKE) --no-print-directory BUILD=release run-bench
run-bench: $O/$(NAME) $(BENCH_TOOLS)
	@python3 tests/bench/bench.py --build $O $(if $(QUICK),--quick) $(BENCH)
layers:						## check that folders include only what lies below them
	@tests/layers.sh
lint:						## clang-tidy and the man pages
	clang-tidy --quiet $(wildcard src/*.c src/*/*.c) -- $(filter-out -Wimplicit-fallthrough,$(FLAGS))
	@for m in src/*.[58]; do groff -mandoc -Tutf8 -ww -z $$m || exit 1; done
format:						## reformat the sources in place
	clang-format -i $(wildcard src/*.[ch] src/*/*.[ch] tests/*.[ch] tests/*/*.[ch] examples/*.[ch])
clean:						## remove build/
	$(RM) -r build
help:						## show this list
	@awk -F'[:#]+' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$NF}' Makefile

.PHONY: all check run-tests bench run-bench layers lint format clean help
.SECONDARY:
-include $(shell find $O -name '*.d' 2>/dev/null)
