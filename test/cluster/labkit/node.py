# SPDX-License-Identifier: PostgreSQL
"""One node: namespaces held by an init process, a file system of its own, a cable to the switch.

The power switch (power_switch.py) makes nodes live and die; everybody else enters them.
"""

import os
import shlex
import time

from labkit import LabError

# Entered in this order by nsenter; root and working folder too, else a lab inside a chroot would leave it.
NAMESPACES = ("-m", "-u", "-i", "-n", "-p", "-r", "-w")


class Node:
    def __init__(self, cluster, number, name, is_remote=False):
        """A remote node runs Pacemaker Remote instead of Corosync and Pacemaker."""
        self.cluster = cluster
        self.is_remote = is_remote
        self.name = name
        self.number = number
        self.address = f"192.0.2.{10 + number}"
        self.port = f"port{number}"

    # Where it is kept

    def path_in_run(self, suffix):
        return self.cluster.path("run", f"{self.name}.{suffix}")

    def layer(self, folder):
        """The writable layer of /usr, /etc or /var, readable from outside even when the node is dead."""
        return self.cluster.path("layers", self.name, folder)

    def disk(self):
        return self.cluster.path("disks", self.name)

    def file(self, path):
        """Where the node's own version of an absolute path lies outside the node."""
        if path.startswith("/var/lib/postgresql/"):
            return self.disk() + path[len("/var/lib/postgresql"):]
        top, rest = path[1:].split("/", 1)
        return os.path.join(self.layer(top), rest)

    # Life

    def pid(self):
        """The init process as seen from outside; None when the node is off."""
        from labkit.cluster import marked_pid

        return marked_pid(self.path_in_run("pid"), self.cluster.folder)

    def require_on(self):
        pid = self.pid()
        if pid is None:
            raise LabError(f"{self.name} is off")
        return pid

    def freezer(self):
        from labkit.freezer import freezer_of

        return freezer_of(self)

    def is_frozen(self):
        return self.freezer().is_frozen()

    def power(self):
        if self.pid() is None:
            return "off"
        return "frozen" if self.is_frozen() else "on"

    def processes(self):
        """All pids, seen from outside, that live in the node's pid namespace."""
        pid = self.pid()
        if pid is None:
            return []
        namespace = os.readlink(f"/proc/{pid}/ns/pid")
        return [int(other) for other in os.listdir("/proc") if other.isdigit() and _pid_namespace(other) == namespace]

    # Work inside

    def entering(self, command):
        """`command` as argument vector that runs it as root in the node."""
        return ["/usr/bin/nsenter", "-t", str(self.require_on()), *NAMESPACES, "--", *command]

    def replace_this_process(self, command):
        """Runs the command instead of this program; it ends when its caller does."""
        entering = self.entering(["/usr/bin/setpriv", "--pdeathsig", "TERM", *command])
        freezer = self.freezer()
        if freezer.is_frozen():
            raise LabError(f"{self.name} is frozen")
        freezer.admit_this_process()
        os.execve(entering[0], entering, self.cluster.environment())

    def try_to_run(self, command, timeout=60, stdin=b"", user=None):
        """Runs the command to its end: CompletedProcess with bytes; TimeoutExpired is an error of the lab."""
        import subprocess

        if isinstance(command, str):
            command = ["/bin/sh", "-c", command]
        if user:
            command = ["/sbin/runuser", "-u", user, "--", *command]
        freezer = self.freezer()
        if freezer.is_frozen():
            raise LabError(f"{self.name} is frozen")
        entering = freezer.admitting(self.entering(["/usr/bin/setpriv", "--pdeathsig", "KILL", *command]))
        try:
            return subprocess.run(entering, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=timeout, env=self.cluster.environment(), check=False)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name}: {shlex.join(command)}: no end within {timeout:g} s") from None

    def run(self, command, **options):
        """As try_to_run(), but a failure is an error; returns what it wrote on stdout as text."""
        result = self.try_to_run(command, **options)
        if result.returncode != 0:
            shown = command if isinstance(command, str) else shlex.join(command)
            lines = (result.stderr + result.stdout).decode(errors="replace").strip().splitlines() or ["no output"]
            raise LabError(f"{self.name}: {shown}: exit code {result.returncode}: {'; '.join(lines[-3:])}")
        return result.stdout.decode(errors="replace")

    def spawn(self, command):
        """Starts a daemon in the node; its parent is the node's init."""
        self.run(f"setsid {command} </dev/null >/dev/null 2>&1 &")

    def install(self, files):
        """Puts files into the running node in one go, each whole or not at all."""
        import io
        import tarfile

        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for file in files:
                tar.addfile(*file.as_member())
        self.run(["/bin/tar", "-xp", "--no-overwrite-dir", "-C", "/"], stdin=archive.getvalue())


class File:
    """A file as it shall be in a node; an existing one is replaced by another inode."""

    def __init__(self, path, content, mode=0o644, owner="root", group="root"):
        self.path = path
        self.content = content if isinstance(content, bytes) else content.encode()
        self.mode = mode
        self.owner = owner
        self.group = group

    def as_member(self):
        import io
        import tarfile

        member = tarfile.TarInfo(self.path.lstrip("/"))
        member.size = len(self.content)
        member.mode = self.mode
        member.mtime = int(time.time())
        member.uname, member.gname = self.owner, self.group
        return member, io.BytesIO(self.content)


def _pid_namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None
