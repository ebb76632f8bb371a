#!/bin/sh
# Measures how fast it is, against floors taken in the same run: bench.sh [PART...]
#
# Builds, makes a private cluster as an unprivileged user, with nginx and a model
# server of its own beside it, and prints one table. Nothing is left running.
set -eu

. test/environment.sh
work=$(user_folder bench)
private=$work/private
nginx=$(PATH=$PATH:/usr/sbin command -v nginx)

compile() {
	gcc -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -I"$($PG_CONFIG --includedir)" $(curl-config --cflags) \
		-o "$work/$1" "test/bench/$1.c" -L"$($PG_CONFIG --libdir)" $2
}

as_builder make --no-print-directory -s all PG_CONFIG="$PG_CONFIG"
as_builder make --no-print-directory -s private PRIVATE="$private" PG_CONFIG="$PG_CONFIG"
compile model ""
compile curl_floor "$(curl-config --libs)"
compile latency -lpq
as_user env PYTHONDONTWRITEBYTECODE=1 SCALE="${SCALE:-1}" /usr/bin/python3 test/bench/bench.py \
	"$top" "$private$($PG_CONFIG --bindir)" "$work" "$nginx" "$@"
