# SPDX-License-Identifier: PostgreSQL
"""Bringing a whole cluster up and taking it down so that nothing is left."""

import os
import shutil
import signal
import subprocess
import time

from labkit import LabError, agents, freezer, postgresql, power, resources, stack, status
from labkit.cluster import Cluster, MARKER, VIP, is_marked, state_folder
from labkit.node import File
from labkit.progress import step, tell
from labkit.waiting import in_parallel, wait_until

NEEDED = ("/usr/sbin/corosync", "/usr/sbin/pacemakerd", "/usr/sbin/cibadmin", "/usr/bin/tini", "/usr/sbin/nft",
          "/usr/sbin/ip", "/bin/pgrep", "/usr/bin/setpriv", f"{postgresql.BINDIR}/postgres",
          "/usr/lib/ocf/resource.d/heartbeat/IPaddr2")


def up(settings, with_postgresql=True, with_resources=True):
    """Without PostgreSQL the nodes are as an administrator finds them who begins with a cluster and fencing."""
    began = time.monotonic()
    require_machine()
    take_down(settings["name"])
    cluster = prepare(settings)
    with step("starting the power switch and the network"):
        power.start_switch(cluster)
    with step(f"booting {' '.join(node.name for node in cluster.nodes)}"):
        in_parallel(lambda node: power.ask(cluster, f"on {node.name} bare"), cluster.nodes)
        empty_cib = subprocess.run(["/usr/sbin/cibadmin", "--empty"], stdout=subprocess.PIPE, check=True).stdout
        in_parallel(lambda node: node.install([*first_files(cluster, node), *stack.files(cluster, empty_cib)]), cluster.nodes)
    if with_postgresql:
        with step(f"installing {os.path.basename(settings['agent'])}"):
            in_parallel(lambda node: agents.install(node, settings["agent"]), cluster.nodes)
    else:
        # The configuration of the machine's own instances would be in the nodes too.
        in_parallel(lambda node: node.run("rm -rf /etc/postgresql/*"), cluster.nodes)
    remotes = [node for node in cluster.nodes if node.is_remote]
    if remotes:
        with step(f"installing {os.path.basename(settings['remote_package'])} on {' '.join(node.name for node in remotes)}"):
            in_parallel(lambda node: agents.install_programs(node, settings["remote_package"]), remotes)
    with step("starting corosync and pacemaker"):
        in_parallel(stack.start, cluster.nodes)
    if with_postgresql:
        with step(f"creating PostgreSQL on {cluster.nodes[0].name}, cloning it to the others"):
            in_parallel(lambda node: node.install(postgresql.files(node)), cluster.nodes)
            postgresql.create_instances(cluster)
    with step("waiting for quorum and a controller"):
        wait_until(lambda: status.is_settled(cluster), 60, "all nodes online and a controller elected", pause=0.3)
    if with_postgresql and with_resources:
        with step("starting the resources, waiting until all is stable"):
            resources.configure(cluster)
            status.wait_until_stable(cluster, timeout=120)
    tell(f'cluster "{cluster.name}" is up after {time.monotonic() - began:.1f} s')


def require_machine():
    if os.geteuid() != 0:
        raise LabError("the lab makes namespaces and mounts: it must run as root")
    missing = [path for path in NEEDED if not os.path.exists(path)]
    if missing:
        raise LabError(f"not installed: {' '.join(missing)} (test/packages cluster installs it)")


def prepare(settings):
    """The state folder with one tmpfs for all layers, and the disks."""
    folder = state_folder(settings["name"])
    os.makedirs(folder, exist_ok=True)
    cluster = Cluster(folder, settings)
    os.chmod(folder, 0o755)
    cluster.save()
    for part in ("run", "layers", "disks"):
        os.mkdir(cluster.path(part))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "pgsqlms-lab", cluster.path("layers")], check=True)
    for node in cluster.nodes:
        os.mkdir(cluster.path("layers", node.name))
        os.mkdir(node.disk())
        shutil.chown(node.disk(), "postgres", "postgres")
    return cluster


def first_files(cluster, node):
    names = [(other.address, other.name) for other in cluster.nodes] + [(VIP, "vip")]
    hosts = "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for address, name in names)
    return [File("/etc/hosts", hosts), File("/etc/hostname", node.name + "\n")]


def down(name):
    with step(f'taking down cluster "{name}"'):
        take_down(name)


def take_down(name):
    """Needs no valid state: processes are found by their marker, mounts by their place, cgroups by their name."""
    folder = state_folder(name)
    require_own_folder(folder)
    for frozen in freezer.left_over(name):
        frozen.thaw()
    end_processes(folder)
    for empty in freezer.left_over(name):
        empty.remove()
    unmount(folder)
    remove_folder(folder)


def require_own_folder(folder):
    """What is not ours is neither used nor removed."""
    if os.path.isdir(folder) and os.listdir(folder) and not os.path.exists(os.path.join(folder, "cluster.json")):
        raise LabError(f'"{folder}" holds other things than the state of a cluster')


def remove_folder(folder):
    if not os.path.isdir(folder):
        return
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        elif entry.name != "cluster.json":
            os.unlink(entry.path)
    # The sign that the folder is ours goes last: an interrupted removal can be taken up again.
    if os.path.exists(sign := os.path.join(folder, "cluster.json")):
        os.unlink(sign)
    os.rmdir(folder)


def end_processes(folder):
    """Ends what carries the cluster's marker, but neither this command nor those who called it."""
    spared = set(ancestors())

    def left():
        pids = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in spared]
        pids = [pid for pid in pids if is_marked(pid, folder)]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return pids

    wait_until(lambda: not left(), 20, f"the processes with {MARKER}={folder} end")


def ancestors():
    pid = os.getpid()
    while pid:
        yield pid
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            pid = int(file.read().rsplit(")", 1)[1].split()[1])


def unmount(folder):
    with open("/proc/self/mounts", encoding="utf-8") as file:
        points = [line.split()[1] for line in file]
    for point in reversed(points):
        if point.startswith(folder + "/"):
            subprocess.run(["umount", "-l", point], check=True)
