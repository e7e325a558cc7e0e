# SPDX-License-Identifier: PostgreSQL
"""Runs inside a node: keeps what programs send to /dev/log in /var/log/syslog, with the time of arrival."""

import datetime
import os
import re
import socket


def main():
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    with open("/var/log/syslog", "a", encoding="utf-8", buffering=1) as file:
        while True:
            # "<PRIORITY>Mmm dd hh:mm:ss TAG: TEXT" as RFC 3164 and libc write it
            message = log.recv(65536).decode(errors="replace").rstrip("\n\0")
            text = re.sub(r"^<\d+>(\w{3} [ \d]\d [\d:]{8} )?", "", message).replace("\n", " ")
            file.write(f"{datetime.datetime.now().isoformat(timespec='milliseconds')} {text}\n")


if __name__ == "__main__":
    main()
