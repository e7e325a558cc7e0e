# SPDX-License-Identifier: PostgreSQL
"""The figures of a run as tables for people: Markdown that can be read in a terminal as well."""

from benchkit.bench import OURS, PAF
from benchkit.figures import percentile, quartiles, ratio, targets

NOTHING = "-"
INTERVALS = (15, 5, 3, 2)


def table(header, rows):
    """Numbers stand to the right, the first column to the left."""
    rows = [[str(field) for field in row] for row in rows]
    if not rows:
        return "Not measured in this run.\n"
    widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]

    def line(fields):
        first = fields[0].ljust(widths[0])
        return "| " + " | ".join([first, *(field.rjust(width) for field, width in zip(fields[1:], widths[1:]))]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([line(header), rule, *map(line, rows)]) + "\n"


def milliseconds(value, digits=1):
    return NOTHING if value is None else f"{1000 * value:.{digits}f}"


def seconds(value):
    return NOTHING if value is None else f"{value:.2f}"


def whole(value):
    return NOTHING if value is None else f"{value:.0f}"


def part_of(value):
    """A ratio as people say it: 1/12.3."""
    if value is None:
        return NOTHING
    return f"1/{1 / value:.1f}" if 0 < value < 1 else f"{value:.2f}"


def spread(values, shown):
    found = quartiles(values)
    return NOTHING if found is None else f"{shown(found[0])} to {shown(found[1])}"


def target_table(*runs):
    """What was to be reached, and what each run measured of it. Reached is what every run has reached."""
    def shown(target, value):
        if value is None:
            return NOTHING
        return {"ratio": part_of, "s": lambda number: f"{number:.2f} s", "times": lambda number: f"{number:.2f} times",
                "gaps": lambda number: f"{number:.0f}"}[target.unit](value)

    def verdict(measured):
        met = [target.is_met() for target in measured]
        return NOTHING if None in met else "yes" if all(met) else "NO"

    rows = [[measured[0].what, shown(measured[0], measured[0].limit),
             *(shown(target, target.value) for target in measured), verdict(measured)]
            for measured in zip(*map(targets, runs))]
    return table(["what", "at most", *("measured", "and again")[:len(runs)], "reached"], rows)


def action_table(run):
    rows = []
    for action, row in run.actions("actions").items():
        for contestant in row:
            wall = run.samples("actions", action, contestant, "wall")
            against = run.cost_ratio(action, "wall") if contestant == OURS else None
            against_cpu = run.cost_ratio(action, "cpu") if contestant == OURS else None
            rows.append([action, contestant, milliseconds(run.cost(action, contestant, "wall")),
                         spread(wall, milliseconds), milliseconds(run.cost(action, contestant, "cpu")),
                         part_of(against), part_of(against_cpu), whole(run.count(action, contestant, "processes")),
                         whole(run.count(action, contestant, "system_calls")),
                         mebibytes(run.cost(action, contestant, "peak_kib"))])
    return table(["action", "of", "wall ms", "quartiles", "CPU ms", "wall, ours/PAF", "CPU, ours/PAF",
                  "processes", "system calls", "peak MiB"], rows)


def mebibytes(kib):
    return NOTHING if kib is None else f"{kib / 1024:.1f}"


def growth_table(run, axis, title):
    ours, paf = run.growth(axis, OURS), run.growth(axis, PAF)
    least = {"clients": 2, "nodes": 3}[axis]
    return table([title, "PAF wall ms", "ours wall ms", f"PAF, against {least}", f"ours, against {least}"],
                 [[str(count), milliseconds(paf.get(count)), milliseconds(ours.get(count)),
                   times(ratio(paf.get(count), paf.get(least))), times(ratio(ours.get(count), ours.get(least)))]
                  for count in sorted({*ours, *paf})])


def times(value):
    return NOTHING if value is None else f"{value:.2f}"


def transition_table(run):
    rows = []
    for kind, row in run.kinds().items():
        for agent in (PAF, OURS):
            done = run.repetitions(kind, agent)
            is_standby = "standby" in kind
            outage = run.values(kind, agent, "outage")
            rows.append([row["title"], agent, f"{len(done)}/{len(row[agent])}",
                         NOTHING if is_standby else seconds(run.transition(kind, agent, "outage")),
                         NOTHING if is_standby else spread(outage, seconds),
                         seconds(run.transition(kind, agent, "detection")),
                         seconds(run.transition(kind, agent, "rest")), spread(run.values(kind, agent, "rest"), seconds),
                         part_of(run.transition_ratio(kind, "rest")) if agent == OURS else NOTHING,
                         whole(run.most_gaps(kind, agent)), seconds(run.transition(kind, agent, "agent_seconds"))])
    return table(["transition", "of", "done", "write outage s", "quartiles", "detection s", "rest s", "quartiles",
                  "rest, ours/PAF", "most gaps", "agent at work s"], rows)


def pressure_table(run):
    rows = []
    for action in run.actions("pressure"):
        for contestant in (PAF, OURS):
            wall = run.samples("pressure", action, contestant, "wall")
            if wall:
                rows.append([action, contestant, len(wall), milliseconds(percentile(wall, 0.5), 0),
                             milliseconds(percentile(wall, 0.99), 0), milliseconds(max(wall), 0)])
    return table(["monitor", "of", "runs", "median ms", "99th percentile ms", "greatest ms"], rows)


def interval_table(run):
    """Computed: the CPU of one monitor over the interval; a fault is noticed half an interval later, in the mean."""
    rows = []
    for interval in INTERVALS:
        fields = [f"{interval} s"]
        for contestant in (PAF, OURS):
            for role in ("standby", "primary"):
                cost = run.cpu_per_second(role, contestant, interval)
                fields.append(NOTHING if cost is None else f"{cost:.2f}")
        for contestant in (PAF, OURS):
            wall = run.cost("monitor, primary, nothing changed", contestant, "wall")
            fields.append(NOTHING if wall is None else f"{interval / 2 + wall:.2f}")
        rows.append(fields)
    return table(["interval", "PAF, standby", "PAF, primary", "ours, standby", "ours, primary", "PAF notices after s",
                  "ours notices after s"], rows)


def failure_list(*runs):
    found = []
    for run in runs:
        found += [f"* {part}: {failure}" for part in ("actions", "pressure", "transitions")
                  for failure in run.failures_of(part)]
        found += [f"* growth, {count} {axis}: {result['failed']}" for axis in ("clients", "nodes")
                  for count, result in run.part("growth").get(axis, {}).items() if "failed" in result]
    return "\n".join(found) + "\n" if found else "None.\n"


def machine_text(run):
    machine = run.machine()
    loads = [f"{name} {part['load'][0]:.2f} to {part['load'][1]:.2f}"
             for name, part in run.content["parts"].items() if part.get("load")]
    return (f"{machine['cpus']} CPUs ({machine['model']}), {machine['memory_gib']:.0f} GiB, {machine['system']}, "
            f"Linux {machine['kernel']}; {', '.join(f'{name} {version}' for name, version in machine['packages'].items())}; "
            f"{run.content['began']}. Load average before and after each part: {', '.join(loads) or 'unknown'}.")


def everything(run):
    """What `measure` prints at its end."""
    return "\n".join([
        machine_text(run), "",
        "What is to be reached", target_table(run),
        "One action", action_table(run),
        "Growth with replication clients", growth_table(run, "clients", "clients"),
        "Growth with nodes that carry a score", growth_table(run, "nodes", "nodes"),
        "Transitions", transition_table(run),
        "Monitors under CPU pressure", pressure_table(run),
        "CPU ms per node and second, by monitor interval", interval_table(run),
        "Failed repetitions", failure_list(run)])
