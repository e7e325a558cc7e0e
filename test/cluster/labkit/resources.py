# SPDX-License-Identifier: PostgreSQL
"""The resources of the cluster: the PostgreSQL clone, the virtual IP, and what ties them together."""

from xml.sax.saxutils import quoteattr

from labkit.cluster import PREFIX_LENGTH, VIP
from labkit.postgresql import BINDIR, PARAMETERS

RESOURCE = "pgsqld"
CLONE = "pgsql-ha"
VIP_RESOURCE = "pgsql-vip"

CONFIGURATION = """\
<configuration>
  <resources>
    <clone id="{clone}">
      <meta_attributes id="{clone}-meta">
        <nvpair id="{clone}-notify" name="notify" value="true"/>
        <nvpair id="{clone}-promotable" name="promotable" value="true"/>
        <nvpair id="{clone}-promoted-max" name="promoted-max" value="1"/>
        <nvpair id="{clone}-promoted-node-max" name="promoted-node-max" value="1"/>
        <nvpair id="{clone}-clone-max" name="clone-max" value="{clone_max}"/>
        <nvpair id="{clone}-interleave" name="interleave" value="true"/>
      </meta_attributes>
      <primitive id="{resource}" class="ocf" provider="heartbeat" type="pgsqlms">
        <instance_attributes id="{resource}-parameters">
{parameters}
        </instance_attributes>
        <operations>
          <op id="{resource}-start" name="start" interval="0s" timeout="60s"/>
          <op id="{resource}-stop" name="stop" interval="0s" timeout="60s"/>
          <op id="{resource}-reload" name="reload" interval="0s" timeout="20s"/>
          <op id="{resource}-promote" name="promote" interval="0s" timeout="30s"/>
          <op id="{resource}-demote" name="demote" interval="0s" timeout="120s"/>
          <op id="{resource}-notify" name="notify" interval="0s" timeout="60s"/>
          <op id="{resource}-monitor-promoted" name="monitor" role="Promoted" interval="{promoted}s"
              timeout="10s"/>
          <op id="{resource}-monitor-unpromoted" name="monitor" role="Unpromoted"
              interval="{unpromoted}s" timeout="10s"/>
        </operations>
      </primitive>
    </clone>
    <primitive id="{vip}" class="ocf" provider="heartbeat" type="IPaddr2">
      <instance_attributes id="{vip}-parameters">
        <nvpair id="{vip}-ip" name="ip" value="{address}"/>
        <nvpair id="{vip}-netmask" name="cidr_netmask" value="{prefix_length}"/>
        <nvpair id="{vip}-nic" name="nic" value="eth0"/>
      </instance_attributes>
      <operations>
        <op id="{vip}-monitor" name="monitor" interval="10s" timeout="20s"/>
      </operations>
    </primitive>
  </resources>
  <constraints>
    <rsc_colocation id="{vip}-with-primary" rsc="{vip}" with-rsc="{clone}" with-rsc-role="Promoted" score="INFINITY"/>
    <rsc_order id="{vip}-after-promote" first="{clone}" first-action="promote" then="{vip}" then-action="start"
               symmetrical="false" kind="Mandatory"/>
    <rsc_order id="{vip}-stops-after-demote" first="{clone}" first-action="demote" then="{vip}" then-action="stop"
               symmetrical="false" kind="Mandatory"/>
  </constraints>
</configuration>
"""


def configuration(cluster):
    settings = cluster.settings
    parameters = {"bindir": BINDIR, **PARAMETERS, **settings["parameters"]}
    return CONFIGURATION.format(
        clone=CLONE, resource=RESOURCE, vip=VIP_RESOURCE, address=VIP, prefix_length=PREFIX_LENGTH,
        clone_max=len(cluster.nodes), promoted=settings["interval_promoted"],
        unpromoted=settings["interval_unpromoted"],
        parameters="\n".join(
            f'          <nvpair id={quoteattr(f"{RESOURCE}-{name}")} name={quoteattr(name)} value={quoteattr(value)}/>'
            for name, value in parameters.items()))


def configure(cluster):
    """Loads the resources in one piece, so that the cluster never sees half of them."""
    node = cluster.running_nodes()[0]
    node.run(["cibadmin", "--modify", "--allow-create", "--scope", "configuration", "--xml-pipe"],
             stdin=configuration(cluster).encode())
