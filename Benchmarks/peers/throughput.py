"""Real /bin/true jobs in a second, from the submission to the last end."""

import datetime
import json
import os
import subprocess
import time

from heng_daemon import HengDaemon
from measurement import load, seconds, wait_until

NAME = "real jobs"
COUNT = 600
SLURM_COUNT = 60


def round_of(run, number):
    add = run.figures.add
    before = load()
    bare = COUNT / seconds(spawn_two_at_once)
    add(NAME, "posix_spawn of /bin/true, 2 at once", "1/s", bare, str(COUNT), "no scheduler", before)
    heng(run, bare)
    hyperqueue(run, 2)
    hyperqueue(run, 8)
    if run.slurm:
        before = load()
        rate = SLURM_COUNT / seconds(lambda: slurm_array(run.slurm))
        add(NAME, "Slurm, an array", "1/s", rate, str(SLURM_COUNT), run.slurm.mode, before)


def spawn_two_at_once():
    null = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDWR, 0) for number in (0, 1, 2)]
    running = set()
    for _ in range(COUNT):
        running.add(os.posix_spawn("/bin/true", ["/bin/true"], os.environ, file_actions=null))
        if len(running) == 2:
            running.discard(os.wait()[0])
    while running:
        running.discard(os.wait()[0])


def heng(run, bare):
    with HengDaemon(run.build, f"{run.folder}/heng") as daemon:
        for cores, text in (("1", "1 core each, 2 at once"), ("0.5", "half a core each, 4 at once")):
            before = load()
            begin = time.time()
            job = heng_array(daemon, cores)
            rows = json.loads(daemon.heng("jobs", "--all", "--json", job).stdout)["rows"]
            if [row["state"] for row in rows] != ["COMPLETED"] * COUNT:
                raise RuntimeError("hengd ended jobs otherwise than COMPLETED")
            rate = COUNT / (max(map(end, rows)) - begin)
            mode = f"{text}, control groups, from the start of `heng submit` to hengd's record of the last end"
            run.figures.add(NAME, f"hengd, an array with --cores {cores}", "1/s", rate, str(COUNT), mode, before)
            run.figures.add(NAME, f"hengd with --cores {cores}: part of the posix_spawn rate", "", rate / bare,
                            str(COUNT), mode, before)


def heng_array(daemon, cores):
    job = daemon.heng("submit", "--array", f"0-{COUNT - 1}", "--cores", cores, "-o", "/dev/null", "--parsable", "--",
                      "/bin/true").stdout.strip()
    daemon.heng("wait", "-q", job)
    return job


def end(row):
    """When a job ended; `heng wait` looks twice a second, and hengd's record is exact."""
    submitted = datetime.datetime.fromisoformat(row["submitted"].replace("Z", "+00:00")).timestamp()
    return submitted + row["waitedSeconds"] + row["elapsedSeconds"]


def hyperqueue(run, cores):
    if not run.hyperqueue:
        return
    before = load()
    script = os.path.join(os.path.dirname(__file__), "hyperqueue_tasks")
    os.makedirs(f"{run.folder}/hyperqueue", exist_ok=True)
    result = subprocess.run([run.hyperqueue, script, f"{run.folder}/hyperqueue", str(cores), str(COUNT)],
                            capture_output=True, text=True, check=True)
    taken = float(result.stdout.split("seconds", 1)[1].split()[0])
    run.figures.add(NAME, f"HyperQueue, {cores} cores declared", "1/s", COUNT / taken, str(COUNT),
                    "LocalCluster, no journal, no limits", before)


def slurm_array(cluster):
    cluster.submit(f"--array=0-{SLURM_COUNT - 1}", "--wrap", "/bin/true")
    if not wait_until(lambda: cluster.queued() == 0, 120, 0.1):
        raise RuntimeError("Slurm did not end the array")
