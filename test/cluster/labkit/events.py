# SPDX-License-Identifier: PostgreSQL
"""What the resource agents did on all nodes, in time order, from the nodes' pacemaker.log.

The executor logs every action but recurring monitors with its own times; the controller logs results, of a monitor
when it is the first or differs from the one before, and the reason of failures.
"""

import datetime
import re

from labkit import LabError

LOGS = {
    "pacemaker": "/var/log/pacemaker/pacemaker.log",
    "postgres": "/var/log/postgresql/postgresql.log",
    "syslog": "/var/log/syslog",
}
TIME = r"(?P<time>\w{3} [ \d]\d [\d:]{8}\.\d{3}) .*"
EXECUTED = re.compile(
    TIME + r"\(log_finished\).*?: (?P<resource>\S+) (?P<action>\S+) \(call (?P<call>\d+), PID \d+\) (?P<end>.*?)"
    r" \(execution time (?P<duration>[^,)]+)")
RESULT = re.compile(
    TIME + r"\(log_executor_event\).*Result of (?P<action>\S+) operation for (?P<resource>\S+) on (?P<node>\S+): "
    r"(?P<result>.*) \| .*call=(?P<call>\d+).*?(?: rc=(?P<rc>\d+))?$")


def events(cluster):
    """One dictionary per action, in order of their ends; a log that is not there has none."""
    found = []
    by_call = {}
    # The results of a remote node are in the logs of those that have its connection.
    for node in sorted(cluster.nodes, key=lambda node: not node.is_remote):
        try:
            with open(node.file(LOGS["pacemaker"]), encoding="utf-8", errors="replace") as file:
                found += events_of(node.name, file, by_call)
        except FileNotFoundError:
            pass
    return sorted(found, key=lambda event: event["time"])


def events_of(node, lines, by_call):
    """Adds to `by_call` the actions of each node and call."""
    found = []
    for line in lines:
        if executed := EXECUTED.match(line):
            event = {"time": parsed_time(executed["time"]), "node": node, "resource": executed["resource"],
                     "action": executed["action"], "rc": code_in(executed["end"]),
                     "seconds": seconds(executed["duration"]), "reason": ""}
            by_call.setdefault((node, executed["call"]), []).append(event)
            found.append(event)
        elif result := RESULT.match(line):
            event = event_of(result, by_call)
            if not event or (event["resource"], event["action"]) != (result["resource"], result["action"]):
                if result["action"] != "monitor" or result["rc"] is None:
                    continue
                event = {"time": parsed_time(result["time"]), "node": result["node"], "resource": result["resource"],
                         "action": "monitor", "seconds": None}
                found.append(event)
            if result["rc"] is not None:
                event["rc"] = int(result["rc"])
            event["reason"] = reason_in(result["result"])
    return found


def event_of(result, by_call):
    """Call numbers begin anew when Pacemaker was restarted: the last action of that number is meant."""
    latest = parsed_time(result["time"]) + datetime.timedelta(seconds=1)
    actions = [event for event in by_call.get((result["node"], result["call"]), []) if event["time"] <= latest]
    return actions[-1] if actions else None


def parsed_time(text):
    """The log has no year: the last one that does not lie in the future."""
    now = datetime.datetime.now()
    time = datetime.datetime.strptime(f"{now.year} {text}", "%Y %b %d %H:%M:%S.%f")
    return time if time <= now + datetime.timedelta(days=1) else time.replace(year=now.year - 1)


def code_in(end):
    """What follows "exited with status"; none when the action was killed or timed out."""
    status = re.search(r"exited with status (\d+)", end)
    return int(status[1]) if status else None


def reason_in(result):
    """The result of a success is one word; that of a failure ends with the reason in parentheses."""
    reason = re.match(r"(?:promoted \(failed\)|[^(]*) \((.*)\)$", result)
    if reason:
        return reason[1]
    return "" if result in ("ok", "promoted", "not running") else result


def seconds(duration):
    """The executor writes "618ms", "1.234s", "2m", "1m5s" or "618ms after being queued 1ms"."""
    lengths = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    parts = re.findall(r"([\d.]+)(ms|h|m|s)", duration.split(" ")[0])
    return sum(float(number) * lengths[unit] for number, unit in parts)


def print_events(cluster, since):
    earliest = datetime.datetime.min if since is None else time_of(since)
    for event in events(cluster):
        if event["time"] < earliest:
            continue
        rc = "-" if event["rc"] is None else event["rc"]
        took = "      -" if event["seconds"] is None else f"{event['seconds']:5.2f} s"
        print(f"{event['time'].isoformat(timespec='milliseconds')}  {event['node']:<8}  {event['resource']:<12}  "
              f"{event['action']:<8}  rc={rc:<3}  {took}  {event['reason']}".rstrip())


def time_of(text):
    try:
        return datetime.datetime.fromtimestamp(float(text))
    except ValueError:
        pass
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise LabError(f'"{text}" is neither an ISO time nor seconds since 1970') from None
    return time.astimezone().replace(tzinfo=None) if time.tzinfo else time
