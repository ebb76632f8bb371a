#!/bin/sh
# Builds, and runs the test suites on private clusters as an unprivileged user.
#
#	run.sh			all of them
#	run.sh regress tap	those only: unit, model, regress, isolation, tap
#
# TAP="050 060" runs only those files of test/t. The last line counts the tests.
set -eu

. test/environment.sh
suites=${*:-unit model regress isolation tap}
pgxs_tests=$(dirname "$($PG_CONFIG --pgxs)")/../test
work=$(user_folder test)
private=$work/private
project=$work/project
bindir=$private$($PG_CONFIG --bindir)
results=$work/results
passed=0
failed=0

build() {
	as_builder make --no-print-directory -s all PG_CONFIG="$PG_CONFIG"
	as_builder make --no-print-directory -s private PRIVATE="$private" PG_CONFIG="$PG_CONFIG"
	rm -rf "$project" "$results" "$work/tmp_check"
	mkdir -p "$project" "$results"
	for item in sql expected test src doc Makefile; do
		[ ! -e "$top/$item" ] || cp -r "$top/$item" "$project/"
	done
	[ "$(id -u)" != 0 ] || chown -R "$user" "$project" "$results"
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

suite_tap() {
	run_suite tap env PERL5LIB="$pgxs_tests/perl:test/t" PG_REGRESS="$pgxs_tests/regress/pg_regress" \
		TESTDIR="$work" TESTDATADIR="$work/tmp_check" TESTLOGDIR="$results/tap_logs" \
		PG_TEST_TIMEOUT_DEFAULT=120 prove --verbose --merge --timer $(tap_files)
}

build
mkdir -p "$results/isolation"
chown "$user" "$results/isolation"
for suite in $suites; do
	"suite_$suite"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
