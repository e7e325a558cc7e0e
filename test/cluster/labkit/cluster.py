# SPDX-License-Identifier: PostgreSQL
"""What a lab cluster is: its name, its state folder, its nodes and their addresses.

Facts only. The folder holds everything a cluster needs and is removed with it:
    cluster.json        these facts
    layers/             one tmpfs: the upper layers of the nodes' /usr, /etc, /var (survive a power-off)
    disks/NODE          what a node has below /var/lib/postgresql (real disk, real fsync)
    run/                pid files, consoles, the power switch's socket, log and mode
"""

import json
import os

from labkit import LabError
from labkit.node import Node

DEFAULT_NODES = ("srv1", "srv2", "srv3")
# TEST-NET-1 of RFC 5737: it can never be routed anywhere.
NETWORK = "192.0.2.0/24"
PREFIX_LENGTH = 24
VIP = "192.0.2.10"
CLIENT_ADDRESS = "192.0.2.100"

# Every process of a cluster that lives outside its nodes carries this variable with the state folder as
# value: so whatever a killed tool left behind can be found and ended.
MARKER = "PGSQLMS_LAB_STATE"

# Hidden or overlaid inside a node: a socket or a bind mount from there would be another file for the node.
UNUSABLE_FOLDERS = ("/usr", "/etc", "/var", "/tmp", "/run", "/dev", "/proc", "/sys")


def state_folder(name):
    folder = os.path.realpath(os.environ.get("PGSQLMS_LAB_DIR") or f"/srv/{name}-cluster")
    for unusable in UNUSABLE_FOLDERS:
        if folder == unusable or folder.startswith(unusable + "/"):
            raise LabError(f'the state folder "{folder}" must not lie below {unusable}: nodes have their own')
    if folder == "/":
        raise LabError('the state folder must not be "/"')
    return folder


class Cluster:
    """A cluster by name; `settings` is what `lab up` was asked for and outlives that command."""

    def __init__(self, folder, settings):
        self.folder = folder
        self.settings = settings
        self.name = settings["name"]
        remotes = settings.get("remotes", [])
        self.nodes = [Node(self, number, node, node in remotes)
                      for number, node in enumerate(settings["nodes"] + remotes, start=1)]
        self.members = [node for node in self.nodes if not node.is_remote]

    @classmethod
    def load(cls, name):
        """The cluster that `lab up` made; LabError when there is none."""
        try:
            return cls.open(state_folder(name))
        except FileNotFoundError:
            raise LabError(f'no cluster "{name}" is up (state folder {state_folder(name)})') from None

    @classmethod
    def open(cls, folder):
        with open(os.path.join(folder, "cluster.json"), encoding="utf-8") as file:
            return cls(folder, json.load(file))

    def save(self):
        with open(self.path("cluster.json"), "w", encoding="utf-8") as file:
            json.dump(self.settings, file, indent=1)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def node(self, name):
        for node in self.nodes:
            if node.name == name:
                return node
        raise LabError(f'"{name}" is none of the nodes {" ".join(node.name for node in self.nodes)}')

    def running_nodes(self):
        return [node for node in self.nodes if node.pid() is not None]

    def environment(self):
        """Of every process that the lab starts; nothing of the caller's leaks into a node."""
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "TERM": os.environ.get("TERM", "dumb"),
            MARKER: self.folder,
        }

    def switch_pid(self):
        """The process that is the power switch and lives in the network switch's namespace."""
        return marked_pid(self.path("run", "switch.pid"), self.folder)

    def client_pid(self):
        return marked_pid(self.path("run", "client.pid"), self.folder)


def marked_pid(pid_file, folder):
    """The pid in the file when that process lives and belongs to the cluster in `folder`, else None."""
    try:
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.read())
        return pid if is_marked(pid, folder) else None
    except (FileNotFoundError, ValueError):
        return None


def is_marked(pid, folder):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"{MARKER}={folder}".encode() in file.read().split(b"\0")
    except OSError:
        return False
