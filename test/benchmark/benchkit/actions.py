# SPDX-License-Identifier: PostgreSQL
"""One action, run by hand in a node as Pacemaker would run it: what it costs."""

import json

from labkit import LabError
from labkit.postgresql import BINDIR, PARAMETERS, SOCKETS
from labkit.resources import RESOURCE

from benchkit.bench import FOLDER, HISTORICAL, OURS, PAF, START_OPTIONS

# Runs in the node, so that entering it is not measured: the commands in turn, as often as asked. Each line of what it
# prints is what benchmark_timer printed.
IN_TURN = """
import json, subprocess, sys
order = json.load(sys.stdin)
for repetition in range(order["repetitions"]):
    runs = order["runs"] if repetition % 2 == 0 else order["runs"][::-1]
    for run in runs:
        for before in order["before"]:
            subprocess.run(before, check=True, stdout=subprocess.DEVNULL)
        if order["settled"]:
            subprocess.run(run["command"], env=run["environment"], check=False, stdout=subprocess.DEVNULL)
        out = subprocess.run([order["timer"], *run["command"]], env=run["environment"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        print(run["name"], out.strip())
"""
# What strace prints about every call of every process of one action.
COUNT = """
import json, os, subprocess, sys, tempfile
run = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as folder:
    trace = os.path.join(folder, "trace")
    subprocess.run(["strace", "-f", "-qq", "-s", "100", "-o", trace, *run["command"]], env=run["environment"],
                   check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(trace, errors="replace") as file:
        sys.stdout.write(file.read())
"""

RUNNING_PROMOTED = 8


def environment(node, parameters=None, **meta):
    """What Pacemaker 2.1.5 gives to an action; `meta` is OCF_RESKEY_CRM_meta_*."""
    meta = {"clone": "0", "clone_max": "3", "clone_node_max": "1", "globally_unique": "false", "notify": "true",
            "master_max": "1", "master_node_max": "1", "promoted_max": "1", "promoted_node_max": "1",
            "on_node": node.name, "on_node_uuid": str(node.number), "timeout": "60000", **meta}
    parameters = parameters or {"bindir": BINDIR, **PARAMETERS, "start_opts": START_OPTIONS}
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HA_LOGFACILITY": "daemon", "HA_debug": "0",
        "HA_LOGFILE": "/var/log/pacemaker/pacemaker.log", "OCF_ROOT": "/usr/lib/ocf", "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1", "OCF_EXIT_REASON_PREFIX": "ocf-exit-reason:", "OCF_RESOURCE_INSTANCE": RESOURCE,
        "OCF_RESOURCE_PROVIDER": "heartbeat", "OCF_RESOURCE_TYPE": "pgsqlms", "OCF_RESKEY_crm_feature_set": "3.16.1",
        **{f"OCF_RESKEY_{name}": value for name, value in parameters.items()},
        **{f"OCF_RESKEY_CRM_meta_{name}": value for name, value in meta.items()},
    }


def monitor_of(node, role):
    return environment(node, name="monitor", role=role, interval="15000")


def notification(node, kind, operation, candidate, voters, lost):
    """Of a failover: the primary's node is lost, `candidate` is to be promoted."""
    names = " ".join(voter.name for voter in voters)
    lists = {"active": f"{names} {lost.name}", "master": lost.name, "promoted": lost.name, "slave": names,
             "unpromoted": names, "demote": lost.name, "stop": lost.name, "start": " ", "promote": candidate.name,
             "all": f"{names} {lost.name}", "available": names}
    meta = {f"notify_{name}_uname": value for name, value in lists.items()}
    for name in ("active", "master", "promoted", "slave", "unpromoted", "demote", "stop", "start", "promote"):
        count = len(lists[name].split())
        meta[f"notify_{name}_resource"] = " ".join(f"{RESOURCE}:{number}" for number in range(count)) or " "
    meta["notify_inactive_resource"] = " "
    return environment(node, notify_type=kind, notify_operation=operation, **meta)


def historical(node):
    """The pgsql agent as it can be compared: it only looks whether the server answers."""
    parameters = {"pgctl": f"{BINDIR}/pg_ctl", "psql": f"{BINDIR}/psql", "pgdata": PARAMETERS["pgdata"],
                  "pgport": PARAMETERS["pgport"], "pghost": SOCKETS, "socketdir": SOCKETS, "pgdba": "postgres",
                  "config": "/etc/postgresql/15/main/postgresql.conf"}
    made = environment(node, parameters, name="monitor", interval="15000")
    return {**made, "OCF_RESOURCE_TYPE": "pgsql", "OCF_FUNCTIONS_DIR": "/usr/lib/ocf/lib/heartbeat"}


class Action:
    """One row of the table: who does what, where, and what has to be done before each time."""

    def __init__(self, name, node, word, variables, code=0, before=(), others=(), processes=None, connections=1,
                 settled=False):
        self.name = name
        self.settled = settled  # finds what an unmeasured run of the same contestant has left
        self.processes = processes  # that ours is allowed to start
        self.connections = connections  # that ours is allowed to open
        self.node = node
        self.code = code
        self.before = [list(command) for command in before]
        self.runs = [{"name": agent, "command": [f"{FOLDER}/{agent}", word], "environment": variables}
                     for agent in (PAF, OURS)]
        self.runs += others

    def measure(self, repetitions):
        order = {"timer": f"{FOLDER}/timer", "repetitions": repetitions + 1, "before": self.before, "runs": self.runs,
                 "settled": self.settled}
        lines = self.node.run(["/usr/bin/python3", "-IS", "-c", IN_TURN], stdin=json.dumps(order).encode(),
                              timeout=60 + 10 * repetitions * len(self.runs)).splitlines()
        result = {run["name"]: {"samples": []} for run in self.runs}
        for line in lines[len(self.runs):]:  # the first round warms up
            name, code, wall, user, system, peak = line.split()
            result[name]["samples"].append({"wall": float(wall), "cpu": float(user) + float(system),
                                            "peak_kib": int(peak), "code": int(code)})
        for name in (PAF, OURS):
            wrong = [sample["code"] for sample in result[name]["samples"] if sample["code"] != self.code]
            if wrong:
                result[name]["failed"] = f"{len(wrong)} times exit code {wrong[0]}, not {self.code}"
        return result

    def count(self):
        """Processes and system calls of one run by each; strace would disturb the other figures."""
        return {run["name"]: self.count_run(run) for run in self.runs}

    def count_ours(self):
        return next(self.count_run(run) for run in self.runs if run["name"] == OURS)

    def count_run(self, run):
        for command in self.before:
            self.node.run(command)
        trace = self.node.run(["/usr/bin/python3", "-IS", "-c", COUNT], stdin=json.dumps(run).encode(), timeout=120)
        return counts_in(trace)


def counts_in(trace):
    lines = [line.split(None, 1)[1] for line in trace.splitlines() if " " in line]
    calls = [line for line in lines if not line.startswith(("<...", "+++", "---"))]
    started = [line for line in lines if line.split("(")[0].strip("<. ").split(" ")[0] in
               ("clone", "clone3", "fork", "vfork") and not line.endswith("<unfinished ...>")]
    forks = [line for line in started if line.rsplit("= ", 1)[-1].split()[0].isdigit()]
    executed = [line for line in calls if line.startswith("execve(") and
                (line.endswith(" = 0") or line.endswith("<unfinished ...>"))]
    connected = [line for line in calls if line.startswith("connect(") and ".s.PGSQL." in line]
    return {"system_calls": len(calls), "processes": len(forks), "programs": max(len(executed) - 1, 0),
            "connections": len(connected)}


def catalogue(bench):
    """All actions that are measured, on the cluster as it is."""
    primary, (standby, other) = bench.nodes_by_role()
    floor = {"name": "floor", "command": [f"{FOLDER}/floor", f"host={SOCKETS} user=postgres dbname=postgres"],
             "environment": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
    nothing = {"name": "/bin/true", "command": ["/bin/true"], "environment": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}

    def old(node, word):
        return {"name": HISTORICAL, "command": [f"{FOLDER}/{HISTORICAL}", word], "environment": historical(node)}

    def set_score(score):
        return ["crm_attribute", f"--name=master-{RESOURCE}", "--lifetime=forever", f"--node={other.name}",
                f"--update={score}", "--quiet"]

    def vote(node, position):
        return ["attrd_updater", "--private", "--lifetime", "reboot", "--name", f"lsn_location-{RESOURCE}", "-N",
                node.name, "--update", position]

    pre_promote = notification(standby, "pre", "promote", standby, [standby, other], primary)
    return [
        Action("monitor, standby", standby, "monitor", monitor_of(standby, "Unpromoted"), processes=0,
               others=[old(standby, "monitor"), floor, nothing]),
        Action("monitor, primary, nothing changed", primary, "monitor", monitor_of(primary, "Promoted"),
               RUNNING_PROMOTED, others=[old(primary, "monitor")], processes=1),
        Action("monitor, primary, one score to change", primary, "monitor", monitor_of(primary, "Promoted"),
               RUNNING_PROMOTED, before=[set_score(500)], processes=2),
        Action("notify, nothing to do", standby, "notify",
               notification(standby, "post", "start", standby, [standby, other], primary), processes=0),
        Action("notify pre-promote", standby, "notify", pre_promote, before=[vote(other, "1#1")], processes=3,
               connections=2),  # an SQL session tells the role, one of replication the position
        Action("notify post-promote", standby, "notify",
               notification(standby, "post", "promote", standby, [standby, other], primary),
               before=[vote(standby, "1#1")], processes=2),
        Action("validate-all", standby, "validate-all", environment(standby), others=[old(standby, "validate-all")],
               processes=1),
        Action("meta-data", standby, "meta-data", environment(standby), others=[old(standby, "meta-data")],
               processes=0),
    ]


def measure(bench, repetitions, tell, keep):
    """All rows; `keep` is called with those so far. Pacemaker keeps its hands off meanwhile."""
    bench.use_agent(OURS)
    bench.wait_until_stable()
    rows = {}
    actions = catalogue(bench)
    bench.set_property("maintenance-mode", "true")
    try:
        for action in actions:
            tell(action.name)
            try:
                rows[action.name] = action.measure(repetitions)
                for name, counts in action.count().items():
                    rows[action.name][name].update(counts)
            except LabError as problem:
                rows[action.name] = {"failed": str(problem)}
            keep({"repetitions": repetitions, "rows": rows})
    finally:
        bench.set_property("maintenance-mode", "false")
    return {"repetitions": repetitions, "rows": rows}


# About two thirds more than was counted on Debian 12: 382 of a monitor with its connection, 550 of each tool.
CALLS_OF_AGENT = 600
CALLS_OF_PROCESS = 1000


def check(bench, tell):
    """What ours takes too much of: processes, connections and system calls, which are the same on a busy machine."""
    bench.set_property("maintenance-mode", "true")
    problems = []
    for action in catalogue(bench):
        counts = action.count_ours()
        tell(f"{action.name}: {counts['processes']} processes, {counts['connections']} connections, "
             f"{counts['system_calls']} system calls")
        most = {"processes": action.processes, "connections": action.connections,
                "system_calls": CALLS_OF_AGENT + CALLS_OF_PROCESS * action.processes}
        problems += [f"{action.name}: {counts[what]} {what}, not at most {limit}" for what, limit in most.items()
                     if counts[what] > limit]
    return problems
