# SPDX-License-Identifier: PostgreSQL
"""A three-node PostgreSQL cluster on one machine: each node is a set of namespaces."""


class LabError(Exception):
    """Something the lab could not do; its text is one line for people."""
