# SPDX-License-Identifier: PostgreSQL
"""The agent in a node: the package that an administrator would install there, or a program put in its place."""

import glob
import os
import shlex
import subprocess

from labkit import LabError
from labkit.node import File

AGENT = "/usr/lib/ocf/resource.d/heartbeat/pgsqlms"
PACKAGE = "resource-agents-pgsqlms"
PAF_PACKAGE = "resource-agents-paf"
BUILD_COMMAND = "cmake --build build --target deb"


def path_of(agent, build):
    """The file that is meant by `built`, `paf`, or a path."""
    if agent == "built":
        return _only(glob.glob(os.path.join(build, "deb", f"{PACKAGE}_*.deb")), f"`{BUILD_COMMAND}` builds it")
    if agent == "paf":
        return debian_package(PAF_PACKAGE, os.path.join(build, "packages"))
    path = os.path.abspath(agent)
    if not os.path.isfile(path):
        raise LabError(f'the file "{path}" does not exist')
    return path


def _only(packages, what_to_do):
    if len(packages) == 1:
        return packages[0]
    raise LabError(f'{" ".join(packages)}: which one is meant?' if packages else f"there is no package: {what_to_do}")


def debian_package(name, folder):
    """Debian's package, whether the machine has it installed or not; kept in `folder`."""
    pattern = os.path.join(folder, f"{name}_*.deb")
    if not glob.glob(pattern):
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name], cwd=folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"{name} cannot be downloaded: {done.stdout.strip()}")
    return _only(glob.glob(pattern), "apt-get has downloaded nothing")


def install_programs(node, path):
    """Those of a package that Debian allows in place of another one only; the libraries are there."""
    programs = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE, check=True).stdout
    node.run(["/bin/tar", "-xp", "--no-overwrite-dir", "-C", "/", "./usr/sbin"], stdin=programs)


def install(node, path):
    """Into a running node, over whatever agent is there; an action under way never meets half a program."""
    if path.endswith(".deb"):
        _install_package(node, path)
    else:
        _install_program(node, path)


def _install_package(node, path):
    package = File("/root/" + os.path.basename(path), _content(path))
    node.install([package])
    # Nobody reads a manual page's index in a node, but building it takes longer than all the rest.
    node.run(f"dpkg --no-triggers --install {shlex.quote(package.path)}", timeout=120)


def _install_program(node, path):
    new = File(AGENT + ".new", _content(path), 0o755)
    node.install([new])
    node.run(["mv", new.path, AGENT])


def _content(path):
    with open(path, "rb") as file:
        return file.read()
