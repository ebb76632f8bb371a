"""A private cluster with the extension, the model servers beside it, and psql to talk to it."""

import os
import shutil
import socket
import subprocess
import time

ANSWER = ("lorem ipsum dolor sit amet consectetur " * 20)[:700]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Psql:
    """One session of psql, kept open."""

    MARK = "-- done --"

    def __init__(self, studio, database="bench"):
        self.process = subprocess.Popen(
            [studio.program("psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", studio.work, "-p", str(studio.port), database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, sql):
        self.process.stdin.write(sql + ";\n\\echo " + self.MARK + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == self.MARK:
                return "\n".join(lines)
            lines.append(line.rstrip("\n"))
        raise RuntimeError("psql ended while it ran: " + sql[:200])

    def rows(self, sql):
        return [line.split("|") for line in self.run(sql).splitlines()]

    def number(self, sql):
        return float(self.run(sql) or 0)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Studio:
    """The cluster. Every process that it starts is its own, and ends with it."""

    SETTINGS = {
        "shared_preload_libraries": "'agent_studio,pg_stat_statements'",
        "listen_addresses": "''",
        "max_connections": "100",
        "shared_buffers": "'2GB'",
        "max_wal_size": "'4GB'",
        "agent_studio.max_host_connections": "6000",
    }

    def __init__(self, bindir, work):
        self.bindir, self.work, self.port = bindir, work, free_port()
        self.data = os.path.join(work, "data")
        self.processes = []

    def program(self, name):
        return os.path.join(self.bindir, name)

    def call(self, *command):
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            raise RuntimeError("%s: %s" % (command[0], result.stdout))
        return result.stdout

    def start(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self.call(self.program("initdb"), "-D", self.data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write("port = %d\nunix_socket_directories = '%s'\n" % (self.port, self.work))
            for name, value in self.SETTINGS.items():
                conf.write("%s = %s\n" % (name, value))
        self.call(self.program("pg_ctl"), "-D", self.data, "-l", os.path.join(self.work, "log"), "-w", "start")
        self.call(self.program("createdb"), "-h", self.work, "-p", str(self.port), "bench")
        self.sql = Psql(self)
        self.sql.run("SET client_min_messages = warning; CREATE EXTENSION agent_studio; CREATE EXTENSION pg_stat_statements")

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()
        if hasattr(self, "sql"):
            self.sql.close()
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            self.call(self.program("pg_ctl"), "-D", self.data, "-m", "immediate", "stop")
        shutil.rmtree(self.data, ignore_errors=True)

    def setting(self, name, value):
        self.sql.run("ALTER SYSTEM SET %s = %s" % (name, value))
        self.sql.run("SELECT pg_reload_conf(), pg_sleep(0.5)")

    def executor_pid(self):
        return int(self.sql.run("SELECT pid FROM pg_stat_activity"
                                " WHERE backend_type = 'agent_studio executor' AND datname = current_database()"))

    def spawn(self, *command, **options):
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    # ---------- what agents ask ----------

    def add_agent(self, name, url, **model):
        options = "".join(", %s => %s" % item for item in model.items())
        self.sql.run("CREATE SERVER %s TYPE 'openai' FOREIGN DATA WRAPPER agent_studio"
                     " OPTIONS (url '%s', allow_http 'true', allow_private 'true')" % (name, url))
        self.sql.run("CREATE USER MAPPING FOR PUBLIC SERVER %s OPTIONS (api_key 'sk-bench-key')" % name)
        self.sql.run("SELECT agent_studio.as_create_model('%s', '%s', input_price => 10, output_price => 30%s)" % (name, name, options))
        self.sql.run("SELECT agent_studio.as_create_agent('%s', 'bench', '%s', visibility => 'shared')" % (name, name))

    def await_empty_queue(self):
        """Until everything has ended and can be seen."""
        self.await_gone("SELECT FROM agent_studio.queue")

    def await_no_row_of(self, execution):
        self.await_gone("SELECT FROM agent_studio.queue WHERE execution_id = %s" % execution)

    def await_gone(self, query):
        """Without a poll in between: whenever the executor has committed something, and each second."""
        self.sql.run("""DO $$
            DECLARE seen bigint;
            BEGIN
                LOOP
                    seen := agent_studio_private.change_count();
                    COMMIT;
                    EXIT WHEN NOT EXISTS (%s);
                    seen := agent_studio_private.await_change(seen, 1000);
                END LOOP;
            END $$""" % query)

    def start_model(self, program):
        port, log = free_port(), os.path.join(self.work, "model.out")
        with open(log, "w") as out:
            self.spawn(program, str(port), stdout=out)
        self.model_log = open(log)
        time.sleep(0.2)
        return "http://127.0.0.1:%d" % port

    def start_nginx(self, program, folder):
        """The instant model: a JSON answer of 1 kB below /json, 25 events in one body below /sse."""
        port, work = free_port(), os.path.join(self.work, "nginx")
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        with open(os.path.join(work, "json"), "w") as file:
            file.write(json_answer())
        with open(os.path.join(work, "sse"), "w") as file:
            file.write(sse_answer())
        with open(os.path.join(folder, "nginx.conf")) as template, open(os.path.join(work, "nginx.conf"), "w") as conf:
            conf.write(template.read().replace("@WORK@", work).replace("@PORT@", str(port)))
        self.spawn(program, "-p", work, "-e", os.path.join(work, "error.log"), "-c", os.path.join(work, "nginx.conf"))
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        return "http://127.0.0.1:%d" % port


def json_answer():
    return ('{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,'
            '"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],'
            '"usage":{"prompt_tokens":50,"completion_tokens":170,"total_tokens":220}}' % ANSWER)


def sse_answer():
    head = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench",'
    pieces = [ANSWER[i * 30:(i + 1) * 30] for i in range(23)]
    events = [head + '"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}' % piece for piece in pieces]
    events.append(head + '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')
    events.append(head + '"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":170,"total_tokens":220}}')
    return "".join("data: %s\n\n" % event for event in events) + "data: [DONE]\n\n"


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return 0.0
