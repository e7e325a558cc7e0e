# SPDX-License-Identifier: PostgreSQL
"""Waiting for a state, always with an end."""

import time

from labkit import LabError


def wait_until(condition, timeout, what, pause=0.1):
    """Returns the first true value of condition(); LabError after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise LabError(f"{what}: not within {timeout:g} s")
        time.sleep(pause)


def in_parallel(function, items):
    """Calls function(item) for all items at once; the first failure is raised when all are over."""
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(items))) as pool:
        return list(pool.map(function, items))
