"""A Slurm of its own on this host, for tests: several nodes, nothing in /etc, stopped by process number.

Debian's packages slurmctld, slurmd, slurm-client and munge are what it takes (scripts/setup test). All
daemons run as the user at hand.
"""
import os
import pathlib
import signal
import socket
import subprocess
import time

CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={dir}/munge/socket
CredType=cred/munge
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool/%n
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd.%n.pid
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=10
MessageTimeout=5
TCPTimeout=2
InactiveLimit=0
KillWait=5
MinJobAge=3600
BatchStartTimeout=10
CompleteWait=0
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0,requeue_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=200
JobRequeue=1
PropagateResourceLimits=NONE
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs={cpus} RealMemory=8000
PartitionName=test Nodes=n[1-{nodes}] Default=YES MaxTime=1:00:00 DefaultTime=10 State=UP
"""


def wait_for(what, condition, seconds):
    """Until the condition is something, which it gives back."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    raise TimeoutError(f"{what}: not within {seconds} s")


def free_ports(n):
    """The first of so many that follow each other and that nobody listens on."""
    def is_free(port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) != 0
    return next(base for base in range(17170, 30000, n) if all(is_free(base + i) for i in range(n)))


def host_is_known():
    """Slurm's daemons look their own host up by its name."""
    try:
        return bool(socket.gethostbyname(socket.gethostname().split(".")[0]))
    except OSError:
        return False


def executable(pid):
    try:
        return pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name
    except OSError:
        return ""


def variables(pid):
    """The environment that a process began with."""
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def children(pid):
    """All processes below one."""
    below = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                below.append(int(stat.parent.name))
        except (OSError, IndexError, ValueError):
            continue
    return below + [p for child in below for p in children(child)]


def kill(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Cluster:
    def __init__(self, folder, nodes=4, cpus=2):
        self.folder, self.nodes = pathlib.Path(folder), nodes
        self.environment = dict(os.environ, SLURM_CONF=str(self.folder / "slurm.conf"))
        port = free_ports(nodes + 1)
        self.values = dict(host=socket.gethostname().split(".")[0], user=subprocess.getoutput("id -un"), dir=self.folder,
                           port=port, nodes=nodes, cpus=cpus, first=port + 1, last=port + nodes)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for name in ["munge", "state", "spool", *(f"spool/n{i + 1}" for i in range(self.nodes))]:
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        self.run("munged", f"--key-file={key}", f"--socket={self.folder}/munge/socket", f"--pid-file={self.folder}/munged.pid",
                 f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munge/seed", "--num-threads=2")
        (self.folder / "slurm.conf").write_text(CONF.format(**self.values))
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        self.run("slurmctld", "-i")
        for i in range(self.nodes):
            self.start_node(f"n{i + 1}")
        wait_for("idle nodes", lambda: self.run("sinfo", "-h", "-N", "-o", "%T", check=False).split().count("idle") == self.nodes, 60)

    def start_node(self, node):
        self.run("slurmd", "-N", node)

    def run(self, *command, check=True):
        """What the command prints. Daemons must not hold our output open."""
        done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if
                              command[0][0] == "s" and command[0] not in ("slurmctld", "slurmd") else subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, text=True, timeout=60)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}; see {self.folder}/*.log")
        return done.stdout or ""

    def pid(self, name):
        """Of a daemon, where it runs."""
        try:
            pid = int((self.folder / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if executable(pid).startswith(name.split(".")[0]) else None

    def steps(self, node=None):
        """Processes that look after jobs, of one node or of all. What node they are of, only their jobs know."""
        ours = [int(p.name) for p in pathlib.Path("/proc").glob("[0-9]*") if executable(p.name).startswith("slurmstepd")
                and f"SLURM_CONF={self.folder}/slurm.conf" in variables(p.name)]
        return [step for step in ours if node is None
                or any(f"SLURMD_NODENAME={node}" in variables(job) for job in children(step))]

    def stop(self):
        self.run("scancel", "--user=" + self.values["user"], check=False)
        for name in [*(f"slurmd.n{i + 1}" for i in range(self.nodes)), "slurmctld", "munged"]:
            if pid := self.pid(name):
                kill([pid], signal.SIGTERM)
                end = time.monotonic() + 10
                while self.pid(name) and time.monotonic() < end:
                    time.sleep(0.1)
                if self.pid(name):
                    kill([pid])
        for step in self.steps():
            kill([step, *children(step)])
