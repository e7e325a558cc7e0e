# SPDX-License-Identifier: PostgreSQL
"""The power switch: one process per cluster that gives its nodes life and takes it.

Usage: power_switch.py LAB-FOLDER STATE-FOLDER, in a fresh network namespace, which becomes the network switch's.
It answers one line per connection on its unix socket: "VERB NODE [bare]" with on, off, status. Fence agents
say "fence" before: only they meet the failures that `lab fencing` asks for. The answer is "ok ..." or "error ...".
"""

import os
import select
import socket
import subprocess
import sys
import threading

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])

from labkit import stack
from labkit.cluster import Cluster
from labkit.network import Switch
from labkit.waiting import wait_until

PYTHON = ["/usr/bin/python3", "-ISB"]
MODES = ("ok", "fail", "hang")


class PowerSwitch:
    def __init__(self, lab_folder, cluster, network):
        self._lab_folder = lab_folder
        self._cluster = cluster
        self._network = network
        self._locks = {node.name: threading.Lock() for node in cluster.nodes}
        self._init_parents = {}

    def answer(self, request):
        words = request.split()
        fencing = words[:1] == ["fence"]
        verb, name, *options = words[1:] if fencing else words
        node = self._cluster.node(name)
        if verb == "status":
            return "off" if node.pid() is None else "on"
        if fencing:
            self._fail_as_asked()
        with self._locks[name]:
            if verb == "off":
                self._power_off(node)
            elif verb == "on":
                self._power_on(node)
                if "bare" not in options:
                    stack.start(node)
            else:
                raise ValueError(f'unknown verb "{verb}"')
        return verb

    def _fail_as_asked(self):
        mode = fencing_mode(self._cluster)
        if mode == "hang":
            threading.Event().wait()
        if mode == "fail":
            raise RuntimeError("the relay does not move")

    def _power_on(self, node):
        if node.pid() is not None:
            return
        node.freezer().create()
        process = subprocess.Popen(
            ["/usr/bin/unshare", "-m", "-u", "-i", "-n", "-p", "--fork", "--propagation", "unchanged", "--",
             *PYTHON, os.path.join(self._lab_folder, "labkit", "node_boot.py"),
             self._lab_folder, self._cluster.folder, node.name],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
            env=self._cluster.environment())
        self._init_parents[node.name] = process
        with process.stdout as output:
            if output.readline() != b"ready\n":
                raise RuntimeError(f"{node.name} does not boot, see power-switch.log")
        # It becomes its init right now: for a moment such a process has no environment to be known by.
        pid = wait_until(node.pid, 5, f"{node.name} has an init", pause=0.01)
        self._network.plug_in(node.port, pid, node.address)

    def _power_off(self, node):
        pid = node.pid()
        if pid is not None:
            self._network.silence(node.port)
            end = os.pidfd_open(pid)
            os.kill(pid, 9)
            node.freezer().thaw()
            wait_for_end(end, node.name)
            os.unlink(node.path_in_run("pid"))
            self._network.unplug(node.port)
        if parent := self._init_parents.pop(node.name, None):
            parent.wait(10)
        node.freezer().remove()


def wait_for_end(pidfd, name):
    readable, _, _ = select.select([pidfd], [], [], 10)
    os.close(pidfd)
    if not readable:
        raise RuntimeError(f"{name} does not end")


def fencing_mode(cluster):
    try:
        with open(cluster.path("run", "fencing"), encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return "ok"


def times_fenced(cluster, node):
    """How often a fence agent has taken the node's life; Pacemaker forgets it when no fencer is left that knew."""
    with open(cluster.path("run", "power-switch.log"), encoding="utf-8", errors="replace") as log:
        return sum(line == f"fence off {node.name}: ok off\n" for line in log)


def set_fencing_mode(cluster, mode):
    with open(cluster.path("run", "fencing"), "w", encoding="ascii") as file:
        file.write(mode)


def serve_one(connection, switch):
    with connection:
        try:
            request = connection.makefile("r", encoding="utf-8").readline().strip()
            print(request, flush=True)
            answer = f"ok {switch.answer(request)}"
        except Exception as problem:  # whatever it is, the caller shall read it
            answer = f"error {problem}"
        print(f"{request}: {answer}", flush=True)
        try:
            connection.sendall((answer + "\n").encode())
        except OSError:
            pass  # the one who asked is gone, perhaps with its node


def main(lab_folder, state_folder):
    cluster = Cluster.open(state_folder)
    with open(cluster.path("run", "switch.pid"), "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    network = Switch(cluster)
    network.set_up()
    client = subprocess.Popen(["/usr/bin/unshare", "-n", "/bin/sleep", "infinity"], stdin=subprocess.DEVNULL)
    network.plug_in_client(client.pid)
    with open(cluster.path("run", "client.pid"), "w", encoding="ascii") as file:
        file.write(str(client.pid))
    switch = PowerSwitch(lab_folder, cluster, network)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # A path of at most 107 bytes: bound by its folder, so that the checkout and the state folder may lie deep.
    os.chdir(cluster.path("run"))
    listener.bind("power-switch.sock")
    listener.listen(16)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=(connection, switch), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
