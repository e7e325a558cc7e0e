# SPDX-License-Identifier: PostgreSQL
"""The first program of a node, started by `unshare` as PID 1 of fresh namespaces.

Usage: node_boot.py LAB-FOLDER STATE-FOLDER NODE. It makes the node's file system and becomes its init. It writes
"ready" on stdout when others may enter; from then on the output goes to the node's console file.
"""

import os
import socket
import subprocess
import sys

OVERLAID = ("usr", "etc", "var")
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
SYSLOG_READER = "/usr/sbin/lab-syslog"


def boot(node, syslog_source):
    # The procfs of the outside is still mounted: its idea of "self" is our pid out there.
    pid = os.readlink("/proc/self")
    node.freezer().admit_this_process()
    make_mounts_private()
    mount_file_systems(node)
    write(SYSLOG_READER, syslog_source)
    socket.sethostname(node.name)
    write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1")
    run("ip", "link", "set", "lo", "up")
    return pid


def make_mounts_private():
    """No mount of the node is seen outside, also where the lab's root is a chroot and no mount point.

    Only a mount point can be made private, so the way leads once to the real root of the mount namespace and back.
    """
    here = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    os.chdir("/")
    os.chroot("/usr")
    inode = None
    while inode != (now := (os.stat(".").st_dev, os.stat(".").st_ino)):
        inode = now
        os.chdir("..")
    os.chroot(".")
    mount_private_root()
    os.fchdir(here)
    os.chroot(".")
    os.close(here)


def mount_private_root():
    """mount --make-rprivate / by the system call: the program may not exist in this root."""
    import ctypes

    ms_rec, ms_private = 0x4000, 0x40000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/", None, ms_rec | ms_private, None) != 0:
        raise OSError(ctypes.get_errno(), "cannot make the node's mounts private")


def mount_file_systems(node):
    mount("proc", "proc", "/proc")
    for folder in OVERLAID:
        upper, work = node.layer(folder), node.layer("." + folder)
        os.makedirs(upper, exist_ok=True)
        os.makedirs(work, exist_ok=True)
        mount("overlay", "overlay", f"/{folder}", f"lowerdir=/{folder},upperdir={upper},workdir={work}")
    os.makedirs("/var/lib/postgresql", exist_ok=True)
    run("mount", "--bind", node.disk(), "/var/lib/postgresql")
    for folder, mode in (("/run", "0755"), ("/tmp", "1777"), ("/dev", "0755")):
        mount("tmpfs", "tmpfs", folder, f"mode={mode}")
    mount("sysfs", "sysfs", "/sys")
    fill_dev()
    fill_run(node.cluster.path("run", "power-switch.sock"))
    # The node sees neither its own disk and layers from outside nor those of the others.
    mount("tmpfs", "tmpfs", node.cluster.folder, "ro,size=4k")


def fill_dev():
    for name, (major, minor) in DEVICES.items():
        os.mknod(f"/dev/{name}", 0o020666, os.makedev(major, minor))
        os.chmod(f"/dev/{name}", 0o666)
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, f"/dev/{name}")
    os.mkdir("/dev/pts")
    mount("devpts", "devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=620,gid=5")
    os.mkdir("/dev/shm")
    mount("tmpfs", "tmpfs", "/dev/shm", "mode=1777")


def fill_run(power_switch):
    """What the packages' tmpfiles.d would have made, and the wire to the power switch."""
    for folder, mode, owner in (
        ("lock", 0o1777, None),
        ("resource-agents", 0o1755, None),
        ("crm", 0o770, "hacluster:haclient"),
        ("postgresql", 0o2775, "postgres:postgres"),
    ):
        path = f"/run/{folder}"
        os.mkdir(path)
        if owner:
            run("chown", owner, path)
        os.chmod(path, mode)
    write("/run/power-switch", "")
    run("mount", "--bind", power_switch, "/run/power-switch")


def mount(kind, source, target, options=""):
    run("mount", "-t", kind, *(["-o", options] if options else []), source, target)


def run(*command):
    subprocess.run(command, check=True)


def write(path, content):
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)


def main(lab_folder, state_folder, node_name):
    sys.path.insert(0, lab_folder)
    from labkit.cluster import Cluster

    with open(os.path.join(lab_folder, "labkit", "node_syslog.py"), encoding="utf-8") as file:
        syslog_source = file.read()
    node = Cluster.open(state_folder).node(node_name)
    console = os.open(node.path_in_run("console"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    pid_file = os.open(node.path_in_run("pid"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    pid = boot(node, syslog_source)
    os.write(pid_file, pid.encode())
    os.close(pid_file)
    ready = os.dup(1)
    os.dup2(console, 1)
    os.dup2(console, 2)
    os.write(ready, b"ready\n")
    os.close(ready)
    os.close(console)
    os.chdir("/")
    os.execv("/usr/bin/tini", ["tini", "--", "/usr/bin/python3", "-IS", SYSLOG_READER])


if __name__ == "__main__":
    main(*sys.argv[1:])
