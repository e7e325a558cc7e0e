# SPDX-License-Identifier: PostgreSQL
"""The cluster that everything is measured on, and the agents that are compared on it."""

import os

from labkit import LabError, agents, life, postgresql, resources, status
from labkit.cluster import Cluster
from labkit.network import Switch
from labkit.node import File
from labkit.waiting import in_parallel

OURS, PAF, HISTORICAL = "ours", "PAF", "pgsql"
PAF_AGENT = "/usr/lib/ocf/resource.d/heartbeat/pgsqlms"
HISTORICAL_AGENT = "/usr/lib/ocf/resource.d/heartbeat/pgsql"
# Where all of them lie in the nodes, to be run by hand; what Pacemaker runs is exchanged by the lab.
FOLDER = "/usr/lib/ocf/resource.d/benchmark"

# Room for the clients of the part "growth", and the pending checkpoint of the part "transitions": it is not written
# before somebody asks for it, and full pages would make of every repetition a measurement of the disk.
SERVER_OPTIONS = {
    "max_wal_senders": "40", "max_connections": "100", "shared_buffers": "1GB", "checkpoint_timeout": "1h",
    "max_wal_size": "20GB", "full_page_writes": "off",
}
START_OPTIONS = postgresql.START_OPTIONS + "".join(f" -c {name}={value}" for name, value in SERVER_OPTIONS.items())
NODES = ("srv1", "srv2", "srv3")


class Bench:
    """A cluster of the lab, up as long as the measurement takes."""

    def __init__(self, name, programs):
        self.name = name
        self.programs = programs
        self.intervals = (15, 16)
        self.cluster = None

    def __enter__(self):
        try:
            self.up_again()
        except BaseException:
            life.down(self.name)
            raise
        return self

    def __exit__(self, *exception):
        life.down(self.name)

    def up(self):
        """Also over what is left of a broken one."""
        life.up({"name": self.name, "nodes": list(NODES), "agent": self.program_of(OURS),
                 "parameters": {"start_opts": START_OPTIONS}, "interval_promoted": self.intervals[0],
                 "interval_unpromoted": self.intervals[1]}, with_resources=True)
        self.cluster = Cluster.load(self.name)
        # Above this load Pacemaker gives the nodes one action at a time: not what is measured here.
        self.set_property("load-threshold", "10000%")
        in_parallel(self.install_programs, self.cluster.nodes)

    def program_of(self, agent):
        return {OURS: self.programs["agent"], PAF: PAF_AGENT, HISTORICAL: HISTORICAL_AGENT}[agent]

    def install_programs(self, node):
        files = {agent: self.program_of(agent) for agent in (OURS, PAF, HISTORICAL)}
        files |= {name: self.programs[name] for name in ("floor", "timer")}
        files = {name: path for name, path in files.items() if os.path.exists(path)}
        node.run(["mkdir", "-p", FOLDER])
        node.install([File(f"{FOLDER}/{name}", contents_of(path), 0o755) for name, path in files.items()])

    # Questions

    def nodes_by_role(self):
        """The primary, and the standbys, that with the higher score first."""
        facts = status.gather(self.cluster)
        primary = [name for name, node in facts["nodes"].items() if node["role"] == "promoted"]
        standbys = [name for name, node in facts["nodes"].items() if node["role"] == "unpromoted"]
        if len(primary) != 1:
            raise LabError(f"{len(primary)} nodes are promoted, not one")
        standbys.sort(key=lambda name: -(facts["nodes"][name]["score"] or 0))
        return self.cluster.node(primary[0]), [self.cluster.node(name) for name in standbys]

    def wait_until_stable(self, timeout=90, primary=None, standbys=None):
        status.wait_until_stable(self.cluster, timeout, primary, standbys)

    def any_node(self):
        running = self.cluster.running_nodes()
        if not running:
            raise LabError("all nodes are off")
        return running[0]

    # Orders

    def use_agent(self, agent):
        """What Pacemaker runs from now on, on all nodes."""
        in_parallel(lambda node: agents.install(node, self.program_of(agent)), self.cluster.nodes)

    def set_property(self, name, value):
        self.any_node().run(["crm_attribute", "--type=crm_config", f"--name={name}", f"--update={value}"])

    def set_intervals(self, promoted, unpromoted):
        """Of the recurring monitors, in seconds."""
        self.intervals = (promoted, unpromoted)
        for role, interval in (("promoted", promoted), ("unpromoted", unpromoted)):
            self.any_node().run(["cibadmin", "--modify", "--xml-text",
                                 f'<op id="{resources.RESOURCE}-monitor-{role}" interval="{interval}s"/>'])

    def clear_constraints(self):
        self.any_node().run(["crm_resource", "--clear", "--resource", resources.CLONE])

    def recover(self):
        """A stable cluster after whatever went wrong; a new one where the old one does not heal."""
        try:
            Switch(self.cluster).heal()
            if len(self.cluster.running_nodes()) < len(NODES):
                raise LabError("a node is off")
            self.clear_constraints()
            self.any_node().run(["crm_resource", "--cleanup"])
            self.wait_until_stable(45)
            return False
        except LabError:
            self.up_again()
            return True

    def up_again(self, attempts=3):
        for left in reversed(range(attempts)):
            try:
                return self.up()
            except LabError:
                if left == 0:
                    raise


def contents_of(path):
    with open(path, "rb") as file:
        return file.read()
