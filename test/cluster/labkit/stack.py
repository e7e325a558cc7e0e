# SPDX-License-Identifier: PostgreSQL
"""Corosync and Pacemaker, or Pacemaker Remote, on a node: their configuration, start and stop."""

import xml.etree.ElementTree as xml

from labkit import LabError
from labkit.node import File
from labkit.waiting import wait_until

FENCE_AGENT = "/usr/sbin/fence_lab"

# One item per line: corosync refuses "node { name: a }" in one.
COROSYNC_CONF = """\
totem {{
    version: 2
    cluster_name: {name}
    transport: knet
    token: 1000
    crypto_cipher: none
    crypto_hash: none
}}
nodelist {{
{nodes}}}
quorum {{
    provider: corosync_votequorum
}}
system {{
    move_to_root_cgroup: no
}}
logging {{
    to_stderr: no
    to_logfile: yes
    logfile: /var/log/corosync/corosync.log
    to_syslog: no
    timestamp: hires
}}
"""
COROSYNC_NODE = """\
    node {{
        ring0_addr: {node.address}
        name: {node.name}
        nodeid: {node.number}
    }}
"""

REMOTE_DAEMON = "pacemaker-remoted"
# By which the nodes of a cluster know each other; any bytes will do where nobody else can reach them.
REMOTE_KEY = b"the nodes of a lab, and nobody else"

# Two cores carry three nodes: without a higher load threshold the controllers would throttle themselves. The first
# election waits dc-deadtime. A fenced node stays off: somebody looks at it before it comes back (`lab power on`).
PROPERTIES = {
    "cluster-name": "{name}",
    "dc-deadtime": "3s",
    "load-threshold": "400%",
    "stonith-enabled": "true",
    "stonith-action": "off",
    "stonith-timeout": "20s",
    "no-quorum-policy": "stop",
}
RESOURCE_DEFAULTS = {"migration-threshold": "5", "resource-stickiness": "10"}


def files(cluster, empty_cib):
    """What every node needs before its first start."""
    with open(__file__.rsplit("/", 1)[0] + "/fence_lab", "rb") as file:
        fence_agent = file.read()
    corosync_conf = COROSYNC_CONF.format(
        name=cluster.name, nodes="".join(COROSYNC_NODE.format(node=node) for node in cluster.members))
    return [
        File("/etc/pacemaker/authkey", REMOTE_KEY, 0o640, "root", "haclient"),
        File("/etc/corosync/corosync.conf", corosync_conf),
        File("/etc/default/pacemaker", "PCMK_logfile=/var/log/pacemaker/pacemaker.log\nPCMK_logpriority=notice\n"),
        File("/var/lib/pacemaker/cib/cib.xml", first_cib(cluster, empty_cib), 0o600, "hacluster", "haclient"),
        File(FENCE_AGENT, fence_agent, 0o755),
    ]


def first_cib(cluster, empty_cib):
    """Pacemaker's own empty CIB (a feature set too new would end the controller) plus properties and fencing."""
    cib = xml.fromstring(empty_cib)
    configuration = cib.find("configuration")
    properties = xml.SubElement(configuration.find("crm_config"), "cluster_property_set", id="cib-bootstrap-options")
    _add_values(properties, {name: value.format(name=cluster.name) for name, value in PROPERTIES.items()})
    defaults = xml.SubElement(xml.SubElement(configuration, "rsc_defaults"), "meta_attributes", id="rsc-options")
    _add_values(defaults, RESOURCE_DEFAULTS)
    for node in cluster.nodes:
        _add_fencing(configuration, node)
        if node.is_remote:
            _add_remote(configuration, node)
    return xml.tostring(cib)


def _add_fencing(configuration, node):
    """A device for this node, which a node cannot use for itself."""
    device = f"fence-{node.name}"
    primitive = xml.SubElement(configuration.find("resources"), "primitive", {"id": device, "class": "stonith",
                                                                               "type": "fence_lab"})
    attributes = xml.SubElement(primitive, "instance_attributes", id=f"{device}-attributes")
    _add_values(attributes, {"port": node.name, "pcmk_host_list": node.name, "pcmk_host_check": "static-list"})
    operations = xml.SubElement(primitive, "operations")
    xml.SubElement(operations, "op", id=f"{device}-monitor", name="monitor", interval="60s", timeout="20s")
    xml.SubElement(configuration.find("constraints"), "rsc_location", id=f"{device}-elsewhere", rsc=device,
                   node=node.name, score="-INFINITY")


def _add_remote(configuration, node):
    """The connection to a remote node, which is a resource of its name. One that is lost is tried again."""
    primitive = xml.SubElement(configuration.find("resources"), "primitive",
                               {"id": node.name, "class": "ocf", "provider": "pacemaker", "type": "remote"})
    attributes = xml.SubElement(primitive, "instance_attributes", id=f"{node.name}-attributes")
    _add_values(attributes, {"server": node.address, "reconnect_interval": "5s"})
    operations = xml.SubElement(primitive, "operations")
    xml.SubElement(operations, "op", id=f"{node.name}-start", name="start", interval="0s", timeout="20s")
    xml.SubElement(operations, "op", id=f"{node.name}-monitor", name="monitor", interval="5s", timeout="5s")


def _add_values(parent, values):
    for name, value in values.items():
        xml.SubElement(parent, "nvpair", id=f"{parent.get('id')}-{name}", name=name, value=value)


def start(node):
    """Starts Corosync, then Pacemaker, or Pacemaker Remote; nothing happens to one that runs already."""
    if node.is_remote:
        if not is_running(node, REMOTE_DAEMON):
            node.spawn(REMOTE_DAEMON)
        return
    if not is_running(node, "corosync"):
        node.run(["/usr/sbin/corosync"])
        wait_until(lambda: node.try_to_run(["corosync-cfgtool", "-s"]).returncode == 0, 20,
                   f"corosync of {node.name} answers")
    if not is_running(node, "pacemakerd"):
        node.spawn("pacemakerd -f")


def stop(node, timeout=300):
    """As an administrator would: Pacemaker stops or moves all resources, then Corosync leaves."""
    for daemon in (REMOTE_DAEMON,) if node.is_remote else ("pacemakerd", "corosync"):
        if is_running(node, daemon):
            node.run(["pkill", "-TERM", "-x", known_to_the_kernel(daemon)])
            wait_until(lambda name=daemon: not is_running(node, name), timeout, f"{daemon} of {node.name} ends")


def manages_resources(node):
    """Whether Pacemaker runs there, of either kind."""
    return is_running(node, REMOTE_DAEMON if node.is_remote else "pacemakerd")


def known_to_the_kernel(program):
    """A process has a name of 15 bytes at most."""
    return program[:15]


def is_running(node, daemon):
    result = node.try_to_run(["pgrep", "-x", known_to_the_kernel(daemon)])
    if result.returncode > 1:
        raise LabError(f"{node.name}: pgrep: {result.stderr.decode().strip()}")
    return result.returncode == 0
