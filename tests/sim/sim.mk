# SPDX-License-Identifier: Apache-2.0
#
# The simulator (docs/reliability.md):
#   make sim                     build/sim/sim and the images beside it
#   make sim MUTANT=n            the same with that mistake, in build/mutants/n
#
# An image is a process's sources as a shared object. Its own names are local;
# what it calls of czmq, libzmq, hiredis and of libc below is the simulator's.

SIM := build/sim
SIM_WRAPPED := malloc free calloc realloc aligned_alloc posix_memalign strdup \
    clock_gettime getrandom getpid read close signalfd sigprocmask sigaction \
    signal exit abort __assert_fail log_event store_new
SIM_FLAGS = -std=gnu11 -O2 -g -fno-omit-frame-pointer -I. -D_GNU_SOURCE \
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
    $(WERROR) -DTAKEBACK_SLICE=24u -DSTIPPLE_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
SIM_IMAGE_FLAGS = $(SIM_FLAGS) -fPIC -ffunction-sections -fdata-sections
SIM_IMAGES := $(SIM)/broker.so $(SIM)/edge.so $(SIM)/persister.so
sim_objects = $(patsubst %.c,$(SIM)/pic/%.o,\
    $(call find,common,*.c) $(call find,$(1),*.c) tests/sim/images/$(1).c)

.PHONY: sim
sim: $(SIM)/sim $(SIM_IMAGES)

$(SIM)/pic/%.o: %.c Makefile tests/sim/sim.mk
	@mkdir -p $(@D)
	$(CC) $(SIM_IMAGE_FLAGS) -MMD -MP -c -o $@ $<
$(SIM)/pic/edge/main.o $(SIM)/pic/broker/main.o $(SIM)/pic/persister/main.o: \
    SIM_IMAGE_FLAGS += -Wno-missing-prototypes

# The edge's main() forks workers and starts libuv: the image has its own.
define sim_image
$(SIM)/$(1).so: $(call sim_objects,$(1)) tests/sim/image.map
	$$(CC) -shared -o $$@ $$(filter-out $(SIM_LEFT_OUT),$$(filter %.o,$$^)) \
	    -Wl,--gc-sections -Wl,--version-script=tests/sim/image.map \
	    -Wl,-z,now $(SIM_WRAPPED:%=-Wl,--wrap=%) \
	    -Wl,--as-needed $$(SIM_LIBS)
endef
SIM_LIBS := $(shell pkg-config --libs jansson libcrypto zlib libdeflate spng \
    libzstd libmicrohttpd sqlite3 libcurl libxxhash liburing) -lm
# What stands for the thread that resolves names is in images/broker.c.
SIM_LEFT_OUT := $(addprefix $(SIM)/pic/,broker/resolver.o edge/main.o)
$(foreach kind,broker persister edge,$(eval $(call sim_image,$(kind))))

SIM_WORLD := $(patsubst %.c,$(SIM)/world/%.o,$(wildcard tests/sim/*.c) \
    $(addprefix common/,board.c diff.c record.c wire.c touched.c mem.c \
    chain.c control.c policy.c policy_bytes.c rank.c siphash.c))
$(SIM)/world/%.o: %.c Makefile tests/sim/sim.mk
	@mkdir -p $(@D)
	$(CC) $(SIM_FLAGS) -MMD -MP -c -o $@ $<
$(SIM)/sim: $(SIM_WORLD)
	$(CC) -rdynamic -o $@ $^ -llua5.1 -lxxhash -ljansson -ldl -lm

# The simulated Redis on a pipe (tests/sim/real/redis).
SIM_REDIS := $(SIM)/world/tests/sim/real/pipe.o $(addprefix $(SIM)/world/tests/sim/,\
    db.o commands.o streams.o lua_scripts.o reply.o) $(SIM)/pic/broker/redis_scripts.o
sim: $(SIM)/redis-pipe
$(SIM)/redis-pipe: $(SIM_REDIS)
	$(CC) -o $@ $^ -llua5.1

# One image with some SOURCES replaced (tests/sim/mutants): by those of that name
# in TO.
.PHONY: mutant
mutant:
	@for source in $(notdir $(SOURCES)); do \
	    $(CC) $(filter-out -W%,$(SIM_IMAGE_FLAGS)) -c -o $(TO)/$$source.o \
	        $(TO)/$$source || exit; done
	@$(CC) -shared -o $(TO)/$(KIND).so $(patsubst %,$(TO)/%.o,$(notdir $(SOURCES))) \
	    $(filter-out $(SIM_LEFT_OUT) \
	    $(SOURCES:%.c=$(SIM)/pic/%.o),$(call sim_objects,$(KIND))) \
	    -Wl,--gc-sections \
	    -Wl,--version-script=tests/sim/image.map -Wl,-z,now \
	    $(SIM_WRAPPED:%=-Wl,--wrap=%) -Wl,--as-needed $(SIM_LIBS)
