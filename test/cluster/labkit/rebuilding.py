# SPDX-License-Identifier: PostgreSQL
"""Giving a node a fresh copy of the primary, as after a crash that left it behind or diverged."""

from labkit import LabError, postgresql, stack, status
from labkit.progress import step
from labkit.resources import RESOURCE


def rebuild(cluster, node):
    """The node is on and its instance does not run. Without Pacemaker on the node, copying is all."""
    node.require_on()
    if postgresql.is_running(node):
        raise LabError(f"the instance of {node.name} runs")
    primary = current_primary(cluster)
    with step(f"cloning {node.name} from {primary.name}"):
        postgresql.clone(node, primary)
    if stack.manages_resources(node):
        # Forget the failures there: Pacemaker looks again and starts the instance.
        node.run(["crm_resource", "--refresh", "--resource", RESOURCE, "--node", node.name])


def current_primary(cluster):
    """Whom Pacemaker has promoted; it may have no free connection to tell its role itself."""
    for name, node in status.gather(cluster)["nodes"].items():
        if node["role"] == "promoted":
            return cluster.node(name)
    raise LabError("no primary to clone from")
