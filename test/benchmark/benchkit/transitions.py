# SPDX-License-Identifier: PostgreSQL
"""Faults and orders given to the whole cluster under writes: how long writes were out, and why."""

import os
import subprocess
import tempfile
import time

from labkit import LabError, postgresql, power, rebuilding, resources, stack
from labkit.cluster import MARKER, VIP
from labkit.network import Switch
from labkit.waiting import wait_until

from benchkit import story
from benchkit.bench import OURS, PAF

# Of both agents alike. Detection is told apart from the rest, so that waiting for it longer brings nothing.
MONITOR_INTERVALS = (3, 4)
# Two acknowledged writes are about 20 ms apart.
SMALLEST_GAP = 0.25
QUIET_BEFORE = 1.0
QUIET_AFTER = 2.0
PGBENCH_SCALE = 35
# Touches every page of pgbench_accounts, which is half empty: new row versions stay on their page.
MAKE_DIRTY = "update pgbench_accounts set abalance = abalance + 1 where aid % 25 = 0"


class Writer:
    """The client that writes through the virtual IP, and what was acknowledged to it."""

    def __init__(self, bench):
        self.bench = bench
        self.log = tempfile.NamedTemporaryFile(prefix="pgsqlms-benchmark-", suffix=".log")
        self.process = None

    def __enter__(self):
        cluster = self.bench.cluster
        pid = cluster.client_pid()
        if pid is None:
            raise LabError("the client's network is not there")
        self.process = subprocess.Popen(
            ["/usr/bin/nsenter", "-t", str(pid), "-n", "--", "/usr/bin/setpriv", "--pdeathsig", "TERM",
             self.bench.programs["client"], "write", "--conninfo", f"host={VIP} user=postgres dbname=postgres",
             "--log", self.log.name],
            env={**os.environ, MARKER: cluster.folder}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            began = time.time()
            wait_until(lambda: self.acknowledged(began + QUIET_BEFORE), 20, "the writer writes")
        except LabError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def acknowledged(self, since):
        """The times of the commits since then."""
        times = []
        with open(self.log.name, encoding="utf-8") as file:
            for line in file:
                fields = line.split()
                if line.endswith("\n") and fields[2] == "ok" and float(fields[0]) >= since:
                    times.append(float(fields[0]))
        return times

    def wait_until_quiet(self):
        """Until writes have gone on without a gap for a while."""
        def is_quiet():
            times = self.acknowledged(time.time() - QUIET_AFTER - SMALLEST_GAP)
            return len(times) > 2 and times[-1] - times[0] >= QUIET_AFTER and not gaps_in(times)

        wait_until(is_quiet, 60, "writes for good", pause=0.2)

    def outage(self, since):
        """The gaps since then; none is no outage."""
        found = gaps_in(self.acknowledged(since - QUIET_BEFORE))
        return {"gaps": [{"from": begin - since, "seconds": end - begin} for begin, end in found],
                "outage": max((end - begin for begin, end in found), default=0),
                "out_from": found[0][0] if found else None, "back_for_good": found[-1][1] if found else None}


def gaps_in(times):
    return [(one, other) for one, other in zip(times, times[1:]) if other - one > SMALLEST_GAP]


# ---- What is done to the cluster. Each returns when it happened; the cluster may go on without the node that it names.

def switch_over(bench, primary, standbys):
    primary.run(["crm_resource", "--move", "--promoted", "--resource", resources.CLONE, "--node", standbys[0].name])


def kill_postmaster(node):
    pid = node.run(["head", "-1", f"{postgresql.PGDATA}/postmaster.pid"]).strip()
    node.run(["kill", "-KILL", pid])


def kill_primary(bench, primary, standbys):
    kill_postmaster(primary)


def kill_standby(bench, primary, standbys):
    kill_postmaster(standbys[0])


def power_off_primary(bench, primary, standbys):
    power.ask(bench.cluster, f"off {primary.name}")


def power_off_with_wrong_hint(bench, primary, standbys):
    """The standby with the higher score misses the last writes; the next monitor would have told."""
    Switch(bench.cluster).cut(primary.name, standbys[0].name, only_postgres=True)
    time.sleep(0.3)  # that is what it misses
    power.ask(bench.cluster, f"off {primary.name}")
    Switch(bench.cluster).heal()


class Kind:
    """One row of the table."""

    def __init__(self, name, fault, detected, lost=False, expects_overruling=False, loaded=False, standby=False,
                 intervals=MONITOR_INTERVALS):
        self.name = name
        self.fault = fault
        self.detected = detected  # in the logs: what tells that the cluster has noticed
        self.lost = lost
        self.expects_overruling = expects_overruling
        self.loaded = loaded
        self.standby = standby
        self.intervals = intervals


KINDS = {
    "switchover": Kind("switchover", switch_over, None),
    "primary-killed": Kind("primary kill -9", kill_primary, story.failed_monitor),
    "standby-killed": Kind("standby kill -9", kill_standby, story.failed_monitor, standby=True),
    "node-off": Kind("primary's node powered off", power_off_primary, story.fenced, lost=True),
    "election": Kind("election that overrules the hint", power_off_with_wrong_hint, story.fenced, lost=True,
                     expects_overruling=True, intervals=(15, 16)),
    "switchover-loaded": Kind("switchover, big checkpoint pending", switch_over, None, loaded=True),
    "primary-killed-loaded": Kind("primary kill -9, big checkpoint pending", kill_primary, story.failed_monitor,
                                  loaded=True),
}
DEFAULT_KINDS = ("switchover", "primary-killed", "standby-killed", "node-off", "election", "switchover-loaded")


class Load:
    """pgbench on the primary, and pages that the next checkpoint has to write. Ends with the primary."""

    def __init__(self, bench):
        self.bench = bench
        self.process = None

    def prepare(self):
        primary, _ = self.bench.nodes_by_role()
        if postgresql.rows(primary, "select 1 from pg_class where relname = 'pgbench_accounts'"):
            return
        postgresql.as_postgres(primary, [f"{postgresql.BINDIR}/pgbench", "-q", "-i", "-s", str(PGBENCH_SCALE), "-F",
                                         "50", "-h", postgresql.SOCKETS, "postgres"], timeout=300)

    def start(self, primary):
        # Both agents begin alike: nothing but these pages is dirty.
        for query in ("checkpoint", MAKE_DIRTY):
            postgresql.as_postgres(primary, postgresql.psql(query, postgresql.SOCKETS), timeout=120)
        primary.spawn(f"runuser -u postgres -- {postgresql.BINDIR}/pgbench -n -c 4 -T 60 -R 200 -h "
                      f"{postgresql.SOCKETS} postgres")
        wait_until(lambda: len(postgresql.rows(primary, "select 1 from pg_stat_activity where application_name = "
                                                        "'pgbench'") or []) >= 4, 20, "pgbench works", pause=0.2)

    @staticmethod
    def end(node):
        node.try_to_run(["pkill", "-TERM", "-x", "pgbench"])


def repeat(bench, kind, agent):
    """One repetition from a stable cluster to a stable cluster with all nodes."""
    bench.use_agent(agent)
    bench.wait_until_stable(standbys=2)
    primary, standbys = bench.nodes_by_role()
    load = Load(bench)
    if kind.loaded:
        load.start(primary)
    with Writer(bench) as writer:
        began = time.time()
        kind.fault(bench, primary, standbys)
        done = time.time()
        bench.wait_until_stable(primary=standbys[0].name if kind.fault is switch_over else None,
                                standbys=1 if kind.lost else 2)
        writer.wait_until_quiet()
        result = writer.outage(began)
    if kind.loaded:
        load.end(primary)
    result["load"] = os.getloadavg()[0]
    new_primary, _ = bench.nodes_by_role()
    result["primary"] = {"before": primary.name, "after": new_primary.name}
    events = story.events_between(bench.cluster, began, time.time())
    add_detection(bench, kind, result, began, standbys)
    result["story"] = [{**event, "begin": event["begin"] - began, "end": event["end"] - began} for event in events]
    result["agent_seconds"] = story.busy_seconds(events, result["out_from"], result["back_for_good"])
    for moment in ("out_from", "back_for_good"):
        if result[moment] is not None:
            result[moment] -= began
    result["fault_took"] = done - began
    put_back(bench, kind, primary)
    if kind.expects_overruling and new_primary.name != standbys[1].name:
        raise LabError(f"{new_primary.name} was promoted: the hint was right, nothing had to be overruled")
    return result


def put_back(bench, kind, primary):
    """Nothing is left of the repetition: no lost node, no constraint, no failure that Pacemaker counts."""
    if kind.lost:
        bring_back(bench, primary)
    if kind.fault is switch_over:
        bench.clear_constraints()
    bench.any_node().run(["crm_resource", "--cleanup"])


def add_detection(bench, kind, result, began, standbys):
    """Seconds from the fault to its discovery, and from there to the end."""
    if kind.detected is None:
        result["rest"] = result["outage"]
        return
    noticed = kind.detected(bench.cluster, began)
    if noticed is None:
        raise LabError("the logs do not tell when the fault was noticed")
    result["detection"] = noticed - began
    end = story.last_streaming(standbys[0], began) if kind.standby else result["back_for_good"]
    if end is None:
        raise LabError("it never came back" if kind.standby else "no gap in the writes was found")
    result["rest"] = end - noticed
    if kind.standby:
        result["streams_for_good"] = end - began


def bring_back(bench, node):
    """As a fresh standby: what it wrote last may be on no other node."""
    power.ask(bench.cluster, f"on {node.name} bare")
    postgresql.clone(node, rebuilding.current_primary(bench.cluster))
    stack.start(node)
    bench.wait_until_stable(standbys=2)


def measure(bench, names, agents, repetitions, tell, keep):
    """`keep` is called with all results so far after each repetition."""
    results = {}
    for name in names:
        kind = KINDS[name]
        bench.set_intervals(*kind.intervals)
        if kind.loaded:
            tell("filling the tables of pgbench")
            Load(bench).prepare()
        row = results[name] = {"title": kind.name, "intervals": kind.intervals, PAF: [], OURS: []}
        for number in range(repetitions):
            for agent in agents if number % 2 == 0 else agents[::-1]:
                began = time.monotonic()
                try:
                    row[agent].append(repeat(bench, kind, agent))
                    shown = f"{row[agent][-1]['rest']:.2f} s"
                except Exception as problem:  # pylint: disable=broad-except
                    # Whatever it was: it must not cost the repetitions that are still to come.
                    row[agent].append({"failed": str(problem) or type(problem).__name__})
                    shown = f"failed: {problem}"
                    if bench.recover():
                        bench.set_intervals(*kind.intervals)
                        if kind.loaded:
                            Load(bench).prepare()
                tell(f"{kind.name} {number + 1}/{repetitions}, {agent}: {shown} "
                     f"(all of it {time.monotonic() - began:.0f} s)")
                keep({"repetitions": repetitions, "rows": results})
    return {"repetitions": repetitions, "rows": results}
