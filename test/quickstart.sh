#!/bin/sh
# Shows agents at work, from nothing.
#
#	quickstart.sh		builds the extension into a copy of the server's own tree;
#						makes a cluster from the copy, which listens on a socket in
#						its own folder and nowhere else; makes an endpoint, a model
#						and four agents (doc/examples/agents.sql); gives the
#						architect a task and follows it (doc/examples/task.sql);
#						makes a workflow of all four (doc/examples/workflows/
#						feature-development.sql) and follows a run of it
#						(doc/examples/workflow.sql)
#	quickstart.sh stop	stops what the other one left running
#
# The model is played by test/model_server.py, unless one of these names a real one:
#
#	OPENAI_API_KEY			asks OpenAI
#	AGENT_STUDIO_URL		asks another API that is compatible with OpenAI's, such as
#							http://localhost:11434/v1
#	AGENT_STUDIO_API_KEY	the key for that URL, if it wants one
#	AGENT_STUDIO_MODEL		the model's name there
#
# Everything lies in build/quickstart. A second run takes it up again.
set -eu

. test/environment.sh
folder=$(user_folder quickstart)
private=$folder/private
bindir=$private$($PG_CONFIG --bindir)
data=$folder/data$($PG_CONFIG --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')

say() {
	printf '\n== %s\n' "$*"
}

give_up() {
	echo "quickstart: $1" >&2
	[ -z "${2:-}" ] || tail -n 20 "$2" >&2
	exit 1
}

# The user's own environment, PGOPTIONS or a key, is none of the programs' business.
run() {
	(cd "$folder" && as_user env -i PATH="$bindir:/usr/bin:/bin" LC_ALL=C.UTF-8 "$@")
}

# What it says goes into a log, and is shown when it fails.
logged() {
	log=$folder/$1
	what=$2
	shift 2
	run sh -c 'log=$1; shift; exec "$@" >"$log" 2>&1' sh "$log" "$@" || give_up "$what" "$log"
}

sql() {
	run psql -X -q -v ON_ERROR_STOP=1 -h "$folder" -U "$user" "$@"
}

# ---------- the server ----------

build_extension() {
	say "Building"
	as_builder make --no-print-directory -s all PG_CONFIG="$PG_CONFIG"
	as_builder make --no-print-directory -s private PRIVATE="$private" PG_CONFIG="$PG_CONFIG"
}

make_cluster() {
	logged initdb.log "initdb failed" initdb -D "$data" -U "$user" -A trust -E UTF8 --locale=C.UTF-8
	run tee -a "$data/postgresql.conf" >/dev/null <<-EOC
		shared_preload_libraries = 'agent_studio'
		listen_addresses = ''
		unix_socket_directories = '$folder'
		unix_socket_permissions = 0700
		max_worker_processes = 20
	EOC
}

stop_server() {
	[ -f "$data/postmaster.pid" ] && run pg_ctl status -D "$data" >/dev/null || return 0
	logged pg_ctl.log "the server does not stop" pg_ctl stop -w -m fast -D "$data"
}

# A running one is started again, to load the library that was just built.
start_server() {
	say "Starting a PostgreSQL server in $folder"
	run chmod 700 "$folder"
	[ -f "$data/PG_VERSION" ] || make_cluster
	stop_server
	logged server.log "the server does not start" pg_ctl start -w -D "$data"
}

# ---------- the model ----------

model_server_is_up() {
	[ -f "$folder/model.pid" ] &&
		grep -qs "$folder/model_server.py" "/proc/$(cat "$folder/model.pid")/cmdline"
}

stop_model_server() {
	! model_server_is_up || run kill "$(cat "$folder/model.pid")"
}

# A running one is started again, to play what its files say now.
start_model_server() {
	say "Starting a model server that plays the model (set OPENAI_API_KEY to ask a real one)"
	stop_model_server
	rm -rf "$folder/model_server.py" "$folder/model_answers"
	tar -C "$top/test" -cf - model_server.py model_answers | run tar -xf -
	run rm -f "$folder/model.port"
	run sh -c 'setsid python3 -B "$1/model_server.py" --port 0 --port-file "$1/model.port" \
		</dev/null >"$1/model.log" 2>&1 & echo $! >"$1/model.pid"' sh "$folder"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -s "$folder/model.port" ] || return 0
		sleep 0.5
	done
	give_up "the model server does not start" "$folder/model.log"
}

# The key goes from the environment into a file, and is on no command line.
keep_key() {
	printf '%s\n' "$1" | run sh -c 'umask 077; rm -f "$1"; cat >"$1"' sh "$folder/key"
	key_file=$folder/key
}

# Sets url, model, is_local (may it be http, may it be this machine?), prices and key_file.
choose_model() {
	key_file=
	input_price=NULL
	output_price=NULL
	if [ -n "${AGENT_STUDIO_URL:-}" ]; then
		database=live url=$AGENT_STUDIO_URL is_local=true
		model=${AGENT_STUDIO_MODEL:-}
		[ -n "$model" ] || give_up "set AGENT_STUDIO_MODEL to the name that the model has at $url"
		[ -z "${AGENT_STUDIO_API_KEY:-}" ] || keep_key "$AGENT_STUDIO_API_KEY"
	elif [ -n "${OPENAI_API_KEY:-}" ]; then
		database=live url=https://api.openai.com/v1 is_local=false
		model=${AGENT_STUDIO_MODEL:-gpt-4.1}
		[ "$model" != gpt-4.1 ] || input_price=2 output_price=8
		keep_key "$OPENAI_API_KEY"
	else
		start_model_server
		database=demo url=http://127.0.0.1:$(cat "$folder/model.port")/v1 is_local=true
		model=demo input_price=10 output_price=30
	fi
}

# ---------- the agents ----------

studio() {
	sql -d "$database" -1 -o /dev/null -v url="$url" -v is_local="$is_local" -v key_file="$key_file" \
		-v model="$model" -v input_price="$input_price" -v output_price="$output_price"
}

# Port, key and model may be others than last time.
update_endpoint() {
	studio <<-'EOC'
		ALTER SERVER model_api OPTIONS (SET url :'url', SET allow_http :'is_local', SET allow_private :'is_local');
		SET client_min_messages = warning;
		DROP USER MAPPING IF EXISTS FOR PUBLIC SERVER model_api;
		SELECT :'key_file' <> '' AS has_key \gset
		\if :has_key
		CREATE USER MAPPING FOR PUBLIC SERVER model_api OPTIONS (api_key_file :'key_file');
		\endif
		SELECT agent_studio.as_update_model('standard', deployment => :'model', input_price => :input_price,
			output_price => :output_price,
			unset => CASE WHEN :input_price::numeric IS NULL THEN ARRAY['input_price', 'output_price'] ELSE '{}' END)
		FROM agent_studio.models m WHERE m.name = 'standard' AND m.deployment <> :'model';
	EOC
}

# NAME.made tells from which version of the extension the database was made.
make_database() {
	version=$(cat agent_studio--*.sql doc/examples/agents.sql doc/examples/workflows/feature-development.sql | cksum)
	if [ "$(cat "$folder/$database.made" 2>/dev/null)" = "$version" ]; then
		say "Using the agents and the workflow in database $database"
		update_endpoint
		return
	fi
	say "Creating the extension, an endpoint, a model, agents and a workflow in database $database"
	sql -d postgres -c 'SET client_min_messages = warning' \
		-c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
	studio <doc/examples/agents.sql
	studio <doc/examples/workflows/feature-development.sql
	echo "$version" | run tee "$folder/$database.made" >/dev/null
}

work_on_a_task() {
	say "Giving the architect a task: its thoughts as they come, then what it answers"
	sql -d "$database" <doc/examples/task.sql
}

run_a_workflow() {
	say "Running a workflow: architect, builder, validator and scribe, each on what the others have made"
	sql -d "$database" <doc/examples/workflow.sql
}

last_status() {
	sql -d "$database" -At -c 'SELECT status FROM agent_studio.executions ORDER BY execution_id DESC LIMIT 1'
}

task_has_completed() {
	[ "$(last_status)" = completed ] || give_up "the task has not completed: see above"
}

# The validator may say no, if it is a real one.
workflow_has_ended() {
	case $(last_status)-$database in
		completed-* | requires_manual_review-live) ;;
		*) give_up "the workflow has not completed: see above" ;;
	esac
}

tell_what_next() {
	as_root=
	[ "$user" != postgres ] || as_root='sudo '
	say "What next"
	cat <<-EOC
		Connect:   psql -h $folder -U $user $database
		Look:      SELECT name, agent_type, description FROM agents;
		           SELECT * FROM as_thoughts(1);    SELECT * FROM as_logs(1);
		           SELECT * FROM as_workflow_status(2);    SELECT step, name, content FROM outputs;
		           \\x auto    SELECT * FROM as_check();
		Report:    psql -XAtq -h $folder -U $user $database -c "SELECT agent_studio.as_report_html(2)" >report.html
		Dashboard: psql -XAtq -h $folder -U $user $database -c "SELECT agent_studio.as_dashboard_html()" >dashboard.html
		Ask:       CALL as_follow_task('builder-agent-python-prod', 'Implement a password reset endpoint.');
		Describe:  \\df+ agent_studio.*    \\d+ agent_studio.executions    \\dconfig agent_studio.*
		Stop:      ${as_root}make quickstart-stop    (a second quickstart starts it again)
		Remove:    ${as_root}make clean
	EOC
}

# ---------- the end ----------

stop() {
	stop_model_server
	if [ -f "$data/postmaster.pid" ]; then
		stop_server
		echo "Stopped the server in $folder."
	fi
}

cd "$top"
case ${1:-start} in
	stop) stop ;;
	start)
		build_extension
		start_server
		choose_model
		make_database
		work_on_a_task
		task_has_completed
		run_a_workflow
		tell_what_next
		workflow_has_ended
		;;
	*) give_up "start or stop?" ;;
esac
