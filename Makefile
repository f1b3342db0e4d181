# SPDX-License-Identifier: Apache-2.0
#
#   make                 release binaries in build/
#   make SAN=1 …         the same with ASan + UBSan in build/asan/
#   make check           unit tests of this variant (no network, seconds)
#   make lint            formats, layers, function sizes
#   make fuzz            fuzz targets in build/fuzz/ (clang)
#   make deb             build/stipple_VERSION_ARCH.deb
#   WERROR=              builds on where a newer compiler warns

CC ?= gcc
WERROR ?= -Werror
PKGS := libczmq libzmq libwebsockets libuv hiredis libcurl sqlite3 jansson \
        libjwt libssl libcrypto zlib libdeflate spng libzstd libmicrohttpd
CFLAGS_ALL = -std=gnu11 -O2 -g -fno-omit-frame-pointer -I. -D_GNU_SOURCE \
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
    -Wformat=2 $(WERROR) -fstack-protector-strong \
    -DSTIPPLE_VERSION='"$(VERSION)"' $(CFLAGS)
VERSION := 0.1.0
OUT := build

ifdef SAN
OUT := build/asan
CFLAGS_ALL += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
else
CFLAGS_ALL += -D_FORTIFY_SOURCE=2
endif

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
LDLIBS := $(shell pkg-config --libs $(PKGS)) -lm -lpthread

DIRS := common broker edge persister ctl load
# stipple-<dir>, but for the operators' command.
PROGRAM_ctl := stipplectl
program = $(or $(PROGRAM_$(1)),stipple-$(1))
sources = $(wildcard $(1)/*.c)
objects = $(patsubst %.c,$(OUT)/%.o,$(1))
# A process's objects without its main: what its unit tests link.
parts = $(call objects,$(filter-out $(1)/main.c,$(call sources,$(1))))

PROCESSES := $(foreach d,$(filter-out common,$(DIRS)),\
    $(if $(wildcard $(d)/main.c),$(d)))
PROGRAMS := $(foreach d,$(PROCESSES),$(OUT)/$(call program,$(d)))
UNITS := $(foreach d,$(DIRS),\
    $(if $(wildcard tests/unit/$(d)/test_*.c),$(OUT)/tests/unit-$(d)))

.DELETE_ON_ERROR:
.PHONY: all bench check lint format fuzz clean tests deb print-flags check-packages
all: $(PROGRAMS)
tests: $(UNITS)

define program_rule
$(OUT)/$(call program,$(1)): $(OUT)/$(1)/main.o $(call parts,$(1)) \
        $(call parts,common)
	$$(CC) $$(CFLAGS_ALL) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach d,$(PROCESSES),$(eval $(call program_rule,$(d))))

# One runner a directory; its list of suites comes from the file names.
define unit_rule
$(OUT)/tests/$(1)_suites.c: $(wildcard tests/unit/$(1)/test_*.c)
	@mkdir -p $$(@D)
	@sh tests/unit/suites.sh $(1) $$^ > $$@
$(OUT)/tests/unit-$(1): $(OUT)/tests/$(1)_suites.o \
        $(call objects,$(wildcard tests/unit/$(1)/test_*.c)) \
        $(OUT)/tests/unit/runner.o $(call parts,$(1)) $(call parts,common)
	$$(CC) $$(CFLAGS_ALL) -o $$@ $$(sort $$^) $$(LDLIBS) \
	    $$(shell pkg-config --libs check)
$(OUT)/tests/$(1)_suites.o: $(OUT)/tests/$(1)_suites.c
	$$(CC) $$(CFLAGS_ALL) -c -o $$@ $$<
endef
$(foreach d,$(DIRS),$(eval $(call unit_rule,$(d))))

$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

check: $(UNITS)
	@for t in $(UNITS); do $$t || exit 1; done

FUZZ := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz: $(FUZZ)
# A fuzz target links the codecs of every layer; linking drops what it leaves.
FUZZ_PARTS := $(filter-out %/main.c %/load/%,$(wildcard common/*.c) \
    $(wildcard persister/cql_frame.c persister/sigv4.c persister/aws_json.c \
        persister/blob.c))
FUZZ_OBJECTS := $(FUZZ_PARTS:%.c=build/fuzz/obj/%.o)
FUZZ_FLAGS = -std=gnu11 -O1 -g -I. -D_GNU_SOURCE \
    -DSTIPPLE_VERSION='"$(VERSION)"' -fno-sanitize-recover=all
build/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) $(PKG_CFLAGS) -MMD -MP \
	    -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o $(FUZZ_OBJECTS)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)
.SECONDARY: $(FUZZ:build/fuzz/%=build/fuzz/obj/tests/fuzz/%.o)

# The bench's own load and the peer written in C.
BENCH := $(addprefix build/bench/,swarm ingress send_loop store_bench)
bench: $(BENCH)
build/bench/swarm: build/bench/swarm.o
build/bench/send_loop: build/bench/peers/send_loop.o
build/bench/ingress: build/bench/ingress.o $(call parts,common)
build/bench/store_bench: build/bench/stores/store_bench.o \
    $(call parts,persister) $(call parts,common)
$(BENCH):
	$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS)

format:
	clang-format -i $(wildcard */*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])

lint:
	scripts/lint

# For scripts: the compiler's flags; whether the libraries are there.
print-flags:
	@echo $(CFLAGS_ALL) $(PKG_CFLAGS)
check-packages:
	@pkg-config --exists $(PKGS)

deb: all
	packaging/build-deb $(OUT) $(VERSION)

clean:
	rm -rf build

-include $(shell find $(OUT) -type f -name '*.d' 2>/dev/null)
