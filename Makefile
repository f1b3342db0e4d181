# SPDX-License-Identifier: Apache-2.0
#
#   make                 release binaries in build/
#   make SAN=1 …         the same with ASan + UBSan in build/asan/
#   make check           unit tests of this variant (no network, seconds)
#   make lint            formats, layers, function sizes
#   make fuzz            fuzz targets in build/fuzz/ (clang)
#   make install         programs, page, manual below DESTDIR/PREFIX (/usr/local)
#   make deb             build/stipple_VERSION_ARCH.deb
#   make compile_commands.json   for clangd and its like
#   WERROR=-Werror       stops at a compiler's warning, as tests and CI do

CC ?= gcc
VERSION := 0.2.0
PREFIX ?= /usr/local
WERROR ?=
PKGS := libczmq libzmq libuv liburing hiredis libcurl sqlite3 jansson \
        libssl libcrypto zlib libdeflate spng libzstd libmicrohttpd
CFLAGS_ALL = -std=gnu11 -O2 -g -fno-omit-frame-pointer -I. -D_GNU_SOURCE \
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
    -Wformat=2 $(WERROR) -fstack-protector-strong \
    -DSTIPPLE_VERSION='"$(VERSION)"' $(CFLAGS)
SANITIZE := address,undefined -fno-sanitize-recover=all

OUT := build
ifdef SAN
OUT := build/asan
CFLAGS_ALL += -O1 -fsanitize=$(SANITIZE)
else ifdef FUZZ
OUT := build/fuzz/obj
CC := clang
CFLAGS_ALL += -O1 -fsanitize=fuzzer-no-link,$(SANITIZE)
else
CFLAGS_ALL += -D_FORTIFY_SOURCE=2
endif

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
LDLIBS := $(shell pkg-config --libs $(PKGS)) -lm -lpthread
TEST_LDLIBS = $(shell pkg-config --libs check libjwt)

# One folder, one archive; a process is its main.o linked with two of them.
DIRS := common broker edge persister ctl load
PROGRAM_ctl := stipplectl
program = $(OUT)/$(or $(PROGRAM_$(1)),stipple-$(1))
archive = $(OUT)/lib$(1).a
find = $(sort $(shell find $(1) -name '$(2)' 2>/dev/null))
objects = $(patsubst %.c,$(OUT)/%.o,$(1))
parts = $(call objects,$(filter-out $(1)/main.c,$(call find,$(1),*.c)))
units = $(call find,tests/unit/$(1),test_*.c)

PROCESSES := $(patsubst %/main.c,%,$(wildcard $(DIRS:%=%/main.c)))
PROGRAMS := $(foreach d,$(PROCESSES),$(call program,$(d)))
UNITS := $(foreach d,$(DIRS),$(if $(call units,$(d)),$(OUT)/tests/unit-$(d)))

.DELETE_ON_ERROR:
.PHONY: FORCE all bench check lint format fuzz fuzz-targets clean tests install \
    deb print-flags check-packages
all: $(PROGRAMS)
tests: $(UNITS) $(OUT)/tests/request-probe
$(OUT)/tests/request-probe: $(OUT)/tests/differential/request_probe.o \
        $(call archive,edge) $(call archive,common)
	$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS)

define folder_rules
$(call archive,$(1)): $(call parts,$(1))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
$(call program,$(1)): $(OUT)/$(1)/main.o $(call archive,$(1)) \
        $(call archive,common)
	$$(CC) $$(CFLAGS_ALL) -o $$@ $$^ $$(LDLIBS)

# One runner per folder; its list of suites comes from the file names.
$(OUT)/tests/$(1)_suites.c: FORCE
	@mkdir -p $$(@D); sh tests/unit/suites.sh $(1) $(call units,$(1)) \
	    > $$@.new; cmp -s $$@.new $$@ || cp $$@.new $$@
$(OUT)/tests/$(1)_suites.o: $(OUT)/tests/$(1)_suites.c
	$$(CC) $$(CFLAGS_ALL) -c -o $$@ $$<
$(OUT)/tests/unit-$(1): $(OUT)/tests/$(1)_suites.o \
        $(call objects,$(call units,$(1)) tests/unit/runner.c) \
        $(call archive,$(1)) $(call archive,common)
	$$(CC) $$(CFLAGS_ALL) -o $$@ $$^ $$(LDLIBS) $$(TEST_LDLIBS)
endef
$(foreach d,$(DIRS),$(eval $(call folder_rules,$(d))))

$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

# libcheck's own 4 s are too few for a busy machine.
export CK_DEFAULT_TIMEOUT ?= 60
check: $(UNITS)
	@for t in $(UNITS); do $$t || exit 1; done

# Linking drops what a target leaves: all archives are there for each.
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(call find,tests/fuzz,fuzz_*.c))
fuzz:
	@$(MAKE) FUZZ=1 fuzz-targets
fuzz-targets: $(FUZZERS)
build/fuzz/%: $(OUT)/tests/fuzz/%.o $(foreach d,edge broker persister common,\
        $(call archive,$(d)))
	$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
.SECONDARY: $(FUZZERS:build/fuzz/%=$(OUT)/tests/fuzz/%.o)

# The bench's own load and the peer written in C.
BENCH := $(addprefix build/bench/,swarm ingress send_loop)
bench: $(BENCH) $(addprefix build/bench/,store_bench search_bench)
build/bench/swarm: build/bench/swarm.o
build/bench/send_loop: build/bench/peers/send_loop.o
build/bench/ingress: build/bench/ingress.o $(call archive,common)
build/bench/%_bench: build/bench/stores/%_bench.o \
    $(call archive,persister) $(call archive,common)
	$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS)
$(BENCH):
	$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS)

format:
	clang-format -i $(call find,$(DIRS) tests bench,*.[ch])

# A build without the tests (the image) has none.
-include tests/sim/sim.mk

lint:
	scripts/lint

# For scripts: the compiler's flags; whether the libraries are there.
print-flags:
	@echo $(CFLAGS_ALL) $(PKG_CFLAGS)
check-packages:
	@pkg-config --exists $(PKGS)

install: all
	packaging/install-programs $(OUT) "$(DESTDIR)$(PREFIX)" $(VERSION)

# One entry per source, with the flags that it is compiled with.
compile_commands.json: Makefile $(call find,$(DIRS) tests bench,*.c)
	@python3 -c 'import json, sys; at = sys.argv.index("--"); json.dump([ \
	    {"directory": "$(CURDIR)", "file": name, \
	     "arguments": sys.argv[1:at] + ["-c", name]} \
	    for name in sys.argv[at + 1:]], sys.stdout, indent=1)' \
	    $(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) -- $(filter %.c,$^) > $@

-include tests/mutation/mutation.mk

deb: all
	packaging/build-deb $(OUT) $(VERSION)

clean:
	rm -rf build

-include $(shell find $(OUT) -type f -name '*.d' 2>/dev/null)
