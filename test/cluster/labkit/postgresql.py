# SPDX-License-Identifier: PostgreSQL
"""The PostgreSQL instances: configuration, creation, cloning, questions."""

from labkit import LabError
from labkit.cluster import NETWORK, VIP
from labkit.node import File
from labkit.waiting import in_parallel

BINDIR = "/usr/lib/postgresql/15/bin"
PGDATA = "/var/lib/postgresql/15/main"
SOCKETS = "/run/postgresql"
PORT = "5432"
# Outside PGDATA: a clone never brings the primary's settings along.
CONFIGURATION_FOLDER = "/etc/postgresql/15/main"
START_OPTIONS = f"-c config_file={CONFIGURATION_FOLDER}/postgresql.conf"
PARAMETERS = {"pgdata": PGDATA, "pghost": SOCKETS, "pgport": PORT, "start_opts": START_OPTIONS}

POSTGRESQL_CONF = """\
data_directory = '{pgdata}'
hba_file = '{folder}/pg_hba.conf'
ident_file = '{folder}/pg_ident.conf'
cluster_name = '{node.name}'
listen_addresses = '*'
port = {port}
unix_socket_directories = '{sockets}'
max_connections = 50
shared_buffers = 32MB

# Replication: a standby follows whoever has the virtual IP, on the newest timeline. Dead peers are noticed in
# seconds: what does not answer for 5 s is cut off, and a lost connection is tried again every second.
wal_level = logical
archive_mode = on
archive_command = '/bin/true'
hot_standby = on
max_wal_senders = 10
wal_keep_size = 512MB
primary_conninfo = 'host={vip} port={port} user=postgres application_name={node.name} {keepalive}'
recovery_target_timeline = 'latest'
wal_sender_timeout = 5s
wal_receiver_timeout = 5s
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 1s

# The cluster decides what happens after a crash, not the postmaster.
restart_after_crash = off

logging_collector = on
log_directory = '/var/log/postgresql'
log_filename = 'postgresql.log'
log_line_prefix = '%m [%p] %q%u@%d %a '
log_checkpoints = on
"""

# A walreceiver that has connected to a dying node waits for its greeting, and no timeout of PostgreSQL ends that:
# only the kernel's probes do, which the next holder of the virtual IP answers with a reset.
KEEPALIVE = "keepalives_idle=3 keepalives_interval=1 keepalives_count=3 tcp_user_timeout=3000"

# An instance must never stream from itself, which it could over the virtual IP after its own promotion.
PG_HBA_CONF = """\
local all         all                trust
local replication all                reject
host  replication all {own}/32       reject
host  replication all {vip}/32       reject
host  replication all 127.0.0.1/32   reject
host  replication all {network}      trust
host  all         all {network}      trust
host  all         all 127.0.0.1/32   trust
"""

# In one answer: role, timeline, position, system identifier. The control file knows the timeline of the last checkpoint
# only, hence the name of the WAL file that a primary writes, and what a standby receives or has replayed.
STATE_QUERY = """
select case when r then 'standby' else 'primary' end,
       case when r then coalesce((select received_tli from pg_stat_wal_receiver),
                                 (select greatest(timeline_id, min_recovery_end_timeline)
                                    from pg_control_checkpoint(), pg_control_recovery()))
            else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,
       case when r then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_lsn() end,
       (select system_identifier from pg_control_system())
  from pg_is_in_recovery() r
"""
REPLICATION_QUERY = """
select application_name, state, sync_state, replay_lsn, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)
  from pg_stat_replication order by 1
"""


def files(node):
    values = {"node": node, "folder": CONFIGURATION_FOLDER, "pgdata": PGDATA, "port": PORT, "sockets": SOCKETS,
              "vip": VIP, "own": node.address, "network": NETWORK, "keepalive": KEEPALIVE}
    return [
        File(f"{CONFIGURATION_FOLDER}/postgresql.conf", POSTGRESQL_CONF.format(**values)),
        File(f"{CONFIGURATION_FOLDER}/pg_hba.conf", PG_HBA_CONF.format(**values), 0o640, "root", "postgres"),
        File(f"{CONFIGURATION_FOLDER}/pg_ident.conf", "", 0o640, "root", "postgres"),
    ]


def create_instances(cluster):
    """The first node gets a new instance, the others a copy of it; all are left stopped."""
    first, *others = cluster.nodes
    as_postgres(first, [f"{BINDIR}/initdb", "-D", PGDATA, "--locale=C.UTF-8", "-E", "UTF8", "-k", "-A", "trust",
                        "--no-sync", "--no-instructions"])
    pg_ctl = [f"{BINDIR}/pg_ctl", "-D", PGDATA, "-w"]
    as_postgres(first, [*pg_ctl, "start", "-l", "/var/log/postgresql/startup.log", "-o", START_OPTIONS])
    in_parallel(lambda node: clone(node, first), others)
    as_postgres(first, [*pg_ctl, "stop", "-m", "fast"])


def clone(node, primary):
    """A fresh standby from the running primary; nothing of an earlier instance is kept."""
    node.run(["rm", "-rf", PGDATA])
    as_postgres(node, [f"{BINDIR}/pg_basebackup", "-h", primary.address, "-p", PORT, "-U", "postgres", "-D", PGDATA,
                       "-X", "stream", "-c", "fast", "--no-sync"], timeout=300)
    as_postgres(node, ["touch", f"{PGDATA}/standby.signal"])


def as_postgres(node, command, timeout=120):
    return node.run(command, user="postgres", timeout=timeout)


def is_running(node):
    """Whether a postmaster of the instance lives, answering or not."""
    return node.try_to_run(["pgrep", "-f", f"^{BINDIR}/postgres -D {PGDATA}"]).returncode == 0


def psql(query, host, separator="|"):
    return [f"{BINDIR}/psql", "-XAtq", "-F", separator, "-v", "ON_ERROR_STOP=1", "-h", host, "-p", PORT,
            "-U", "postgres", "-d", "postgres", "-c", query]


def rows(node, query):
    """The answer as lists of fields; None when the instance gives none within a few seconds."""
    try:
        result = node.try_to_run(["env", "PGCONNECT_TIMEOUT=3", "PGOPTIONS=-c statement_timeout=3s",
                                  *psql(query, SOCKETS)], timeout=8)
    except LabError:
        return None
    if result.returncode != 0:
        return None
    return [line.split("|") for line in result.stdout.decode().splitlines()]
