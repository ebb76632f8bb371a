#!/bin/sh
# Builds, and runs the test suites on private clusters as an unprivileged user.
#
#	run.sh			all of them
#	run.sh regress tap	those only: unit, model, regress, isolation, tap; long
#
# TAP="050 060" runs only those files of test/t. TEMP_CONFIG names a file with further
# settings for all clusters. The last line counts the tests.
#
# INSTRUMENT=sanitized builds the library with the sanitizers of addresses and of undefined
# behaviour, INSTRUMENT=coverage so that it counts what is run; each in a folder of its own.
set -eu

. test/environment.sh
instrument=${INSTRUMENT:-}
suites=${*:-unit model regress isolation tap}
pgxs_tests=$(dirname "$($PG_CONFIG --pgxs)")/../test
work=$(user_folder "${instrument:-test}")
private=$work/private
project=$work/project
bindir_name=$($PG_CONFIG --bindir)
libdir_name=$($PG_CONFIG --pkglibdir)
bindir=$private$bindir_name
results=$work/results
long_files="061 065 069 111"
passed=0
failed=0

copy_project() {
	rm -rf "$project" "$results" "$work/tap" "$work/long"
	mkdir -p "$project" "$results" "$work/tap" "$work/long"
	for item in sql expected test src doc Makefile agent_studio.control; do
		[ ! -e "$top/$item" ] || cp -r "$top/$item" "$project/"
	done
	[ "$(id -u)" != 0 ] || chown -R "$user" "$project" "$results" "$work/tap" "$work/long"
}

# The library once more, with the points at which tests strike (src/fault.h): from a
# tree of its own, so that no object of one build gets into the other.
faults=$work/faults
build_faults() {
	mkdir -p "$faults/src" "$faults/test/faults"
	rm -rf "$faults/sql"
	for copy in "$faults"/src/*.[ch]; do
		[ -e "src/$(basename "$copy")" ] || rm -f "$copy" "${copy%.c}.o"
	done
	cp -u src/*.[ch] "$faults/src/"
	cp -u test/faults/fault.c "$faults/test/faults/"
	cp -u test/private_tree.sh "$faults/test/"
	cp -u Makefile agent_studio.control "$faults/"
	cp -R sql "$faults/"
	[ "$(id -u)" != 0 ] || chown -R "$user" "$faults"
	as_user make --no-print-directory -s -C "$faults" all FAULTS=1 PG_CONFIG="$PG_CONFIG"
	as_user make --no-print-directory -s -C "$faults" private FAULTS=1 PG_CONFIG="$PG_CONFIG"
}

# build_apart FLAGS: within the project's copy, whose objects are no others'.
build_apart() {
	rm -f "$project"/src/*.o "$project"/src/*.gcno
	(cd "$project" && as_user make --no-print-directory -s -j 2 private PRIVATE="$private" PG_CONFIG="$PG_CONFIG" COPT="$1")
}

# The runtime of the sanitizers has to be in a process before our library is. What they
# find aborts it, and lies in the results. (pg_ctl restart begins what the server's first
# argument named.)
preload_sanitizers() {
	as_user gcc -shared -fPIC -Wl,-z,initfirst -o "$work/begin_sanitizer.so" "$project/test/begin_sanitizer.c"
	if ! head -c 2 "$bindir/postgres" | grep -q '#!'; then
		mv "$bindir/postgres" "$bindir/postgres.plain"
	fi
	cat >"$bindir/postgres" <<-EOF
	#!/bin/bash
	export LD_PRELOAD="$(gcc -print-file-name=libasan.so) $work/begin_sanitizer.so \$LD_PRELOAD"
	export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=48:abort_on_error=1:log_path=$results/sanitizer
	export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1:log_path=$results/sanitizer
	exec -a "$bindir/postgres" "$bindir/postgres.plain" "\$@"
	EOF
	chmod 755 "$bindir/postgres"
}

build() {
	copy_project
	case $instrument in
		sanitized)
			build_apart "-O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
			preload_sanitizers
			;;
		coverage)
			build_apart "-O0 -U_FORTIFY_SOURCE --coverage"
			;;
		*)
			as_builder make --no-print-directory -s all PG_CONFIG="$PG_CONFIG"
			as_builder make --no-print-directory -s private PRIVATE="$private" PG_CONFIG="$PG_CONFIG"
			;;
	esac
	# 083 puts another version of the extension there, and takes it away again.
	[ "$(id -u)" != 0 ] || chown "$user" "$private$($PG_CONFIG --sharedir)/extension"
}

# Counts a TAP output, or pg_regress's, that was kept in a file.
count() {
	ok=$(grep -cE '^ *ok [0-9]+ +-|^(test| ) .* \.\.\. ok' "$1" || true)
	bad=$(grep -cE '^ *not ok|\.\.\. FAILED' "$1" || true)
	if [ "$2" != 0 ] && [ "$bad" = 0 ]; then
		bad=1
	fi
	if [ "$ok" = 0 ] && [ "$bad" = 0 ]; then
		bad=1
		echo "suite $3 ran no test"
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
	echo "== $3: $ok passed, $bad failed"
}

# run_suite NAME COMMAND...: runs it as the test user within the project's copy.
run_suite() {
	name=$1
	shift
	status=0
	echo "== $name"
	(cd "$project" && as_user env "PATH=$bindir:/usr/bin:/bin:/usr/sbin:/sbin" "$@") >"$results/$name.out" 2>&1 || status=$?
	grep -vE '^ *ok |^1\.\.' "$results/$name.out" | tail -n 60
	count "$results/$name.out" "$status" "$name"
}

suite_unit() {
	run_suite unit make --no-print-directory -s -C test/unit check PROVE_FLAGS=--verbose
}

suite_model() {
	run_suite model /usr/bin/python3 test/tap_unittest.py test/model_server_test.py \
		test/model_dialects_test.py test/property/reference_test.py test/property/property_test.py
}

regress_config() {
	cat >"$work/regress.conf" <<-EOF
	shared_preload_libraries = 'agent_studio'
	max_worker_processes = 20
	agent_studio.databases = ''
	agent_studio.retry_delay = '50ms'
	log_line_prefix = '%m [%p] %b %a '
	EOF
	[ -z "${TEMP_CONFIG:-}" ] || cat "$TEMP_CONFIG" >>"$work/regress.conf"
	echo "$work/regress.conf"
}

# All of sql/, setup first.
regress_tests() {
	echo setup
	ls sql/*.sql | sed 's/.*\///; s/\.sql$//' | grep -vx setup
}

# No executor runs but where a test starts one, so that a queue can be looked at.
suite_regress() {
	run_suite regress "$pgxs_tests/regress/pg_regress" --bindir="$bindir" --inputdir=. \
		--outputdir="$results" --temp-instance="$work/instance" --temp-config="$(regress_config)" \
		--encoding=UTF8 --no-locale --dbname=regression $(regress_tests)
	cat "$results/regression.diffs" 2>/dev/null | head -200 || true
}

suite_isolation() {
	run_suite isolation env PGISOLATIONTIMEOUT=60 "$pgxs_tests/isolation/pg_isolation_regress" --bindir="$bindir" --inputdir=test \
		--outputdir="$results/isolation" --temp-instance="$work/instance_iso" --temp-config="$(regress_config)" \
		--encoding=UTF8 --no-locale --dbname=isolation $(ls test/specs/*.spec | sed 's/.*\///; s/\.spec$//')
	cat "$results/isolation/regression.diffs" 2>/dev/null | head -200 || true
}

tap_files() {
	for file in test/t/*.pl; do
		for wanted in ${TAP:-.}; do
			case $(basename "$file") in
				*$wanted* | *.*) [ "$wanted" != . ] && ! echo "$file" | grep -q "$wanted" || echo "$file" ;;
			esac
		done
	done | sort -u
}

# Kills by SIGKILL that the files of a suite say they have made.
count_kills() {
	kills=$(sed -n 's/^# kills: \([0-9]*\)$/\1/p' "$results/$1.out" | awk '{ n += $1 } END { print n + 0 }')
	[ "$kills" = 0 ] || echo "== $1: kills: $kills"
}

# They are promised: with fewer the suite has not done what it is for.
check_kills() {
	if [ "$kills" -lt "$1" ]; then
		echo "== kills: $kills, of the $1 that there have to be"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
}

# run_tap NAME FILES...
run_tap() {
	name=$1
	shift
	! grep -q '^use Faults' "$@" || build_faults
	run_suite "$name" env PERL5LIB="$pgxs_tests/perl:test/t" PG_REGRESS="$pgxs_tests/regress/pg_regress" \
		TESTDIR="$work/$name" TESTDATADIR="$work/$name/tmp_check" TESTLOGDIR="$work/$name/tmp_check/log" \
		AS_FAULTS="$faults/build/private$(dirname "$bindir_name")" AS_LIBRARIES="$private$libdir_name:$faults/build/private$libdir_name" \
		PG_TEST_TIMEOUT_DEFAULT=120 prove --verbose --merge --timer "$@"
	count_kills "$name"
}

suite_tap() {
	run_tap tap $(tap_files)
}

# The same tests of faults, with AS_LONG: more rounds, larger numbers.
suite_long() {
	AS_LONG=1
	export AS_LONG
	run_tap long $(TAP=${TAP:-$long_files} tap_files)
	unset AS_LONG
	[ -n "${TAP:-}" ] || check_kills 200
}

# What the sanitizers have found; a process that was killed for it may have failed no test.
count_findings() {
	findings=$(ls "$results" | grep -c '^sanitizer' || true)
	failed=$((failed + findings))
	echo "== sanitizers: $findings findings"
	if [ "$findings" != 0 ]; then
		(cd "$results" && head -n 25 sanitizer*)
	fi
}

# Lines that were run: of each file, the least covered first, and in all. What a process
# counted is written when it exits, so those that were killed are left out.
print_coverage() {
	echo "== coverage: percent of the lines that were run, and of how many"
	(cd "$project" && as_user gcov -n -o src src/*.c 2>/dev/null) | awk '
		/^File/ { file = $0; gsub(/^File .|.$/, "", file) }
		/^Lines executed:/ && file ~ /^src\/.*\.c$/ && !(file in lines) {
			split($0, part, /[:% ]+/)
			lines[file] = part[5]; run += part[3] * part[5] / 100; all += part[5]
			print sprintf("%6.2f %6d  %s", part[3], part[5], file) | "sort -n"
		}
		END { close("sort -n"); printf "%6.2f %6d  in all\n", all ? 100 * run / all : 0, all }'
}

build
mkdir -p "$results/isolation"
chown "$user" "$results/isolation"
for suite in $suites; do
	"suite_$suite"
done
case $instrument in
	sanitized) count_findings ;;
	coverage) print_coverage ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
