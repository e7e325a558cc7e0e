# SPDX-License-Identifier: PostgreSQL
"""Speaking to the power switch, and starting it."""

import os
import socket
import subprocess

from labkit import LabError
from labkit.power_switch import PYTHON
from labkit.waiting import wait_until


def start_switch(cluster):
    """Starts the process that holds the switch's namespace and waits until it answers."""
    lab_folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    log = cluster.path("run", "power-switch.log")
    with open(log, "ab") as output:
        process = subprocess.Popen(
            ["/usr/bin/unshare", "-n", *PYTHON, os.path.join(lab_folder, "labkit", "power_switch.py"), lab_folder,
             cluster.folder],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/",
            env=cluster.environment())

    def is_ready():
        if process.poll() is not None:
            with open(log, encoding="utf-8") as file:
                raise LabError(f"the power switch ended: {file.read().strip().splitlines()[-1]}")
        with open(log, encoding="utf-8") as file:
            return "ready\n" in file.read()

    wait_until(is_ready, 20, "the power switch is ready", pause=0.02)


def ask(cluster, request, timeout=60):
    """Sends one line to the power switch and returns its answer; LabError when that is an error."""
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    wire.settimeout(timeout)
    folder = os.open(cluster.path("run"), os.O_PATH)
    try:
        wire.connect(f"/proc/self/fd/{folder}/power-switch.sock")
        wire.sendall((request + "\n").encode())
        answer = wire.makefile("r", encoding="utf-8").readline().strip()
    except OSError as problem:
        raise LabError(f"power switch: {request}: {problem}") from None
    finally:
        os.close(folder)
        wire.close()
    if not answer.startswith("ok"):
        raise LabError(f"power switch: {request}: {answer or 'no answer'}")
    return answer[3:]
