# SPDX-License-Identifier: PostgreSQL
"""Monitors while all cores are busy with something else."""

import contextlib
import os
import subprocess

from benchkit.actions import RUNNING_PROMOTED, Action, monitor_of
from benchkit.bench import OURS

BUSY = ["/bin/sh", "-c", "while :; do :; done"]
BUSY_PER_CORE = 4


@contextlib.contextmanager
def busy_cores():
    """Processes that compute all the time, four for every core, ended whatever happens."""
    processes = [subprocess.Popen(["/usr/bin/setpriv", "--pdeathsig", "KILL", *BUSY])
                 for _ in range(BUSY_PER_CORE * os.cpu_count())]
    try:
        yield len(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(bench, repetitions, tell):
    bench.use_agent(OURS)
    bench.wait_until_stable()
    primary, (standby, _) = bench.nodes_by_role()
    actions = [Action("monitor, standby", standby, "monitor", monitor_of(standby, "Unpromoted")),
               Action("monitor, primary, nothing changed", primary, "monitor", monitor_of(primary, "Promoted"),
                      RUNNING_PROMOTED)]
    bench.set_property("maintenance-mode", "true")
    try:
        rows = {}
        with busy_cores() as busy:
            for action in actions:
                tell(action.name)
                rows[action.name] = action.measure(repetitions)
        return {"repetitions": repetitions, "busy_processes": busy, "rows": rows}
    finally:
        bench.set_property("maintenance-mode", "false")
