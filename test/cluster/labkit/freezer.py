# SPDX-License-Identifier: PostgreSQL
"""Stops a node's whole time: by a cgroup freezer (version 1 or 2), else by SIGSTOP to all its processes."""

import os
import signal

from labkit.waiting import wait_until


def freezer_of(node):
    """The best freezer this machine has for the node; nothing is created yet."""
    v1, v2 = _mounted_hierarchies()
    if v1 or v2:
        return CgroupFreezer(os.path.join(v1 or v2, cgroup_of(node.cluster.name), node.name))
    return SignalFreezer(node)


def cgroup_of(cluster_name):
    return f"{cluster_name}-cluster"


def left_over(cluster_name):
    """Freezers of all nodes that a cluster of this name ever had, whether known to its state folder or not."""
    folders = [os.path.join(point, cgroup_of(cluster_name)) for point in _mounted_hierarchies() if point]
    return [CgroupFreezer(entry.path) for folder in folders if os.path.isdir(folder)
            for entry in os.scandir(folder) if entry.is_dir()]


def _mounted_hierarchies():
    """Mount points of the version 1 freezer and of version 2, each None when absent or not writable."""
    v1 = v2 = None
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, point, kind, options = line.split()[:4]
            if not os.access(point, os.W_OK):
                continue
            if kind == "cgroup" and "freezer" in options.split(","):
                v1 = v1 or point
            elif kind == "cgroup2":
                v2 = v2 or point
    return v1, v2


class CgroupFreezer:
    """A cgroup per node, below one per cluster."""

    def __init__(self, folder):
        self.folder = folder

    def create(self):
        os.makedirs(self.folder, exist_ok=True)

    def remove(self):
        """Waits until the last process is gone; the cluster's cgroup goes with the last node's."""
        wait_until(lambda: _is_removed(self.folder), 10, f'cgroup "{self.folder}" is empty', pause=0.01)
        try:
            os.rmdir(os.path.dirname(self.folder))
        except OSError:
            pass  # other nodes live

    def admit_this_process(self):
        """What this process starts from now on is frozen with the node."""
        with open(os.path.join(self.folder, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")

    def admitting(self, command):
        """`command` so that it admits itself first."""
        procs = os.path.join(self.folder, "cgroup.procs")
        return ["/bin/sh", "-c", 'echo 0 >"$0" && exec "$@"', procs, *command]

    def freeze(self):
        self._order(frozen=True)
        wait_until(self.is_frozen, 10, f'cgroup "{self.folder}" is frozen', pause=0.01)

    def thaw(self):
        self._order(frozen=False)

    def _order(self, frozen):
        state, number = ("FROZEN", "1") if frozen else ("THAWED", "0")
        for control, value in (("freezer.state", state), ("cgroup.freeze", number)):
            path = os.path.join(self.folder, control)
            if os.path.exists(path):
                with open(path, "w", encoding="ascii") as file:
                    file.write(value)

    def is_frozen(self):
        # Version 2: cgroup.freeze is what was asked for, cgroup.events what has been reached.
        for control, sign in (("freezer.state", "FROZEN"), ("cgroup.events", "frozen 1")):
            try:
                with open(os.path.join(self.folder, control), encoding="ascii") as file:
                    return sign in file.read()
            except FileNotFoundError:
                pass
        return False


def _is_removed(folder):
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


class SignalFreezer:
    """Without cgroups; a process that a test had stopped itself runs on after the thaw."""

    def __init__(self, node):
        self._node = node
        self._flag = node.path_in_run("frozen")

    def create(self):
        pass

    def remove(self):
        if os.path.exists(self._flag):
            os.unlink(self._flag)

    def admit_this_process(self):
        pass

    def admitting(self, command):
        return command

    def freeze(self):
        with open(self._flag, "w", encoding="ascii"):
            pass
        stopped = set()
        # A process not yet stopped may have forked: go round until nobody new is found.
        while new := set(self._node.processes()) - stopped:
            self._send(signal.SIGSTOP, new)
            stopped |= new

    def thaw(self):
        self._send(signal.SIGCONT, self._node.processes())
        self.remove()

    @staticmethod
    def _send(number, pids):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def is_frozen(self):
        return os.path.exists(self._flag)
