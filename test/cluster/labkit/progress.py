# SPDX-License-Identifier: PostgreSQL
"""What the lab tells its user on stderr while something takes time."""

import contextlib
import sys
import time


@contextlib.contextmanager
def step(text):
    """Says what begins, and how long it took once it is over."""
    print(f"{text} ...", end=" ", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print(f"failed after {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
        raise
    print(f"{time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def tell(text):
    print(text, file=sys.stderr, flush=True)
