# SPDX-License-Identifier: PostgreSQL
"""How the cluster is: facts from crm_mon, from every instance and from the client, and what is missing to be stable."""

import time
import xml.etree.ElementTree as xml
from xml.sax.saxutils import unescape

from labkit import LabError, postgresql, power_switch, stack
from labkit.cluster import VIP
from labkit.resources import CLONE, RESOURCE, VIP_RESOURCE
from labkit.waiting import in_parallel

CRM_MON = ["crm_mon", "--output-as=xml", "--inactive", "--fence-history=2"]


def crm_mon(cluster):
    """crm_mon's XML of the first live node that has quorum, else of the first that answers; None without any."""
    without_quorum = None
    for node in cluster.nodes:
        if node.power() != "on":
            continue
        answer = node.try_to_run(CRM_MON, timeout=20)
        if answer.returncode != 0:
            continue
        text = answer.stdout.decode(errors="replace")
        controller = xml.fromstring(text).find("summary/current_dc")
        if controller is not None and controller.get("with_quorum") == "true":
            return text
        without_quorum = without_quorum or text
    return without_quorum


def gather(cluster):
    """All facts as one dictionary, which is what `lab status --json` prints."""
    instances = in_parallel(ask_instance, cluster.nodes)
    text = crm_mon(cluster)
    view = xml.fromstring(text) if text else xml.Element("none")
    facts = {
        "name": cluster.name,
        "vip": {"address": VIP, "node": holder_of_vip(view), "answers": ask_over_vip(cluster)},
        "dc": controller_of(view),
        "quorum": view.find("summary/current_dc[@with_quorum='true']") is not None,
        "nodes": {node.name: {"address": node.address, "power": node.power(), **cluster_state(view, node.name),
                              "pacemaker": node.power() == "on" and stack.manages_resources(node),
                              "times_fenced": power_switch.times_fenced(cluster, node),
                              "postgres": instance, "replication": None}
                  for node, instance in zip(cluster.nodes, instances)},
        "failed_actions": [failed_action(failure) for failure in view.findall("failures/failure")],
        "fencing": [fence_event(event) for event in view.findall("fence_history/fence_event")],
    }
    facts["transition"] = transition(cluster, facts["dc"], view)
    add_replication(cluster, facts)
    return facts


def ask_instance(node):
    if node.power() != "on":
        return None
    answer = postgresql.rows(node, postgresql.STATE_QUERY)
    if not answer:
        return None
    role, timeline, lsn, system_identifier = answer[0]
    return {"role": role, "timeline": int(timeline), "lsn": lsn or None, "system_identifier": system_identifier}


def add_replication(cluster, facts):
    """How each standby streams, as its primary sees it."""
    for node in cluster.nodes:
        instance = facts["nodes"][node.name]["postgres"]
        if not instance or instance["role"] != "primary":
            continue
        for name, state, sync_state, replay_lsn, lag in postgresql.rows(node, postgresql.REPLICATION_QUERY) or []:
            if name in facts["nodes"]:
                facts["nodes"][name]["replication"] = {
                    "from": node.name, "state": state, "sync_state": sync_state, "replay_lsn": replay_lsn or None,
                    "lag_bytes": int(lag) if lag else None}


def ask_over_vip(cluster):
    """The node that answers the client over the virtual IP, None when nobody does."""
    import subprocess

    pid = cluster.client_pid()
    if pid is None:
        return None
    command = ["/usr/bin/nsenter", "-t", str(pid), "-n", "--",
               *postgresql.psql("select current_setting('cluster_name')", VIP)]
    environment = {**cluster.environment(), "PGCONNECT_TIMEOUT": "2"}
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5, text=True,
                                env=environment, check=False)
    except subprocess.TimeoutExpired:
        return None
    return answer.stdout.strip() or None


def controller_of(view):
    controller = view.find("summary/current_dc")
    return controller.get("name") if controller is not None else None


def holder_of_vip(view):
    holder = view.find(f".//resource[@id='{VIP_RESOURCE}'][@role='Started']/node")
    return holder.get("name") if holder is not None else None


def cluster_state(view, name):
    node = view.find(f"nodes/node[@name='{name}']")
    return {"cluster": "unknown" if node is None else membership(node), "role": role_of(view, name),
            "score": score_of(view, name)}


def membership(node):
    for state in ("unclean", "pending", "standby", "maintenance", "online"):
        if node.get(state) == "true":
            return state
    return "offline"


def role_of(view, name):
    for resource in view.findall(f".//clone[@id='{CLONE}']/resource"):
        holder = resource.find("node")
        if holder is not None and holder.get("name") == name:
            role = {"Promoted": "promoted", "Master": "promoted", "Unpromoted": "unpromoted", "Slave": "unpromoted",
                    "Started": "unpromoted"}.get(resource.get("role"), resource.get("role").lower())
            return "failed" if resource.get("failed") == "true" else role
    return "stopped"


def score_of(view, name):
    attribute = view.find(f"node_attributes/node[@name='{name}']/attribute[@name='master-{RESOURCE}']")
    return attribute.get("value") and int(attribute.get("value").replace("INFINITY", "1000000")) \
        if attribute is not None else None


def failed_action(failure):
    # The key is RESOURCE_ACTION_INTERVAL; the resource's own name may hold underscores.
    resource, action, _ = failure.get("op_key").rsplit("_", 2)
    # crm_mon 2.1 escapes the reason twice.
    return {"node": failure.get("node"), "resource": resource, "action": action,
            "rc": int(failure.get("exitcode") or 0), "result": failure.get("exitstatus"),
            "status": failure.get("status"), "reason": unescape(failure.get("exitreason") or "", {"&quot;": '"'}),
            "when": failure.get("last-rc-change") or ""}


def fence_event(event):
    return {name: event.get(name) for name in ("action", "target", "client", "origin", "status", "completed")
            if event.get(name)}


def transition(cluster, controller, view):
    """"idle" when the controller has nothing to do and no action is under way, "pending" else."""
    if controller is None:
        return "unknown"
    if any(resource.get("pending") not in (None, "", "Monitoring") for resource in view.findall(".//resource")):
        return "pending"
    node = cluster.node(controller)
    if node.power() != "on":
        return "unknown"
    return "idle" if "S_IDLE" in node.try_to_run(["crmadmin", "-S", controller]).stdout.decode() else "pending"


def is_settled(cluster):
    """All nodes are members and the controller is idle; resources do not matter."""
    text = crm_mon(cluster)
    if text is None:
        return False
    view = xml.fromstring(text)
    controller = controller_of(view)
    online = all(cluster_state(view, node.name)["cluster"] == "online" for node in cluster.nodes)
    return online and controller is not None and transition(cluster, controller, view) == "idle"


# Stability

PRIMARY_SCORE = 1001


def missing(facts, primary=None, standbys=None):
    """What keeps the cluster from being stable, one sentence each; an empty list when it is.

    Without a number of standbys every member must have one, and every node that runs Pacemaker must be a member.
    """
    nodes = facts["nodes"]
    online = [name for name, node in nodes.items() if node["cluster"] == "online" and node["power"] == "on"]
    promoted = [name for name in nodes if nodes[name]["role"] == "promoted"]
    unpromoted = [name for name in nodes if nodes[name]["role"] == "unpromoted"]
    unwanted = ["unclean", "pending"] + (["offline"] if standbys is None else [])
    found = [f"{name} is {node['cluster']}" for name, node in nodes.items()
             if node["cluster"] in unwanted and (node["pacemaker"] or node["cluster"] != "offline")]
    if facts["dc"] is None:
        return found + ["no controller is elected"]
    if facts["transition"] != "idle":
        found.append("a transition is under way" if facts["transition"] == "pending" else "the controller is silent")
    if not facts["quorum"]:
        found.append("no quorum")
    if len(promoted) != 1:
        return found + [f"{len(promoted)} nodes are promoted instead of 1"]
    if primary and promoted != [primary]:
        found.append(f"{promoted[0]} is promoted instead of {primary}")
    wanted = len(online) - 1 if standbys is None else standbys
    if len(unpromoted) != wanted:
        found.append(f"{len(unpromoted)} nodes are unpromoted instead of {wanted}")
    found += missing_of_primary(facts, promoted[0])
    for name in unpromoted:
        found += missing_of_standby(nodes[name], name, promoted[0])
    return found


def missing_of_primary(facts, name):
    node, vip = facts["nodes"][name], facts["vip"]
    if not node["postgres"] or node["postgres"]["role"] != "primary":
        yield f"PostgreSQL of {name} does not answer as primary"
    if node["score"] != PRIMARY_SCORE:
        yield f"the score of {name} is {node['score']} instead of {PRIMARY_SCORE}"
    if vip["node"] != name:
        yield f"the virtual IP is on {vip['node'] or 'no node'} instead of {name}"
    elif vip["answers"] != name:
        yield f"the client reaches {vip['answers'] or 'nobody'} over the virtual IP instead of {name}"


def missing_of_standby(node, name, primary):
    replication = node["replication"]
    if not node["postgres"] or node["postgres"]["role"] != "standby":
        yield f"PostgreSQL of {name} does not answer as standby"
    if not replication or replication["from"] != primary or replication["state"] != "streaming":
        yield f"{name} does not stream from {primary}"
    elif not 0 < (node["score"] or 0) < PRIMARY_SCORE:
        yield f"the score of {name} is {node['score']}"


def wait_until_stable(cluster, timeout, primary=None, standbys=None):
    """Stable at two looks in a row: between a change and the controller's reaction the cluster looks idle."""
    end = time.monotonic() + timeout
    in_a_row = 0
    while in_a_row < 2:
        found = missing(gather(cluster), primary, standbys)
        in_a_row = 0 if found else in_a_row + 1
        if found and time.monotonic() >= end:
            raise LabError(f"not stable after {timeout:g} s: {'; '.join(found)}")
        time.sleep(0.3)


# For people

def table(facts):
    header = ("node", "power", "cluster", "role", "score", "instance", "timeline", "LSN", "replication")
    lines = [header]
    for name, node in facts["nodes"].items():
        instance, replication = node["postgres"] or {}, node["replication"]
        shown = f"{replication['state']} from {replication['from']} ({replication['sync_state']}, " \
                f"lag {replication['lag_bytes']} bytes)" if replication else "-"
        lines.append(tuple(str(field) for field in (
            name, node["power"], node["cluster"], node["role"], dash(node["score"]), instance.get("role", "-"),
            dash(instance.get("timeline")), dash(instance.get("lsn")), shown)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = ["  ".join(field.ljust(width) for field, width in zip(line, widths)).rstrip() for line in lines]
    vip = facts["vip"]
    text.append("")
    text.append(f"virtual IP  {vip['address']} on {dash(vip['node'])}, the client reaches {dash(vip['answers'])}")
    text.append(f"controller  {dash(facts['dc'])}, {'quorum' if facts['quorum'] else 'no quorum'}, "
                f"transition {facts['transition']}")
    for failure in facts["failed_actions"]:
        text.append(f"failed      {failure['resource']} {failure['action']} on {failure['node']}: {failure['result']} "
                    f"({failure['rc']}) {failure['reason']} [{failure['when']}]")
    for event in facts["fencing"]:
        text.append(f"fencing     {event.get('action')} of {event.get('target')}: {event.get('status')} "
                    f"{event.get('completed', '')}".rstrip())
    return "\n".join(text)


def dash(value):
    return "-" if value is None else value
