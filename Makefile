# Agent Studio for PostgreSQL
#
#   make                  builds the extension (PGXS)
#   sudo make install     installs it into the server that pg_config names
#   sudo make quickstart  does everything on a fresh machine, and shows an agent at work;
#                         "make quickstart-stop" ends what it left running
#   sudo make test        installs what is missing, builds, and runs every test
#   sudo make test-sanitized  runs them with sanitizers in the library
#   sudo make coverage    runs them, and prints which part of each C file was run
#   make lint             analyses the C code statically, and finds nothing
#   sudo make test-long   the tests of faults, at greater length: hundreds of kills
#   make fuzz             fuzzes what parses hostile bytes (FUZZ_SECONDS each)
#   sudo make bench       measures how fast it is, against floors taken in the same run;
#                         PARTS="throughput latency" measures some of it
#   make clean            leaves nothing behind

EXTENSION = agent_studio
EXTVERSION = 1.0.0
MODULE_big = agent_studio
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
INSTALL_SQL = $(sort $(wildcard sql/install/*.sql))
DATA_built = $(EXTENSION)--$(EXTVERSION).sql
DATA = $(wildcard sql/upgrade/*.sql)

PG_CPPFLAGS = -Isrc $(shell curl-config --cflags 2>/dev/null)
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers
SHLIB_LINK = $(shell curl-config --libs 2>/dev/null) -lcmark -lzip

# Fault points are compiled in for the tests that strike at them, in a build of their own.
ifdef FAULTS
OBJS += test/faults/fault.o
PG_CPPFLAGS += -DAGENT_STUDIO_FAULTS
endif

BUILD = build
EXTRA_CLEAN = $(EXTENSION)--$(EXTVERSION).sql

.DEFAULT_GOAL = all

# These run on a machine that may have nothing yet, not even pg_config: they install
# what they need and come back here for the rest.
.PHONY: quickstart quickstart-stop test test-long test-sanitized coverage lint fuzz bench clean clean-tests
quickstart:
	@sh test/packages.sh run
	@sh test/quickstart.sh

quickstart-stop:
	@sh test/quickstart.sh stop

test:
	@sh test/packages.sh test
	@sh test/run.sh $(SUITES)

test-sanitized:
	@sh test/packages.sh test
	@INSTRUMENT=sanitized sh test/run.sh $(SUITES)

coverage:
	@sh test/packages.sh test
	@INSTRUMENT=coverage sh test/run.sh $(SUITES)

lint:
	@sh test/packages.sh lint
	@sh test/lint.sh

test-long:
	@sh test/packages.sh test
	@sh test/run.sh long

fuzz:
	@$(MAKE) --no-print-directory -C test/fuzz fuzz

bench:
	@sh test/packages.sh bench
	@sh test/bench/bench.sh $(PARTS)

ifneq ($(shell command -v $(or $(PG_CONFIG),pg_config) 2>/dev/null),)
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
# Bitcode for inlining SQL functions is of no use to us and doubles the build.
override with_llvm = no
include $(PGXS)
endif

clean: clean-tests
clean-tests:
	@sh test/clean.sh
	@$(MAKE) --no-print-directory -C test/unit clean
	@$(MAKE) --no-print-directory -C test/fuzz clean

# Joined in the order of their names. The first line keeps psql from running it.
$(EXTENSION)--$(EXTVERSION).sql: $(INSTALL_SQL)
	@printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit' >$@
	@cat $^ >>$@

# What a header says is compiled into whoever includes it.
$(OBJS): $(wildcard src/*.h)

# A copy of the server's own tree with our library in it. PostgreSQL finds its
# files from where its programs lie, so clusters made from the copy know the
# extension, and those of the machine never meet it.
PRIVATE = $(BUILD)/private
.PHONY: private
private: all
	@sh test/private_tree.sh $(PRIVATE) "$(bindir)" "$(pkglibdir)" "$(datadir)"
	@$(MAKE) --no-print-directory -s install DESTDIR=$(abspath $(PRIVATE)) >/dev/null
