# SPDX-License-Identifier: PostgreSQL
"""The network switch: one bridge in a namespace of its own, a cable per node and one for the client.

Faults are entries in two sets of pairs of ports: they take effect at once and in one piece, no interface moves.
"""

import os
import subprocess

from labkit import LabError
from labkit.cluster import CLIENT_ADDRESS, PREFIX_LENGTH
from labkit.waiting import wait_until

CLIENT_PORT = "client"
RULES = """
table bridge faults {
    set cut { type ifname . ifname; }
    set cut_postgres { type ifname . ifname; }
    chain forward {
        type filter hook forward priority 0; policy accept;
        iifname . oifname @cut drop
        iifname . oifname @cut_postgres ether type ip tcp dport 5432 drop
        iifname . oifname @cut_postgres ether type ip tcp sport 5432 drop
    }
}
"""


class Switch:
    """Works from anywhere: every command enters the switch's namespace."""

    def __init__(self, cluster):
        self._cluster = cluster

    def set_up(self):
        """To be called once, by the process that holds the namespace."""
        self._run(["ip", "link", "set", "lo", "up"])
        self._run(["ip", "link", "add", "switch", "up", "type", "bridge", "stp_state", "0", "mcast_snooping", "0"])
        self._run(["nft", "-f", "-"], stdin=RULES)

    def plug_in(self, port, pid, address):
        """A new cable from the port to eth0 in the namespace of that process."""
        self.unplug(port)
        self._run(["ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(pid)])
        self._run(["ip", "link", "set", port, "master", "switch", "up"])
        inside = ["nsenter", "-t", str(pid), "-n", "ip"]
        self._run([*inside, "address", "add", f"{address}/{PREFIX_LENGTH}", "brd", "+", "dev", "eth0"])
        self._run([*inside, "link", "set", "eth0", "up"])

    def plug_in_client(self, pid):
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{pid}/ns/net") != own, 5, "the client's namespace", pause=0.01)
        self.plug_in(CLIENT_PORT, pid, CLIENT_ADDRESS)

    def silence(self, port):
        """From now on not a single packet leaves the node or reaches it, as in a loss of power."""
        self._run(["ip", "link", "set", port, "down"], may_fail=True)

    def unplug(self, port):
        self._run(["ip", "link", "delete", port], may_fail=True)

    def port_of(self, name):
        return CLIENT_PORT if name == "client" else self._cluster.node(name).port

    def cut(self, one, other, only_postgres=False, one_way=False):
        self._drop_between([self.port_of(one)], [self.port_of(other)], "cut_postgres" if only_postgres else "cut", one_way)

    def partition(self, names):
        one_side = [self._cluster.node(name).port for name in names]
        others = [node.port for node in self._cluster.nodes if node.port not in one_side] + [CLIENT_PORT]
        self._drop_between(one_side, others, "cut")

    def _drop_between(self, one_side, other_side, which, one_way=False):
        pairs = [f"{one} . {other}" for one in one_side for other in other_side]
        if not one_way:
            pairs += [f"{other} . {one}" for one in one_side for other in other_side]
        self._run(["nft", "add", "element", "bridge", "faults", which, "{ " + ", ".join(pairs) + " }"])

    def heal(self):
        self._run(["nft", "-f", "-"], stdin="flush set bridge faults cut; flush set bridge faults cut_postgres\n")

    def _run(self, command, stdin=None, may_fail=False):
        pid = self._cluster.switch_pid()
        if pid is None:
            raise LabError("the network switch is not there")
        entering = ["/usr/bin/nsenter", "-t", str(pid), "-n", "--", *command]
        result = subprocess.run(entering, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                timeout=20, env=self._cluster.environment(), check=False)
        if result.returncode != 0 and not may_fail:
            raise LabError(f"{' '.join(command)}: {' '.join(result.stdout.split()) or result.returncode}")
