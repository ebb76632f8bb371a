"""What is measured. Each part takes the bench, and adds its rows to the table."""

import os
import statistics
import time

from studio import Psql, cpu_seconds, resident_mb


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def cancel_rest(bench, agent):
    """Ends what an agent has not finished, but for what is about to be canceled already."""
    bench.studio.sql.run("SELECT count(agent_studio.as_cancel(e.execution_id)) FROM agent_studio.executions e WHERE e.agent = '%s'"
                         " AND e.finished_at IS NULL AND NOT EXISTS (SELECT FROM agent_studio.commands c WHERE c.execution_id = e.execution_id)" % agent)
    bench.studio.await_empty_queue()


# ---------- floors ----------

def floor(bench):
    """What the database and HTTP can do at best, on this machine, today."""
    sql = bench.studio.sql
    sql.run("DROP TABLE IF EXISTS floor_queue, floor_results")
    sql.run("CREATE TABLE floor_queue (id bigint PRIMARY KEY, claimed boolean NOT NULL DEFAULT false) WITH (fillfactor = 60);"
            "CREATE INDEX ON floor_queue (id) WHERE NOT claimed; CREATE TABLE floor_results (id bigint, result text)")
    sql.run("INSERT INTO floor_queue SELECT generate_series(1, 500000); VACUUM ANALYZE floor_queue")
    bench.floors["step_16"] = bench.pgbench("floor.sql", clients=16)
    bench.floors["step_1"] = bench.pgbench("floor.sql", clients=1)
    bench.floors["commit_ms"] = 1000 / bench.pgbench("floor_commit.sql", clients=1)
    for kind in ("json", "sse"):
        bench.floors[kind], bench.floors[kind + "_us"] = bench.curl_floor(kind)
    sql.run("DROP TABLE floor_queue, floor_results")
    bench.row("floor: claim and complete, pgbench with 16 clients", None, bench.floors["step_16"], "steps/s")
    bench.row("floor: claim and complete, pgbench with 1 client", None, bench.floors["step_1"], "steps/s")
    bench.row("floor: one commit", None, bench.floors["commit_ms"], "ms")
    for kind in ("json", "sse"):
        bench.row("floor: bare curl-multi loop, %s" % kind, None, bench.floors[kind], "requests/s")
        bench.row("floor: its CPU, %s" % kind, None, bench.floors[kind + "_us"] / 1000, "ms")


# ---------- throughput ----------

def run_workflows(bench, kind, count):
    """Steps per second of so many workflows of four steps, and the executor's CPU in ms a step."""
    sql, pid = bench.studio.sql, bench.studio.executor_pid()
    last = sql.run("SELECT coalesce(max(execution_id), 0) FROM agent_studio.executions")
    sql.run("SELECT count(agent_studio.as_run_workflow('chain-%s', jsonb_build_object('n', i))) FROM generate_series(1, %d) i" % (kind, count))
    cpu, began = cpu_seconds(pid), time.monotonic()
    bench.studio.await_empty_queue()
    seconds, cpu = time.monotonic() - began, cpu_seconds(pid) - cpu
    done = sql.number("SELECT count(*) FROM agent_studio.steps WHERE execution_id > %s AND state = 'completed'" % last)
    if done != 4 * count:
        raise RuntimeError("%d of %d steps completed; %s" % (done, 4 * count, sql.run(
            "SELECT error_message FROM agent_studio.executions WHERE execution_id > %s AND error_message IS NOT NULL LIMIT 1" % last)))
    return done / seconds, cpu * 1000 / done


def throughput(bench):
    for kind, target in (("json", 12000), ("sse", 9000)):
        run_workflows(bench, kind, bench.count(100))
        speed, cpu = run_workflows(bench, kind, bench.count(2500))
        bench.row("4-step workflows, %s" % {"json": "answer as JSON", "sse": "25 events"}[kind], "> %d" % target, speed, "steps/s",
                  bench.floors[kind], speed >= target)
        bench.row("  CPU of the executor a step", None, cpu, "ms", bench.floors[kind + "_us"] / 1000)


# ---------- latency ----------

def measure_latency(bench, samples):
    """Three lists of milliseconds: commit to request, last byte to result, commit to result."""
    output = bench.studio.call(bench.helper("latency"), bench.conninfo(), "probe", str(bench.probe_port()), str(samples))
    lines = [[float(field) / 1000 for field in line.split()] for line in output.splitlines()]
    return list(zip(*lines))


def latency(bench):
    measure_latency(bench, 10)
    request, result, whole = measure_latency(bench, bench.count(300, 30))
    commit = bench.floors["commit_ms"]
    for what, values, p50, p95 in (("commit to request at the model", request, 3, None), ("last byte to visible result", result, 4, 8),
                                   ("commit to visible result", whole, None, None)):
        middle, late = percentile(values, 0.5), percentile(values, 0.95)
        bench.row(what + ", p50", p50 and "< %d" % p50, middle, "ms", commit, p50 is None or middle < p50)
        bench.row(what + ", p95", p95 and "< %d" % p95, late, "ms", commit, p95 is None or late < p95)


# ---------- enqueue ----------

def enqueue(bench):
    """Submitting alone: the model takes nothing meanwhile, so that nobody else works."""
    sql, count = bench.studio.sql, bench.count(5000)
    session = Psql(bench.studio)
    session.run("SELECT count(agent_studio.as_execute_task('closed', 'Warm up.')) FROM generate_series(1, 20)")
    began = time.monotonic()
    session.run("SELECT count(agent_studio.as_execute_task('closed', 'Do number ' || i)) FROM generate_series(1, %d) i" % count)
    speed = count / (time.monotonic() - began)
    bare = count / bare_inserts(session, count)
    bench.row("as_execute_task in one transaction (floor: its rows, inserted by a loop)", "> 5000", speed, "/s", bare, speed > 5000)
    pid = int(session.run("SELECT pg_backend_pid()"))
    before = cpu_seconds(pid)
    session.run("DO $$ BEGIN FOR i IN 1 .. %d LOOP PERFORM agent_studio.as_execute_task('closed', 'Do number ' || i);"
                " COMMIT; END LOOP; END $$" % count)
    work = (cpu_seconds(pid) - before) * 1000 / count
    bench.row("  committed alone: work each", "< 0.3", work, "ms", None, work < 0.3)
    session.close()
    cancel_rest(bench, "closed")


def bare_inserts(session, count):
    """Seconds that it takes to insert the rows of so many tasks, and nothing else."""
    session.run("BEGIN")
    began = time.monotonic()
    session.run("""DO $$ DECLARE id bigint; BEGIN FOR i IN 1 .. %d LOOP
        INSERT INTO agent_studio.executions (agent, task, priority, timeout_seconds, max_retries, output_format, owner)
        VALUES ('closed', 'Do number ' || i, 'normal', 60, 3, 'markdown', current_user) RETURNING execution_id INTO id;
        INSERT INTO agent_studio.steps (execution_id, step_no, name, agent_version_id, model_id, owner) VALUES (id, 1, 'task', 1, 1, current_user);
        INSERT INTO agent_studio.queue (execution_id, step_no, model_id, order_at, run_at) VALUES (id, 1, 1, now(), now());
        END LOOP; END $$""" % count)
    seconds = time.monotonic() - began
    session.run("ROLLBACK")
    return seconds


# ---------- burst ----------

def burst(bench):
    """All at once on a model that takes a second."""
    sql = bench.studio.sql
    bench.studio.setting("agent_studio.max_in_flight", "6000")
    for count, target in ((bench.count(1000, 50), 1.15), (bench.count(5000, 100), 1.6)):
        for attempt in ("cold", "warm"):		# the second finds its connections open
            sql.run("SELECT count(agent_studio.as_execute_task('slow', 'Do number ' || i)) FROM generate_series(1, %d) i" % count)
            began = time.monotonic()
            bench.studio.await_empty_queue()
            seconds = time.monotonic() - began
            bench.row("%d tasks at once, model takes 1 s (%s): all visible" % (count, attempt), "< %.2f" % target, seconds, "s", 1.0, seconds < target)
    bench.studio.setting("agent_studio.max_in_flight", "1000")


# ---------- streams ----------

def streams(bench):
    bench.studio.setting("agent_studio.max_in_flight", "6000")
    sql, count, pid = bench.studio.sql, bench.count(5000, 100), bench.studio.executor_pid()
    first = sql.run("SELECT coalesce(max(execution_id), 0) + 1 FROM agent_studio.executions")
    sql.run("SELECT count(agent_studio.as_execute_task('stream', 'Talk for ever, number ' || i, max_retries => 0)) FROM generate_series(1, %d) i" % count)
    for _ in range(300):
        if sql.number("SELECT in_flight FROM agent_studio_private.worker_state()") >= count:
            break
        time.sleep(0.1)
    time.sleep(5)			# every one of them has brought several events by now
    memory = resident_mb(pid)
    flying = sql.number("SELECT in_flight FROM agent_studio_private.worker_state()")
    waits = [cancel_one(bench, int(first) + i * (count // 20)) for i in range(20)]
    failed = sql.number("SELECT count(*) FROM agent_studio.attempts WHERE execution_id >= %s AND outcome = 'failed'" % first)
    cancel_rest(bench, "stream")
    bench.studio.setting("agent_studio.max_in_flight", "1000")
    bench.row("streams in flight in one executor", "5000", flying, "", None, flying == count)
    bench.row("  its memory (RssAnon)", "< 250", memory, "MB", None, memory < 250)
    bench.row("  errors", "0", failed, "", None, failed == 0)
    bench.row("  as_cancel: commit to closed socket, p50", None, statistics.median(waits), "ms")
    bench.row("  as_cancel: commit to closed socket, slowest of 20", "< 100", max(waits), "ms", None, max(waits) < 100)


def cancel_one(bench, execution):
    """Milliseconds from the commit to the model's seeing its socket closed."""
    log = bench.studio.model_log
    log.seek(0, os.SEEK_END)
    bench.studio.sql.run("SELECT agent_studio.as_cancel(%d)" % execution)
    committed = time.time()
    deadline = committed + 10
    while time.time() < deadline:
        line = log.readline()
        if line.endswith("\n"):
            return max(0.0, (float(line.split()[1]) - committed) * 1000)
        time.sleep(0.002)
    raise RuntimeError("no socket was closed within 10 s")


# ---------- fairness ----------

def fairness(bench):
    """What others have to wait for who has much to do."""
    urgent_among_many(bench)
    small_beside_huge(bench)


def seconds_of(bench, condition):
    """Median of the time from submission to end."""
    return bench.studio.sql.number("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - submitted_at))"
                                   " FROM agent_studio.executions WHERE " + condition)


def urgent_among_many(bench):
    sql, count = bench.studio.sql, bench.count(2000, 100)
    first = sql.number("SELECT coalesce(max(execution_id), 0) + 1 FROM agent_studio.executions")
    sql.run("SELECT count(agent_studio.as_execute_task('paced', 'Do number ' || i)) FROM generate_series(1, %d) i" % count)
    time.sleep(0.2)
    sql.run("SELECT count(agent_studio.as_execute_task('paced', 'At once, number ' || i, priority => 'critical')) FROM generate_series(1, 10) i")
    bench.studio.await_empty_queue()
    waited = seconds_of(bench, "execution_id >= %d AND priority = 'critical'" % first)
    others = seconds_of(bench, "execution_id >= %d AND priority = 'normal'" % first)
    bench.row("a critical task, %d normal ones before it (floor: their median)" % count, "< 0.1x", waited * 1000, "ms", others * 1000, waited < 0.1 * others)


def small_beside_huge(bench):
    alone = run_small(bench, huge=0)
    beside = run_small(bench, huge=20)
    bench.row("a workflow of 4 steps, median of 50", None, alone * 1000, "ms")
    bench.row("  beside 20 of 200 steps that came before (all in turn would be 100x)", "< 30x", beside * 1000, "ms", alone * 1000, beside < 30 * alone)


def run_small(bench, huge):
    sql = bench.studio.sql
    first = sql.number("SELECT coalesce(max(execution_id), 0) + 1 FROM agent_studio.executions")
    if huge > 0:
        sql.run("SELECT count(agent_studio.as_run_workflow('huge')) FROM generate_series(1, %d) i" % huge)
    sql.run("SELECT count(agent_studio.as_run_workflow('small')) FROM generate_series(1, 50) i")
    bench.studio.await_empty_queue()
    return seconds_of(bench, "execution_id >= %d AND workflow = 'small'" % first)


# ---------- idle ----------

def idle(bench):
    outside = Psql(bench.studio, "postgres")
    bench.studio.setting("autovacuum", "off")		# its transactions are not ours
    pids = [int(row[0]) for row in outside.rows("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'agent_studio%'")]
    transactions = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'bench'"
    time.sleep(12)			# what ended before has been counted by now, in the second look at the latest
    count, cpu, began = outside.number(transactions), sum(map(cpu_seconds, pids)), time.monotonic()
    time.sleep(30)			# six looks at the queue
    seconds = time.monotonic() - began
    share = (sum(map(cpu_seconds, pids)) - cpu) / seconds * 100
    rate = (outside.number(transactions) - count) / seconds * 60
    outside.close()
    bench.studio.setting("autovacuum", "on")
    bench.row("idle: transactions a minute (one in 5 s)", "<= 12", rate, "", None, rate <= 13)
    bench.row("idle: CPU of launcher and executors", "< 0.1", share, "%", None, share < 0.1)


# ---------- backlog ----------

CLAIM = "SELECT sum(total_exec_time) / nullif(sum(rows), 0) FROM pg_stat_statements WHERE query LIKE 'WITH free AS%'"


def drain(bench, tasks):
    """Milliseconds of the claim's statement a step, while so many tasks of the instant model are worked off."""
    sql = bench.studio.sql
    newest = sql.number("SELECT max(execution_id) FROM agent_studio.executions")
    sql.run("SELECT pg_stat_statements_reset()")
    sql.run("SELECT count(agent_studio.as_execute_task('json', 'Do number ' || i, priority => 'critical')) FROM generate_series(1, %d) i" % tasks)
    began = time.monotonic()
    # By the key: whoever waits must not walk through a million other rows meanwhile.
    while sql.number("SELECT EXISTS (SELECT FROM agent_studio.queue q WHERE q.execution_id > %d)::int" % newest) > 0:
        time.sleep(0.02)
    return sql.number(CLAIM), tasks / (time.monotonic() - began)


def claim_ms(bench, tasks):
    """The best of three: autovacuum works on what was filled in, and not in every one of them."""
    return min(drain(bench, tasks)[0] for _ in range(3))


def fill(bench, model, rows):
    """So many steps that wait behind everything else: one execution, which is what the queue sees least of."""
    sql = bench.studio.sql
    sql.run("INSERT INTO agent_studio.executions (agent, task, priority, timeout_seconds, max_retries, output_format, owner)"
            " VALUES ('filler', 'One of very many.', 'low', 60, 0, 'markdown', current_user)")
    execution = sql.run("SELECT max(execution_id) FROM agent_studio.executions")
    sql.run("INSERT INTO agent_studio.steps (execution_id, step_no, name, agent_version_id, model_id, owner)"
            " SELECT %s, i, 'task', v.agent_version_id, v.model_id, current_user FROM agent_studio.agents a"
            " JOIN agent_studio.agent_versions v USING (agent_id), generate_series(1, %d) i WHERE a.name = '%s'" % (execution, rows, model))
    sql.run("INSERT INTO agent_studio.queue (execution_id, step_no, model_id, order_at, run_at)"
            " SELECT s.execution_id, s.step_no, s.model_id, now() + interval '1 day', now() FROM agent_studio.steps s"
            " WHERE s.execution_id = %s" % execution)
    return execution


def empty(bench, execution):
    sql = bench.studio.sql
    sql.run("DELETE FROM agent_studio.queue WHERE execution_id = %s AND epoch IS NULL" % execution)
    bench.studio.await_no_row_of(execution)
    sql.run("VACUUM agent_studio.queue")


def beside(bench, what, rows, tasks, add, take_away):
    """A claim with so many rows more; the floor is one without them, taken before and after, as machines change their speed."""
    before = claim_ms(bench, tasks)
    added = add(bench, rows)
    ms = claim_ms(bench, tasks)
    take_away(bench, added)
    floor = (before + claim_ms(bench, tasks)) / 2
    bench.row("claim of a step with 1000 waiting (floor), and %d more %s" % (rows, what), "< 1.5x", ms, "ms", floor, ms < 1.5 * floor)


def backlog(bench):
    sql, tasks, million = bench.studio.sql, bench.count(1000), bench.count(1000000)
    sql.run("SELECT agent_studio.as_update_model('closed', max_concurrency => 1)")
    sql.run("SELECT agent_studio.as_execute_task('closed', 'Hold the only place.')")
    drain(bench, tasks)
    for model, what in (("closed", "whose model is at its limit"), ("json", "of the same model")):
        beside(bench, what, million, tasks, lambda bench, rows, model=model: fill(bench, model, rows), empty)
    beside(bench, "that have ended", million, tasks, history, forget)
    held_snapshot(bench, tasks)
    cancel_rest(bench, "closed")


def held_snapshot(bench, tasks):
    """Vacuum stops meanwhile: what is dead in the queue must not be walked through again and again."""
    held = Psql(bench.studio)
    held.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM agent_studio.queue")
    speeds, until = [], time.monotonic() + bench.count(20, 5)
    while time.monotonic() < until or len(speeds) < 4:
        speeds.append(drain(bench, tasks)[1])
    held.run("COMMIT")
    held.close()
    first, last = max(speeds[:2]), max(speeds[-2:])
    bench.row("tasks/s under a snapshot held for 20 s, at its end", "> 0.67x", last, "/s", first, last * 1.5 > first)


def history(bench, steps):
    """Executions of four steps that have ended long ago."""
    sql = bench.studio.sql
    sql.run("INSERT INTO agent_studio.executions (execution_id, agent, task, priority, timeout_seconds, max_retries, output_format, status,"
            "	owner, submitted_at, started_at, finished_at, attempts) OVERRIDING SYSTEM VALUE"
            " SELECT -i, 'old', 'An old task', 'normal', 60, 3, 'markdown', 'completed', current_user, now() - interval '9 days',"
            "	now() - interval '9 days', now() - interval '9 days', 4 FROM generate_series(1, %d) i" % (steps // 4))
    sql.run("INSERT INTO agent_studio.steps (execution_id, step_no, name, plan_step, agent_version_id, model_id, state, attempt_no,"
            "	started_at, finished_at, output, owner)"
            " SELECT -i, s, 'step', s, 1, 1, 'completed', 1, now() - interval '9 days', now() - interval '9 days', 'An old answer', current_user"
            " FROM generate_series(1, %d) i, generate_series(1, 4) s" % (steps // 4))


def forget(bench, _):
    for table in ("steps", "executions"):
        bench.studio.sql.run("DELETE FROM agent_studio.%s WHERE execution_id < 0" % table)
        bench.studio.sql.run("VACUUM agent_studio.%s" % table)


# ---------- WAL, rows and statements ----------

TABLES = """SELECT sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del), sum(n_tup_upd - n_tup_hot_upd),
	sum((n_tup_ins + n_tup_upd - n_tup_hot_upd) * (SELECT count(*) FROM pg_index i WHERE i.indrelid = t.relid))
	FROM pg_stat_user_tables t WHERE schemaname = 'agent_studio'"""
STATEMENTS = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"


def counters(sql):
    sql.run("SELECT pg_sleep(7)")		# the executor tells what it has counted when it looks around
    wal = [float(field) for field in sql.rows("SELECT wal_bytes, wal_fpi, wal_records, wal_sync FROM pg_stat_wal")[0]]
    return wal + [float(field or 0) for field in sql.rows(TABLES)[0]]


def measure_wal(bench, count):
    """Differences of the counters over so many workflows, submitting not counted; and the CPU."""
    sql = bench.studio.sql
    pid = bench.studio.executor_pid()
    os.kill(pid, 19)			# it sees the work when everything has been counted
    try:
        sql.run("SELECT count(agent_studio.as_run_workflow('chain-json', jsonb_build_object('n', i))) FROM generate_series(1, %d) i" % count)
        sql.run("CHECKPOINT")
        before = counters(sql)
        sql.run("SELECT pg_stat_statements_reset()")
    finally:
        cpu = cpu_seconds(pid)
        os.kill(pid, 18)
    bench.studio.await_empty_queue()
    cpu = cpu_seconds(pid) - cpu
    statements = sql.number(STATEMENTS + " AND query NOT LIKE '%pg_stat%' AND query NOT LIKE 'DO %'")
    return [(b - a) / (4 * count) for a, b in zip(before, counters(sql))], statements / (4 * count), cpu * 1000 / (4 * count)


def wal(bench):
    count = bench.count(1000)
    run_workflows(bench, "json", bench.count(100))
    full, _, _ = measure_wal(bench, count)
    bench.studio.setting("full_page_writes", "off")
    lean, statements, cpu = measure_wal(bench, count)
    bench.studio.setting("full_page_writes", "on")
    output = len(bench.answer) / 1000
    bench.row("WAL a step, with full-page images", None, full[0] / 1000, "kB")
    bench.row("WAL a step, without", "< 3 + output", lean[0] / 1000, "kB", output, lean[0] / 1000 < 3 + output)
    bench.row("  WAL records a step", None, lean[2], "")
    bench.row("  fsyncs of WAL a step", None, lean[3], "")
    bench.row("  rows inserted, updated, deleted a step", None, lean[4] + lean[5] + lean[6], "")
    bench.row("  of these updates that are not HOT (floor: all updates)", None, lean[7], "", lean[5])
    bench.row("  index inserts a step, at most", None, lean[8], "")
    bench.row("  statements a step", None, statements, "")
    http = bench.floors["json_us"] / 1000
    bench.row("CPU of the executor a step, less the bare curl-multi loop's", "< 0.08", cpu - http, "ms", None, cpu - http < 0.08)


# ---------- dashboards ----------

def dashboards(bench):
    """Every view and call of a dashboard, for each kind of reader, on a generated history. See dashboards.sql."""
    studio, database = bench.studio, "dashboards"
    studio.sql.run("SET client_min_messages = warning; CREATE DATABASE " + database)
    studio.call(studio.program("psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", "-v", "executions=%d" % bench.count(1000000),
                "-v", "generate=" + os.path.join(bench.top, "test", "history", "generate.sql"), "-h", studio.work, "-p", str(studio.port),
                "-f", os.path.join(bench.folder, "dashboards.sql"), database)
    session = Psql(studio, database)
    calls = session.rows("SELECT place, name FROM bench.calls ORDER BY place")
    readers = session.rows("SELECT role, what FROM bench.readers ORDER BY place")
    session.close()
    for role, what in readers:
        figures = []
        for place, name in calls:
            figures += [(ms, "%s: %s" % (what, name)) for ms in [first_and_second(studio, database, role, place)] if ms]
        late = [figure for figure in figures if max(figure[0]) >= 300]
        for ms, name in late:
            bench.row("  " + name, "< 300", max(ms), "ms", None, False)
        for n, which in enumerate(("first call of a session", "once more")):
            worst, name = max((ms[n], name) for ms, name in figures)
            bench.row("dashboards, %s: worst of %d: %s" % (which, len(figures), name), "< 300", worst, "ms", None, worst < 300)


def first_and_second(studio, database, role, place):
    """Milliseconds of a call, the first time in a session and the second; None = the role may not make it."""
    session = Psql(studio, database)
    session.run("SET ROLE \"%s\"" % role)
    times = [session.run("SELECT bench.milliseconds(%s)" % place) for _ in range(2)]
    session.close()
    return [float(ms) for ms in times] if all(times) else None


ALL = {part.__name__: part for part in (throughput, latency, enqueue, burst, streams, fairness, idle, wal, backlog, dashboards)}
