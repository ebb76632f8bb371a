# http.mk
#		Builds and runs the tests of the guard and of the HTTP loop.
#
#   make -f test/unit/http.mk check            plain
#   make -f test/unit/http.mk check SANITIZE=1 with ASan and UBSan
#   make -f test/unit/http.mk valgrind
#
# Run from the top of the tree.  Needs libcurl's headers; TLS is tested if the
# openssl command is there.

CC ?= gcc
OUT ?= test/unit
HTTP_WARN = -std=gnu99 -Wall -Wextra -Werror -Wmissing-prototypes -Wdeclaration-after-statement
HTTP_CFLAGS = -O1 -g $(HTTP_WARN) -Isrc $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined)
HTTP_SRC = src/http.c src/guard.c src/buf.c src/utf8.c src/provider.c src/provider_openai.c \
	src/provider_error.c src/sse.c src/thoughts.c src/json_scan.c
HTTP_HEADERS = $(wildcard src/*.h) test/unit/tap_http.h
comma = ,

all: $(OUT)/test_guard $(OUT)/test_http

$(OUT)/test_guard: test/unit/test_guard.c src/guard.c $(HTTP_HEADERS)
	$(CC) $(HTTP_CFLAGS) -o $@ test/unit/test_guard.c src/guard.c -lcurl

$(OUT)/test_http: test/unit/test_http.c $(HTTP_SRC) $(HTTP_HEADERS)
	$(CC) $(HTTP_CFLAGS) -o $@ test/unit/test_http.c $(HTTP_SRC) -lcurl -lpthread

check: all
	$(OUT)/test_guard
	$(OUT)/test_http

# Its scheduler has room for 500 threads, and the server takes one a connection.
valgrind: all
	valgrind -q --leak-check=full --error-exitcode=9 $(OUT)/test_guard
	HTTP_TEST_STREAMS=100 valgrind -q --max-threads=1000 --leak-check=full --error-exitcode=9 $(OUT)/test_http

clean:
	rm -f $(OUT)/test_guard $(OUT)/test_http

.PHONY: all check valgrind clean
