# SPDX-License-Identifier: PostgreSQL
"""The figures of a run as pictures (SVG), drawn by Matplotlib. What was not measured is not drawn."""

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

from benchkit.bench import HISTORICAL, OURS, PAF  # noqa: E402
from benchkit.figures import quartiles  # noqa: E402
from labkit.resources import RESOURCE  # noqa: E402

# The same run makes the same file.
matplotlib.rcParams.update({"svg.hashsalt": "pgsqlms", "svg.fonttype": "none", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False})
COLOURS = {PAF: "#c0504d", OURS: "#2e75b6", HISTORICAL: "#b0a070", "floor": "#7f7f7f", "/bin/true": "#bfbfbf"}
# What the timeline tells apart; whatever else the agents do is a notification.
ACTION_COLOURS = {"monitor": "#8064a2", "start": "#4f9d4f", "stop": "#7f7f7f", "demote": "#e08a3c", "promote": "#2e75b6"}
NOTIFICATION_COLOUR = "#c9d7e8"
OTHER_COLOUR = "#444444"


def save(figure, path):
    figure.savefig(path, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    pyplot.close(figure)


def draw_actions(run, path):
    """Bars of the wall time of one action, on a logarithmic axis."""
    rows = run.actions("actions")
    bars = [(action, contestant, 1000 * run.cost(action, contestant, "wall")) for action, row in rows.items()
            for contestant in row if run.cost(action, contestant, "wall") is not None]
    if not bars:
        return False
    figure, axes = pyplot.subplots(figsize=(8, 0.26 * len(bars) + 0.4 * len(rows)))
    place, ticks, names = 0.0, [], []
    for action in rows:
        of_action = [bar for bar in bars if bar[0] == action]
        if not of_action:
            continue
        ticks.append(place + (len(of_action) - 1) / 2)
        names.append(action)
        for _, contestant, value in of_action:
            axes.barh(place, value, color=COLOURS[contestant], height=0.85)
            axes.text(value * 1.05, place, f"{value:.1f}  {contestant}", va="center", fontsize=8)
            place += 1
        place += 0.6
    axes.set_yticks(ticks, names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("wall time of one action, milliseconds, median (logarithmic)")
    save(figure, path)
    return True


def draw_transitions(run, path):
    """Bars of how long each transition took after it was noticed, with quartiles."""
    kinds = [kind for kind in run.kinds() if run.transition(kind, PAF, "rest") is not None
             or run.transition(kind, OURS, "rest") is not None]
    if not kinds:
        return False
    figure, axes = pyplot.subplots(figsize=(8, 0.75 * len(kinds) + 0.8))
    for number, kind in enumerate(kinds):
        for shift, agent in ((-0.2, PAF), (0.2, OURS)):
            value = run.transition(kind, agent, "rest")
            if value is None:
                continue
            least, greatest = quartiles(run.values(kind, agent, "rest"))
            axes.barh(number + shift, value, height=0.38, color=COLOURS[agent], label=agent if number == 0 else None)
            axes.errorbar(value, number + shift, xerr=[[value - least], [greatest - value]], color="black", capsize=2,
                          linewidth=0.8)
            axes.text(greatest, number + shift, f"  {value:.2f} s", va="center", fontsize=8)
    axes.set_yticks(range(len(kinds)), [run.kinds()[kind]["title"] for kind in kinds])
    axes.invert_yaxis()
    axes.set_xlabel("seconds from detection (of a switchover: from the first refused write) to writes for good; median "
                    "and quartiles")
    axes.legend(frameon=False, loc="lower right")
    save(figure, path)
    return True


def typical(run, kind, agent):
    """The repetition that is nearest to the median."""
    done = run.repetitions(kind, agent)
    middle = run.transition(kind, agent, "rest")
    return min(done, key=lambda sample: abs(sample["rest"] - middle)) if done else None


def draw_story(run, kind, path):
    """One transition with each agent, action by action and node by node."""
    samples = [(agent, typical(run, kind, agent)) for agent in (PAF, OURS)]
    samples = [(agent, sample) for agent, sample in samples if sample]
    if not samples:
        return False
    figure, all_axes = pyplot.subplots(len(samples), 1, figsize=(9, 2.3 * len(samples)), squeeze=False, sharex=True)
    for (agent, sample), axes in zip(samples, all_axes[:, 0]):
        zero = sample.get("detection", sample["out_from"])
        nodes = sorted({event["node"] for event in sample["story"]})
        for event in sample["story"]:
            colour = OTHER_COLOUR
            if event["resource"] == RESOURCE:
                colour = ACTION_COLOURS.get(event["action"], NOTIFICATION_COLOUR)
            row = nodes.index(event["node"]) + (0.28 if event["resource"] != RESOURCE else -0.08)
            height = 0.24 if event["resource"] != RESOURCE else 0.44
            axes.barh(row, max(event["end"] - event["begin"], 0.004), left=event["begin"] - zero, height=height,
                      color=colour, edgecolor="white", linewidth=0.3)
        for gap in sample["gaps"]:
            axes.axvspan(gap["from"] - zero, gap["from"] + gap["seconds"] - zero, color="#f6d5d5", zorder=0)
        axes.set_yticks(range(len(nodes)), nodes)
        axes.invert_yaxis()
        axes.set_title(f"{agent}: {sample['rest']:.2f} s, an agent at work in {sample['agent_seconds'] or 0:.2f} s of "
                       "the outage", fontsize=9, loc="left")
        axes.set_xlim(left=-0.5 if "detection" in sample else None)
    all_axes[-1, 0].set_xlabel("seconds since detection (of a switchover: since the last write before); shaded: no "
                               "write was acknowledged")
    colours = {**ACTION_COLOURS, "notify": NOTIFICATION_COLOUR, "virtual IP, fencing devices": OTHER_COLOUR}
    figure.legend([pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in colours.values()], list(colours),
                  loc="upper center", bbox_to_anchor=(0.5, -0.04), ncol=len(colours), frameon=False, fontsize=8)
    save(figure, path)
    return True
