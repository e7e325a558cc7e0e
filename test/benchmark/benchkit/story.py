# SPDX-License-Identifier: PostgreSQL
"""What the logs of the nodes tell about a transition: actions with begin and end, when a fault was noticed."""

import datetime
import re

from labkit import events
from labkit.resources import RESOURCE

INITIATING = re.compile(events.TIME + r"Initiating notify operation " + RESOURCE + r"(?::\d+)?_(?P<kind>pre|post)_notify_"
                        r"(?P<operation>[a-z]+)_0 (?:locally )?on (?P<node>\S+)")
FENCED = re.compile(events.TIME + r"(?:notice|info): Operation 'off' targeting (?P<node>\S+) by .*: OK")
STREAMING = re.compile(r"(?P<time>\d{4}-\d\d-\d\d [\d:]{8}\.\d{3}) (?P<zone>\S+) .*started streaming WAL from primary")


def unix(time):
    return time.timestamp()


def events_between(cluster, begin, end):
    """The actions of all agents that ended in this time, times as seconds since 1970, notifications with their kind."""
    found = []
    for event in events.events(cluster):
        ended = unix(event["time"])
        if begin <= ended <= end and event["seconds"] is not None:
            found.append({"node": event["node"], "resource": event["resource"], "action": event["action"],
                          "begin": ended - event["seconds"], "end": ended, "rc": event["rc"]})
    name_notifications(found, initiated(cluster, begin))
    return found


def initiated(cluster, since):
    """The notifications that the controller ordered, by node, in time order."""
    orders = {}
    for line in pacemaker_lines(cluster):
        match = INITIATING.match(line)
        if match and unix(events.parsed_time(match["time"])) >= since:
            orders.setdefault(match["node"], []).append(
                (unix(events.parsed_time(match["time"])), f"{match['kind']}-{match['operation']}"))
    return {node: sorted(found) for node, found in orders.items()}


def name_notifications(found, orders):
    """The executor logs "notify" only; the controller's order that came last before its begin says which."""
    for event in found:
        if event["resource"] != RESOURCE or event["action"] != "notify":
            continue
        before = [name for time, name in orders.get(event["node"], []) if time <= event["begin"] + 0.02]
        event["action"] = before[-1] if before else "notify"


def pacemaker_lines(cluster):
    for node in cluster.nodes:
        try:
            with open(node.file(events.LOGS["pacemaker"]), encoding="utf-8", errors="replace") as file:
                yield from file
        except FileNotFoundError:
            continue


def failed_monitor(cluster, since):
    """When the first monitor told that its instance is not what it should be."""
    times = [unix(event["time"]) for event in events.events(cluster)
             if event["resource"] == RESOURCE and event["action"] == "monitor" and event["rc"] not in (0, 8, None)
             and unix(event["time"]) >= since]
    return min(times, default=None)


def fenced(cluster, since):
    """When the cluster knew that the lost node is off."""
    times = [unix(events.parsed_time(match["time"])) for line in pacemaker_lines(cluster)
             if (match := FENCED.match(line))]
    return min((time for time in times if time >= since), default=None)


def last_streaming(node, since):
    """When the standby began to stream for the last time."""
    last = None
    with open(node.file(events.LOGS["postgres"]), encoding="utf-8", errors="replace") as file:
        for line in file:
            if match := STREAMING.match(line):
                last = datetime.datetime.fromisoformat(match["time"])
    if last is None:
        return None
    # The lab's servers log in the zone of the machine.
    return last.timestamp() if last.timestamp() >= since else None


def busy_seconds(found, begin, end):
    """How long within this time at least one agent of PostgreSQL's resource worked somewhere."""
    if begin is None or end is None:
        return None
    spans = sorted((max(event["begin"], begin), min(event["end"], end)) for event in found
                   if event["resource"] == RESOURCE and event["end"] > begin and event["begin"] < end)
    total, reached = 0.0, begin
    for first, last in spans:
        total += max(0.0, last - max(first, reached))
        reached = max(reached, last)
    return total
