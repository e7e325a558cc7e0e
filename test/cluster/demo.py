# SPDX-License-Identifier: PostgreSQL
"""The demonstration: a switchover and a failover of a real cluster under writes, told as they happen.

Run by the script `demo` beside it, which installs what it needs. It builds the agent in build/, brings three nodes up on this
machine, and takes everything down again. Exit code 0: all went as told; 1: it did not.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.realpath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(CHECKOUT, "build")
KEPT = os.path.join(BUILD, "demo")
LAB = [os.path.join(HERE, "lab"), "--name", "demo"]
CLIENT = os.path.join(BUILD, "test", "cluster", "cluster_client")

RESOURCE, CLONE = "pgsqld", "pgsql-ha"
VOTE = re.compile(r"(?P<node>\S+) (?P<lsn>[0-9A-F]+/[0-9A-F]+) on timeline (?P<timeline>\d+)")


class Problem(Exception):
    """What keeps the demonstration from going on; the text is for people."""


def say(text=""):
    print(text, flush=True)


# Programs

def run(command, timeout=120):
    """The output of a program that must succeed."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise Problem(f"no end within {timeout} s: {' '.join(command)}") from None
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or "without a word").splitlines()
        raise Problem(f"{' '.join(command)} ended with {done.returncode}: {lines[-1]}")
    return done.stdout.strip()


def run_long(what, name, command, timeout):
    """A step of which only the time is shown; its output is kept."""
    log = os.path.join(KEPT, name + ".log")
    began = time.monotonic()
    print(f"{what} ... ", end="", flush=True)
    with open(log, "ab") as output, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                                     cwd=CHECKOUT) as program:
        try:
            while program.poll() is None:
                elapsed = time.monotonic() - began
                if elapsed > timeout:
                    raise Problem(f"{what}: no end within {timeout} s, see {log}")
                if sys.stdout.isatty():
                    print(f"\r{what} ... {elapsed:.0f} s", end="", flush=True)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.wait(0.5)
        except BaseException:
            program.terminate()
            raise
    again = f"\r{what} ... " if sys.stdout.isatty() else ""
    say(f"{again}{time.monotonic() - began:.0f} s")
    if program.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = file.read().strip().splitlines() or ["without a word"]
        raise Problem(f"{what}: failed with {program.returncode}: {lines[-1]}\nall of it is in {log}")


def lab(*words, timeout=120):
    return run([*LAB, *words], timeout)


def status():
    return json.loads(lab("status", "--json"))


def sql(where, query):
    return lab("sql", where, query)


# Before the story

def prepare():
    shutil.rmtree(KEPT, ignore_errors=True)
    os.makedirs(KEPT)
    run_long("configuring the build", "build",
             ["cmake", "-S", CHECKOUT, "-B", BUILD, "-G", "Ninja"], 300)
    run_long("building the agent's package", "build",
             ["cmake", "--build", BUILD, "--parallel", "--target", "deb", "cluster_client"], 1800)
    run_long("bringing up srv1 srv2 srv3", "lab", [*LAB, "up"], 300)


# The client and what it knows

class Writer:
    """Inserts through the virtual IP all the time and keeps account of what was acknowledged; a second program watches all
    nodes for who says to be the primary."""

    def __init__(self, facts):
        self.write_log = os.path.join(KEPT, "write.log")
        self.watch_log = os.path.join(KEPT, "watch.log")
        nodes = [word for name, node in facts["nodes"].items() for word in ("--node", f"{name}={node['address']}")]
        conninfo = f"host={facts['vip']['address']} user=postgres dbname=postgres"
        self.programs = [self._start("write", "--conninfo", conninfo, "--log", self.write_log),
                         self._start("watch", *nodes, "--log", self.watch_log)]
        wait_until(lambda: len(self.acknowledged()) > 25, 20, "the first commits are acknowledged")

    @staticmethod
    def _start(*words):
        with open(os.path.join(KEPT, "client.log"), "ab") as output:
            return subprocess.Popen([*LAB, "exec", "client", "--", CLIENT, *words], stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=output, start_new_session=True)

    def end(self):
        """Both write their last line before they end."""
        for program in self.programs:
            program.terminate()
        for program in self.programs:
            program.wait(10)

    def acknowledged(self, since=0.0):
        """(time, id) of every acknowledged commit."""
        found = []
        with contextlib.suppress(FileNotFoundError), open(self.write_log, encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if len(words) > 2 and words[2] == "ok" and float(words[0]) >= since:
                    found.append((float(words[0]), int(words[1])))
        return found

    def account(self, since):
        """The longest time without an acknowledged commit since then, and the sentence about it."""
        commits = self.acknowledged(since)
        times = [since, *(when for when, _ in commits)]
        outage = max(after - before for before, after in zip(times, times[1:]))
        return f"writes were out for {outage:.1f} s; {len(commits)} commits acknowledged, {self.lost(commits)} lost"

    @staticmethod
    def lost(commits):
        """How many of these commits the primary does not have."""
        ids = {commit for _, commit in commits}
        rows = sql("vip", f"select id from writer where id between {min(ids)} and {max(ids)}")
        missing = len(ids - {int(row) for row in rows.splitlines()})
        if missing:
            raise Problem(f"{missing} of {len(ids)} acknowledged commits are lost")
        return missing

    def judge(self):
        return json.loads(run([CLIENT, "judge", "--write-log", self.write_log, "--watch-log", self.watch_log]))


def wait_until(is_true, timeout, what):
    end = time.monotonic() + timeout
    while not is_true():
        if time.monotonic() >= end:
            raise Problem(f"not within {timeout} s: {what}")
        time.sleep(0.1)


def wait_stable(primary, standbys):
    lab("wait", "--timeout", "90", "--primary", primary, "--standbys", str(standbys), timeout=120)


# What the agent said

class AgentLog:
    """What the agents of all nodes write to syslog from now on; Problem where the expected words are missing."""

    def __init__(self, nodes):
        self.paths = {name: lab("log", name, "syslog").splitlines()[0] for name in nodes}
        self.ends = {name: os.path.getsize(path) for name, path in self.paths.items()}

    def lines(self, node):
        with open(self.paths[node], encoding="utf-8", errors="replace") as file:
            file.seek(self.ends[node])
            return [line for line in file if "pgsqlms(" in line]

    def last_line(self, node, words):
        lines = [line for line in self.lines(node) if words in line]
        if not lines:
            raise Problem(f'the agent on {node} has not said "{words}"')
        return lines[-1]

    def votes(self, node):
        """{node: (timeline, position)} as the promoted node has counted them last."""
        counted = self.last_line(node, "votes: ")
        return {vote["node"]: (int(vote["timeline"]), vote["lsn"]) for vote in VOTE.finditer(counted)}

    def shutdown(self, node):
        """Where the demoted primary's last record begins."""
        return self.last_line(node, "shut down cleanly at ").split(" cleanly at ")[1].strip()


def as_number(position):
    timeline, lsn = position
    high, low = lsn.split("/")
    return timeline, int(high, 16) << 32 | int(low, 16)


def tell_votes(votes, successor, scores):
    for node, (timeline, lsn) in sorted(votes.items()):
        score = f", score {scores[node]}" if scores.get(node) is not None else ""
        say(f"  {node} voted with {lsn} on timeline {timeline}{score}")
    others = {node: as_number(vote) for node, vote in votes.items() if node != successor}
    own = as_number(votes[successor])
    ahead = [node for node, vote in others.items() if vote > own]
    if ahead:
        raise Problem(f"{successor} was promoted although {' and '.join(ahead)} had more WAL")
    behind = sorted(node for node, vote in others.items() if vote < own)
    return f"more WAL than {' and '.join(behind)}" if behind else "nobody has more WAL"


def tell_nodes(facts):
    for name, node in facts["nodes"].items():
        postgres, replication = node["postgres"], node["replication"]
        if node["power"] == "off" or not postgres:
            say(f"  {name}  {'no power' if node['power'] == 'off' else 'stopped'}")
            continue
        more = "virtual IP " + facts["vip"]["address"] if facts["vip"]["node"] == name else \
            f"streams from {replication['from']}" if replication else ""
        score = "-" if node["score"] is None else node["score"]
        say(f"  {name}  {postgres['role']:<8}  timeline {postgres['timeline']}  score {score:>4}  {more}")


# The story

def tell_cluster():
    facts = status()
    say(f"\nThe cluster: PostgreSQL {sql('vip', 'show server_version').split()[0]} under Pacemaker "
        f"{lab('exec', facts['dc'], '--', 'pacemakerd', '--version').split()[1]}, three nodes, each of them can fence the others")
    tell_nodes(facts)
    # What is acknowledged survives the loss of any node; whether it does depends on the election.
    names = ", ".join(facts["nodes"])
    for node in facts["nodes"]:
        sql(node, f"alter system set synchronous_standby_names = 'ANY 1 ({names})'")
        sql(node, "select pg_reload_conf()")
    wait_until(lambda: sql("vip", "select count(*) from pg_stat_replication where sync_state = 'quorum'") == "2", 10,
               "both standbys count for the acknowledgement of a commit")
    say("A client inserts a row every 20 ms through the virtual IP. A commit is acknowledged when one standby has it.")


def switchover(writer):
    facts = status()
    primary = facts["vip"]["node"]
    scores = {name: node["score"] for name, node in facts["nodes"].items()}
    successor = min((name for name in scores if name != primary), key=lambda name: -scores[name])
    log = AgentLog(facts["nodes"])
    began = time.time()
    say(f"\nSwitchover: the administrator wants the primary on {successor}")
    say(f"  # crm_resource --move --resource {CLONE} --promoted --node {successor}")
    lab("exec", primary, "--", "crm_resource", "--move", "--resource", CLONE, "--promoted", "--node", successor)
    wait_stable(successor, 2)
    say(f"  {primary} was shut down cleanly, its last record, the shutdown checkpoint, begins at {log.shutdown(primary)}")
    reason = tell_votes(log.votes(successor), successor, {})
    say(f"  {successor} is promoted: it is the one that was asked for, and has that record; {reason}")
    say(f"  # crm_resource --clear --resource {CLONE}")
    lab("exec", primary, "--", "crm_resource", "--clear", "--resource", CLONE)
    wait_stable(successor, 2)
    tell_nodes(status())
    say("  " + writer.account(began))


def failover(writer):
    facts = status()
    dead = facts["vip"]["node"]
    scores = {name: node["score"] for name, node in facts["nodes"].items() if name != dead}
    log = AgentLog(facts["nodes"])
    began = time.time()
    say(f"\nFailover: {dead}, where the primary is, loses its power")
    lab("power", "off", dead)
    wait_until(lambda: fenced(crm_mon(), dead), 60, f"{dead} is fenced")
    say(f"  after {time.time() - began:.1f} s: {dead} is silent, the others have made sure that it is off: it is fenced")
    wait_until(lambda: promoted(crm_mon()) not in (None, dead), 60, f"a standby takes over from {dead}")
    successor = promoted(crm_mon())
    reason = tell_votes(log.votes(successor), successor, scores)
    say(f"  {successor} is promoted: {reason}" + (", and it has the highest score" if reason.startswith("nobody") else ""))
    wait_until(lambda: writer.acknowledged(began + 1), 60, "a commit is acknowledged again")
    say(f"  after {writer.acknowledged(began + 1)[0][0] - began:.1f} s: the first commit on {successor} is acknowledged")
    wait_stable(successor, 1)
    tell_nodes(status())
    say("  " + writer.account(began))
    return dead, successor


def crm_mon():
    return xml.fromstring(lab("xml"))


def fenced(view, node):
    return view.find(f".//fence_event[@target='{node}'][@status='success']") is not None


def promoted(view):
    """The node that is promoted, by the name of the role in any version of Pacemaker."""
    for role in ("Promoted", "Master"):
        place = view.find(f".//clone[@id='{CLONE}']/resource[@role='{role}']/node")
        if place is not None:
            return place.get("name")
    return None


def return_of_the_dead(writer, dead, primary):
    began = time.time()
    say(f"\nReturn: {dead} gets its power back, and a fresh copy of {primary}")
    lab("power", "on", dead, "--no-cluster")
    lab("rebuild", dead, timeout=300)
    lab("cluster", "start", dead)
    wait_stable(primary, 2)
    tell_nodes(status())
    say("  " + writer.account(began))


def sum_up(writer):
    writer.end()
    commits = writer.acknowledged()
    lost = writer.lost(commits)
    judgement = writer.judge()
    if judgement["overlapping_primaries"]:
        raise Problem(f"two nodes were primary at the same time: {judgement['overlapping_primaries']}")
    say(f"\nIn all: {len(commits)} commits acknowledged, {lost} lost, and never two primaries at the same time")


def tell():
    tell_cluster()
    writer = Writer(status())
    try:
        switchover(writer)
        dead, successor = failover(writer)
        return_of_the_dead(writer, dead, successor)
        sum_up(writer)
    finally:
        writer.end()


# Afterwards

def keep_logs():
    """What a person needs to find out what went wrong; nothing of it may hide the problem itself."""
    def keep(name, *words):
        with contextlib.suppress(Exception), open(os.path.join(KEPT, name), "w", encoding="utf-8") as file:
            file.write(subprocess.run([*LAB, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                                      stdin=subprocess.DEVNULL, check=False).stdout)

    keep("status.txt", "status")
    keep("events.txt", "events")
    for node in ("srv1", "srv2", "srv3"):
        for kind in ("pacemaker", "syslog", "postgres"):
            with contextlib.suppress(Exception):
                for path in lab("log", node, kind, timeout=20).splitlines():
                    shutil.copy(path, os.path.join(KEPT, f"{node}.{kind}.log"))


def take_down():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    done = subprocess.run([*LAB, "down"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, start_new_session=True, check=False)
    if done.returncode != 0:
        raise Problem(f"the cluster could not be taken down: {done.stdout.strip()}")
    say("the cluster is taken down")


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupted)
    began = time.monotonic()
    code = 1
    try:
        prepare()
        ready = time.monotonic()
        tell()
        say(f"the story took {time.monotonic() - ready:.0f} s, all of it {time.monotonic() - began:.0f} s")
        code = 0
    except KeyboardInterrupt:
        say("\ninterrupted")
    except Exception as problem:  # whatever it is, a person shall read it and the cluster shall be taken down
        kind = "" if isinstance(problem, Problem) else type(problem).__name__ + ": "
        say(f"\nPROBLEM: {kind}{problem}")
        if os.path.isdir(KEPT):
            keep_logs()
            say(f"all logs are in {KEPT}")
    finally:
        try:
            take_down()
        except Exception as problem:  # as above
            say(f"PROBLEM: {problem}")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
