# SPDX-License-Identifier: PostgreSQL
"""How the primary's monitor grows: with replication clients, and with nodes that carry a score."""

from labkit import LabError
from labkit.network import Switch
from labkit.postgresql import BINDIR, PORT, rows
from labkit.resources import RESOURCE
from labkit.waiting import wait_until

from benchkit.actions import RUNNING_PROMOTED, Action, monitor_of
from benchkit.bench import NODES, OURS

CLIENTS = (1, 2, 4, 8, 16)
SCORED_NODES = (3, 8, 16, 32)
RECEIVERS = "/tmp/receivers"


def measure(bench, repetitions, tell):
    bench.use_agent(OURS)
    bench.wait_until_stable()
    primary, (near, far) = bench.nodes_by_role()
    # Settled: beside receivers that are no nodes PAF's agent gives the standbys other scores than ours.
    monitor = Action("monitor, primary", primary, "monitor", monitor_of(primary, "Promoted"), RUNNING_PROMOTED,
                     settled=True)
    bench.set_property("maintenance-mode", "true")
    try:
        return {"repetitions": repetitions,
                "clients": with_clients(bench, monitor, (primary, near, far), repetitions, tell),
                "nodes": with_nodes(bench, monitor, repetitions, tell)}
    finally:
        bench.set_property("maintenance-mode", "false")


def with_clients(bench, monitor, nodes, repetitions, tell):
    """One client: the other standby's line is cut. More than two: programs that receive WAL, on a standby's node."""
    primary, near, far = nodes
    results = {}
    for count in CLIENTS:
        tell(f"{count} replication clients")
        try:
            if count == 1:
                Switch(bench.cluster).cut(primary.name, far.name, only_postgres=True)
            for number in range(count - 2):
                start_receiver(near, primary, number)
            wait_until(lambda expected=count: clients_of(primary) == expected, 30, f"{count} replication clients")
            results[count] = monitor.measure(repetitions)
        except LabError as problem:
            results[count] = {"failed": str(problem)}
        finally:
            Switch(bench.cluster).heal()
            stop_receivers(near)
            wait_until(lambda: clients_of(primary) == 2, 30, "two replication clients")
    return results


def start_receiver(node, primary, number):
    folder = f"{RECEIVERS}/{number}"
    node.run(["mkdir", "-p", folder])
    node.spawn(f"sh -c 'echo $$ >{folder}/pid; exec {BINDIR}/pg_receivewal --no-loop --no-sync -D {folder} "
               f"-d \"host={primary.address} port={PORT} user=postgres application_name=client{number}\"'")


def stop_receivers(node):
    node.run(f"for pid in $(cat {RECEIVERS}/*/pid 2>/dev/null); do kill $pid 2>/dev/null; done; rm -rf {RECEIVERS}")


def clients_of(primary):
    answer = rows(primary, "select count(*) from pg_stat_replication")
    return int(answer[0][0]) if answer else None


def with_nodes(bench, monitor, repetitions, tell):
    """Remote nodes: the cluster knows them and keeps their score, and misses nothing when they are not there."""
    node = bench.any_node()
    results = {}
    known = len(NODES)
    try:
        for count in SCORED_NODES:
            tell(f"{count} nodes with a score")
            for number in range(known, count):
                node.run(["cibadmin", "--create", "--scope", "nodes", "--xml-text", scored_node(number)])
            known = count
            try:
                results[count] = monitor.measure(repetitions)
            except LabError as problem:
                results[count] = {"failed": str(problem)}
    finally:
        for number in range(len(NODES), known):
            node.run(["cibadmin", "--delete", "--xml-text", f'<node id="scored{number}"/>'])
    return results


def scored_node(number):
    name = f"scored{number}"
    return (f'<node id="{name}" uname="{name}" type="remote"><instance_attributes id="nodes-{name}">'
            f'<nvpair id="nodes-{name}-master-{RESOURCE}" name="master-{RESOURCE}" value="-1000"/>'
            "</instance_attributes></node>")
