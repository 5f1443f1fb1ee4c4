"""The configuration files of a SLURM of one node, on loopback, with a pretended GPU."""

from __future__ import annotations

import socket
from pathlib import Path

NODE = "node1"
CLUSTER = "rnnreprotest"
DATABASE_PORT = 33061
# More than the machine has, so that scenarios that mostly wait lie side by side.
CPUS = 8
MEMORY_MB = 64_000
# Seconds between a job's SIGTERM and its SIGKILL (as SLURM has it by default).
KILL_WAIT = 30

_CONF = """
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge.socket
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/run/slurmctld.pid
SlurmdPidFile={home}/run/slurmd.pid
SlurmctldLogFile={home}/log/slurmctld.log
SlurmdLogFile={home}/log/slurmd.log
CommunicationParameters=NoAddrCache
# Processes are followed without cgroups, which a container seldom grants.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
MinJobAge=36000
KillWait={kill_wait}
InactiveLimit=0
# A step above its memory is killed, as seen once a second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
{accounting}
GresTypes=gpu
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes={node} Default=YES DefMemPerCPU=500 MaxTime=1-00:00:00 DefaultTime=60 State=UP
PartitionName=gpu Nodes={node} DefMemPerCPU=500 MaxTime=1-00:00:00 DefaultTime=60 State=UP
"""

_ACCOUNTING = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=26819
AccountingStoragePass={home}/munge.socket
"""

_DBD = """
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=26819
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge.socket
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={port}
StorageUser=slurm
StorageLoc=slurm_acct_db
PidFile={home}/run/slurmdbd.pid
LogFile={home}/log/slurmdbd.log
"""


def write(home: Path, *, accounting: bool) -> None:
    """Write slurm.conf and gres.conf, with `accounting` also slurmdbd.conf, below `home`/etc."""
    etc = home / "etc"
    etc.mkdir()
    text = _CONF.format(
        cluster=CLUSTER,
        host=socket.gethostname().partition(".")[0],
        home=home,
        kill_wait=KILL_WAIT,
        accounting=_ACCOUNTING.format(home=home)
        if accounting
        else "AccountingStorageType=accounting_storage/none",
        node=NODE,
        cpus=CPUS,
        memory=MEMORY_MB,
    )
    (etc / "slurm.conf").write_text(text)
    (etc / "gres.conf").write_text(f"NodeName={NODE} Name=gpu File=/dev/null\n")
    if accounting:
        place = etc / "slurmdbd.conf"
        place.write_text(_DBD.format(home=home, port=DATABASE_PORT))
        place.chmod(0o600)
