"""A private Slurm on this machine: own folder, own munge, free ports, ended when left."""

import os
import pwd
import shutil
import signal
import socket
import subprocess

from measurement import wait_until

CONFIGURATION = """\
ClusterName=peers
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdSpoolDir={folder}/spool.%n
TmpFS={folder}/tmp.%n
PluginDir={plugins}
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
KillWait=1
{scheduler}
ReturnToService=2
MaxArraySize=10001
MaxJobCount=50000
NodeName=peer1 NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs={cores} RealMemory=1000
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=1
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""

# Without these it starts a few jobs in a second at most.
TUNED = "SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1," \
    "default_queue_depth=1000"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class SlurmCluster:
    def __init__(self, root, folder, cores, is_tuned):
        self.root, self.folder, self.cores, self.is_tuned = root, folder, cores, is_tuned
        self.processes = {}
        libraries = f"{root}/usr/lib/{os.uname().machine}-linux-gnu"
        self.plugins = f"{libraries}/slurm-wlm"
        self.environment = dict(
            os.environ, LD_LIBRARY_PATH=f"{libraries}:{self.plugins}", SLURM_CONF=f"{folder}/slurm.conf",
            PATH=f"{root}/usr/bin:{os.environ['PATH']}")

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("state", "spool.peer1", "tmp.peer1"):
            os.makedirs(f"{self.folder}/{name}")
        with open(f"{self.folder}/slurm.conf", "w") as file:
            file.write(CONFIGURATION.format(
                folder=self.folder, plugins=self.plugins, user=pwd.getpwuid(os.getuid()).pw_name,
                host=socket.gethostname(), controller_port=free_port(), node_port=free_port(), cores=self.cores,
                scheduler=TUNED if self.is_tuned else ""))
        key = f"{self.folder}/munge.key"
        with open(key, "wb", opener=lambda path, flags: os.open(path, flags, 0o400)) as file:
            file.write(os.urandom(128))
        self.launch("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.folder}/munge.socket",
                    f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
                    f"--seed-file={self.folder}/munged.seed")
        if not wait_until(lambda: os.path.exists(f"{self.folder}/munge.socket"), 10):
            self.fail("munged")
        self.start_controller()
        self.launch("slurmd-wlm", "-D", "-N", "peer1", "-d", f"{self.root}/usr/sbin/slurmstepd-wlm")
        if not wait_until(lambda: "idle" in self.output("sinfo", "-h", "-o", "%T"), 60, 0.2):
            self.fail("slurmctld and slurmd")
        return self

    def fail(self, name):
        logs = self.folder
        self.__exit__(keep=True)
        raise RuntimeError(f"{name} did not come up; see the logs in {logs}")

    def __exit__(self, *_, keep=False):
        if "slurmd-wlm" in self.processes:
            self.clear()
        for process in reversed(list(self.processes.values())):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def launch(self, program, *options):
        with open(f"{self.folder}/{program}.out", "a") as log:
            self.processes[program] = subprocess.Popen(
                [f"{self.root}/usr/sbin/{program}", *options], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_controller(self):
        self.launch("slurmctld-wlm", "-D")

    def kill_controller(self):
        process = self.processes["slurmctld-wlm"]
        process.send_signal(signal.SIGKILL)
        process.wait()

    @property
    def mode(self):
        return f"one slurmd, {self.cores} cores declared, {'tuned' if self.is_tuned else 'its defaults'}"

    def output(self, *words, check=False, **options):
        result = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=120, **options)
        if check and result.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {result.stderr.strip()}")
        return result.stdout.strip()

    def answers(self):
        return subprocess.run(["squeue", "-h", "-j", "1"], env=self.environment, capture_output=True,
                              text=True).stderr.find("Unable to contact") < 0

    def submit(self, *options):
        return self.output("sbatch", "--parsable", "-o", "/dev/null", *options, check=True)

    def queued(self):
        return len(self.output("squeue", "-h", "-r", "-o", "%i").splitlines())

    def clear(self):
        self.output("scancel", "--partition=high")
        self.output("scancel", "--partition=low")
        wait_until(lambda: self.queued() == 0, 60, 0.2)
