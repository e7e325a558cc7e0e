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
    facts = status.gather(cluster)
    for name, node in facts["nodes"].items():
        if node["role"] == "promoted" and node["postgres"] and node["postgres"]["role"] == "primary":
            return cluster.node(name)
    raise LabError("no primary to clone from")
