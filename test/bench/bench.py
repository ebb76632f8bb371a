"""The bench: runs its parts, and prints one table. See bench.sh, which prepares it.

    bench.py TOP BINDIR WORK NGINX [PART...]

SCALE in the environment makes all counts smaller, for trying it out: SCALE=0.01.
"""

import json
import os
import platform
import re
import resource
import sys
import time

import parts
import studio as studios

COLUMNS = ("what", "target", "figure", "floor", "ratio", "")


class Bench:
    def __init__(self, top, bindir, work, nginx):
        self.top, self.work, self.nginx = top, work, nginx
        self.folder = os.path.dirname(os.path.abspath(__file__))
        self.scale = float(os.environ.get("SCALE", "1"))
        self.studio = studios.Studio(bindir, work)
        self.answer = studios.ANSWER
        self.floors, self.rows = {}, []

    def count(self, full, least=10):
        return max(least, int(full * self.scale))

    def helper(self, name):
        return os.path.join(self.work, name)

    def conninfo(self):
        return "host=%s port=%d dbname=bench" % (self.studio.work, self.studio.port)

    def probe_port(self):
        return self.probe

    # ---------- the table ----------

    def row(self, what, target, figure, unit, floor=None, met=None):
        """A figure, and what it is of the floor. met says whether the target is reached; None = there is none."""
        mark = "" if target is None else "ok" if met else "MISSED"
        ratio = "%.2f" % (figure / floor) if floor else ""
        self.rows.append((what, target or "", "%s %s" % (short(figure), unit), short(floor) if floor else "", ratio, mark))
        print("  %s: %s %s%s" % (what, short(figure), unit, " (%s)" % mark if mark else ""), file=sys.stderr, flush=True)

    def print_table(self):
        lines = [COLUMNS] + self.rows
        widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
        for n, line in enumerate(lines):
            print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
            if n == 0:
                print("|" + "|".join("-" * (width + 2) for width in widths) + "|")

    # ---------- floors ----------

    def pgbench(self, script, clients):
        """Transactions per second of a script."""
        output = self.studio.call(self.studio.program("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2",
                                  "-T", str(self.count(5, 2)), "-h", self.studio.work, "-p", str(self.studio.port),
                                  "-f", os.path.join(self.folder, script), "bench")
        return float(re.search(r"tps = ([0-9.]+)", output).group(1))

    def curl_floor(self, kind):
        """Requests per second, and microseconds of CPU each."""
        output = self.studio.call(self.helper("curl_floor"), "%s/%s/" % (self.instant, kind), str(self.count(40000, 2000)), "500")
        return tuple(float(field) for field in output.split())

    # ---------- before and after ----------

    def prepare(self):
        studio = self.studio
        studio.start()
        self.instant = studio.start_nginx(self.nginx, self.folder)
        self.model = studio.start_model(self.helper("model"))
        self.probe = studios.free_port()
        studio.add_agent("json", self.instant + "/json")
        studio.add_agent("sse", self.instant + "/sse")
        studio.add_agent("slow", self.model + "/delay/1000")
        studio.add_agent("stream", self.model + "/hold/2000")
        studio.add_agent("closed", self.model + "/hold/60000", max_concurrency=1)
        studio.add_agent("paced", self.model + "/delay/20", max_concurrency=50)
        studio.add_agent("probe", "http://127.0.0.1:%d" % self.probe)
        for kind in ("json", "sse"):
            steps = [{"name": "one", "agent": kind, "task": "Work on number {n}."}]
            for before, name in (("one", "two"), ("two", "three"), ("three", "four")):
                steps.append({"name": name, "agent": kind, "task": "Go on with this: {%s.output}" % before})
            definition = json.dumps({"inputs": {"n": "number"}, "steps": steps})
            studio.sql.run("SELECT agent_studio.as_create_workflow('chain-%s', 'sequential', '%s')" % (kind, definition))

        self.add_huge()

    def add_huge(self):
        """200 steps side by side, and four in a row, on a model that takes 50 calls at once and 20 ms for each."""
        wide = {"steps": [{"name": "part-%d" % i, "agent": "paced", "task": "Part %d." % i} for i in range(200)]}
        row = {"steps": [{"name": "step-%d" % i, "agent": "paced", "task": "Step %d." % i} for i in range(4)]}
        self.studio.sql.run("SELECT agent_studio.as_create_workflow('huge', 'parallel', '%s')" % json.dumps(wide))
        self.studio.sql.run("SELECT agent_studio.as_create_workflow('small', 'sequential', '%s')" % json.dumps(row))

    def describe(self):
        with open("/proc/cpuinfo") as file:
            cpu = re.search(r"model name\s*: (.*)", file.read())
        settings = self.studio.sql.rows(
            "SELECT name, setting || coalesce(unit, '') FROM pg_settings WHERE name IN ('synchronous_commit', 'fsync',"
            " 'full_page_writes', 'shared_buffers', 'max_wal_size', 'wal_sync_method') OR source = 'configuration file' AND name LIKE 'agent_studio.%' ORDER BY name")
        print("%d cores (%s), %s, load %.1f when it began" % (os.cpu_count(), cpu.group(1) if cpu else platform.machine(),
                                                             platform.release(), self.load))
        print(self.studio.sql.run("SELECT version()"))
        print(self.studio.call(self.nginx, "-v").strip() + ", " + self.studio.call("curl-config", "--version").strip())
        print(", ".join("%s = %s" % tuple(row) for row in settings))

    def run(self, names):
        self.load = os.getloadavg()[0]
        began = time.monotonic()
        try:
            self.prepare()
            for name in ["floor"] + names:
                print(name, file=sys.stderr, flush=True)
                (parts.floor if name == "floor" else parts.ALL[name])(self)
            print()
            self.describe()
            print()
            self.print_table()
            print("\n%.0f s in all" % (time.monotonic() - began))
        finally:
            self.studio.stop()


def main():
    names = sys.argv[5:] or list(parts.ALL)
    unknown = [name for name in names if name not in parts.ALL]
    if unknown:
        sys.exit("no such part: %s; there are %s" % (", ".join(unknown), ", ".join(parts.ALL)))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))		# thousands of connections to nginx
    Bench(*sys.argv[1:5]).run(names)


def short(figure):
    """Three digits that tell something."""
    if figure >= 100:
        return "%.0f" % figure
    return "%.3g" % figure


main()
