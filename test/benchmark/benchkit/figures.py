# SPDX-License-Identifier: PostgreSQL
"""From the samples of a run to medians, spreads and ratios. Whatever was not measured is None."""

import statistics

from benchkit.bench import OURS, PAF

STANDBY_MONITOR = "monitor, standby"
PRIMARY_MONITOR = "monitor, primary, nothing changed"
CHANGING_MONITOR = "monitor, primary, one score to change"
# Pacemaker's intervals in the documentation of both agents.
USUAL_INTERVALS = {"standby": 16, "primary": 15}


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def quartiles(values):
    """First and third; of few values the least and the greatest."""
    values = sorted(value for value in values if value is not None)
    if not values:
        return None
    if len(values) < 4:
        return values[0], values[-1]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def ratio(ours, other):
    return ours / other if ours is not None and other else None


class Run:
    """What a file of `measure` holds, whole or not."""

    def __init__(self, content):
        self.content = content

    def part(self, name):
        return self.content.get("parts", {}).get(name, {})

    def machine(self):
        return self.content["machine"]

    # ---- One action

    def actions(self, part):
        """What was measured of each action, by contestant; nothing of one that failed."""
        return {action: {} if "failed" in row else row for action, row in self.part(part).get("rows", {}).items()}

    def samples(self, part, action, contestant, what):
        row = self.actions(part).get(action, {})
        return [sample[what] for sample in row.get(contestant, {}).get("samples", [])]

    def cost(self, action, contestant, what, part="actions"):
        return median(self.samples(part, action, contestant, what))

    def count(self, action, contestant, what):
        return self.actions("actions").get(action, {}).get(contestant, {}).get(what)

    def cost_ratio(self, action, what):
        return ratio(self.cost(action, OURS, what), self.cost(action, PAF, what))

    def failures_of(self, part):
        """Every repetition that failed, in words."""
        for title, row in self.part(part).get("rows", {}).items():
            if "failed" in row:
                yield f"{title}: {row['failed']}"
                continue
            for contestant, found in row.items():
                if isinstance(found, dict) and "failed" in found:
                    yield f"{title}, {contestant}: {found['failed']}"
                for sample in found if isinstance(found, list) else []:
                    if isinstance(sample, dict) and "failed" in sample:
                        yield f"{row['title']}, {contestant}: {sample['failed']}"

    # ---- Growth

    def growth(self, axis, contestant):
        """Median wall seconds by number of clients or nodes."""
        found = {}
        for count, result in self.part("growth").get(axis, {}).items():
            value = median([sample["wall"] for sample in result.get(contestant, {}).get("samples", [])])
            if value is not None:
                found[int(count)] = value
        return dict(sorted(found.items()))

    # ---- Transitions

    def kinds(self):
        return self.part("transitions").get("rows", {})

    def repetitions(self, kind, agent):
        return [sample for sample in self.kinds().get(kind, {}).get(agent, []) if "failed" not in sample]

    def values(self, kind, agent, what):
        return [sample.get(what) for sample in self.repetitions(kind, agent)]

    def transition(self, kind, agent, what):
        return median(self.values(kind, agent, what))

    def transition_ratio(self, kind, what):
        return ratio(self.transition(kind, OURS, what), self.transition(kind, PAF, what))

    def most_gaps(self, kind, agent):
        counts = [len(sample["gaps"]) for sample in self.repetitions(kind, agent)]
        return max(counts, default=None)

    def cpu_per_second(self, role, contestant, interval):
        """Milliseconds of CPU that monitors take of a node in each second."""
        cost = self.cost({"standby": STANDBY_MONITOR, "primary": PRIMARY_MONITOR}[role], contestant, "cpu")
        return None if cost is None else 1000 * cost / interval


class Target:
    """One row of what is to be reached: a value of the run and the most that it may be."""

    def __init__(self, what, value, limit, unit=""):
        self.what = what
        self.value = value
        self.limit = limit
        self.unit = unit

    def is_met(self):
        return None if self.value is None else self.value <= self.limit


def targets(run):
    def against_paf(text, value, parts):
        return Target(text + ", against PAF", value, 1 / parts, "ratio")

    def seconds(text, value, limit):
        return Target(text, value, limit, "s")

    growth = run.growth("clients", OURS)
    gaps = run.most_gaps("primary-killed", OURS)
    return [
        against_paf("monitor, standby: wall", run.cost_ratio(STANDBY_MONITOR, "wall"), 10),
        against_paf("monitor, standby: CPU", run.cost_ratio(STANDBY_MONITOR, "cpu"), 12),
        against_paf("monitor, primary, nothing changed: wall", run.cost_ratio(PRIMARY_MONITOR, "wall"), 6),
        against_paf("monitor, primary, nothing changed: CPU", run.cost_ratio(PRIMARY_MONITOR, "cpu"), 8),
        against_paf("notify with nothing to do: wall", run.cost_ratio("notify, nothing to do", "wall"), 15),
        against_paf("notify pre-promote: wall", run.cost_ratio("notify pre-promote", "wall"), 6),
        Target("monitor, standby: wall, against the floor program",
               ratio(run.cost(STANDBY_MONITOR, OURS, "wall"), run.cost(STANDBY_MONITOR, "floor", "wall")), 1.4, "times"),
        against_paf("switchover, idle: write outage", run.transition_ratio("switchover", "outage"), 3.5),
        seconds("switchover, idle: write outage", run.transition("switchover", OURS, "outage"), 1.3),
        against_paf("switchover, big checkpoint pending: write outage",
                    run.transition_ratio("switchover-loaded", "outage"), 5),
        against_paf("primary kill -9: from detection to writes for good",
                    run.transition_ratio("primary-killed", "rest"), 4),
        seconds("primary kill -9: from detection to writes for good", run.transition("primary-killed", OURS, "rest"),
                1.6),
        Target("primary kill -9: gaps in the writes, the most of all repetitions", gaps, 1, "gaps"),
        against_paf("primary's node powered off: from fencing to the first write",
                    run.transition_ratio("node-off", "rest"), 2.5),
        seconds("primary's node powered off: from fencing to the first write", run.transition("node-off", OURS, "rest"),
                1.3),
        against_paf("monitors' CPU per second, standby's node, usual intervals",
                    ratio(run.cpu_per_second("standby", OURS, 16), run.cpu_per_second("standby", PAF, 16)), 10),
        against_paf("monitors' CPU per second, primary's node, usual intervals",
                    ratio(run.cpu_per_second("primary", OURS, 15), run.cpu_per_second("primary", PAF, 15)), 10),
        against_paf("election that overrules the hint: write outage", run.transition_ratio("election", "outage"), 2.5),
        Target("monitor, primary, from 2 to 16 replication clients: growth of wall",
               ratio(growth.get(16), growth.get(2)), 1.2, "times"),
    ]
