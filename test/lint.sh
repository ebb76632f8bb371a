#!/bin/sh
# Static analysis of src/: gcc -fanalyzer, cppcheck, and clang-tidy with bugprone-*, cert-* and
# clang-analyzer-*. Prints what they find; the last line counts it, and nothing may be found.
#
# test/lint/ says what is not asked for (clang-tidy), which macros of PostgreSQL cppcheck has
# to know (cppcheck.cfg), and which findings are none (accepted), each with its reason. Written for
# the tools of Debian 12: gcc 12, cppcheck 2.10, clang-tidy 14. Needs the packages of "packages.sh lint".
set -eu

. test/environment.sh
flags="-std=gnu99 -D_GNU_SOURCE -Isrc -I$($PG_CONFIG --includedir-server) $(curl-config --cflags)"
found=$(mktemp)
trap 'rm -f "$found" "$found".*' EXIT
trap 'exit 1' INT TERM

# each COMMAND...: runs it for every file of C, some at once; {} is the file.
each() {
	ls src/*.c | xargs -P "$(nproc)" -I{} sh -c "$* || true"
}

# Warnings with a path from the top, and once: several files may include what they are about.
warnings() {
	grep -E '^[^ ].*: (warning|error): ' "$1" | sed "s#^$top/##" | sort -u || true
}

each "gcc -c -o /dev/null -O2 -Wall -fanalyzer -fdiagnostics-plain-output $flags {} 2>&1" >"$found.gcc"
each "clang-tidy --quiet --config-file=test/lint/clang-tidy {} -- $flags 2>/dev/null" >"$found.tidy"
cppcheck --quiet -j "$(nproc)" --std=c11 --enable=warning,performance,portability --library=test/lint/cppcheck.cfg -Isrc \
	--template='{file}:{line}:{column}: {severity}: {message} [{id}]' src 2>&1 | sed 's/: \(performance\|portability\): /: warning: /' >"$found.cppcheck"
for tool in gcc tidy cppcheck; do
	warnings "$found.$tool"
done >"$found"

# A line of "accepted" is a file, a check and a reason; one that excuses nothing any more is a finding, too.
awk -F '\t' '
	NR == FNR { if ($0 !~ /^#/ && NF) { reason[$1 "\t" $2] = $3; } next }
	{ file = $0; sub(/:.*/, "", file); check = $0; sub(/.*\[/, "", check); sub(/\]$/, "", check) }
	(file "\t" check) in reason { used[file "\t" check] = 1; next }
	{ print; n++ }
	END {
		for (known in reason) if (!(known in used)) { print "test/lint/accepted: excuses nothing any more: " known; n++ }
		print n + 0 " findings in src/"
		exit n > 0
	}' test/lint/accepted "$found"
