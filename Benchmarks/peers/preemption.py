"""From the submission of a job that pushes another one aside to TERM of each process, and to its own start."""

import glob
import os
import shutil
import time

from heng_daemon import HengDaemon
from measurement import load, wait_until

NAME = "preemption"
PROCESSES = 4
GRACE = "grace 1 s, 4 processes that ignore TERM but for its time"


def round_of(run, number):
    heng(run)
    if run.slurm and number < run.preemption_trials:
        slurm(run)


def folder_of(run):
    folder = f"{run.folder}/preemption"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def stamped(folder):
    return glob.glob(f"{folder}/term-*")


def times(folder):
    result = []
    for path in stamped(folder):
        with open(path) as file:
            result.append(float(file.read() or "nan"))
    return result


def script(name):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def ready(folder):
    return len(glob.glob(f"{folder}/ready-*")) == PROCESSES


def report(run, name, folder, begin, before, mode=GRACE):
    with open(f"{folder}/high") as file:
        start = float(file.read())
    seen = times(folder)
    add = run.figures.add
    add(NAME, f"{name}: processes that saw TERM", f"of {PROCESSES}", len(seen), "2", mode, before)
    if seen:
        add(NAME, f"{name}: to TERM of the last process that saw it", "s", max(seen) - begin, "2", mode, before)
    add(NAME, f"{name}: to the start of the preemptor", "s", start - begin, "2", mode, before)


def started(folder):
    return os.path.exists(f"{folder}/high") and os.path.getsize(f"{folder}/high") > 0


def heng(run):
    folder = folder_of(run)
    before = load()
    with HengDaemon(run.build, f"{run.folder}/heng") as daemon:
        daemon.heng("queue", "set", "low", "--tier", "0", "--preemption", "requeue", "--grace", "1s", "-q")
        daemon.heng("queue", "set", "high", "--tier", "1", "-q")
        daemon.heng("submit", "-p", "low", "--cores", "2", "--grace", "1s", "-o", "/dev/null", "-q", "--",
                    script("stubborn_job"), folder)
        if not wait_until(lambda: ready(folder), 20):
            raise RuntimeError("the low job does not run")
        begin = time.time()
        daemon.heng("submit", "-p", "high", "--cores", "2", "-o", "/dev/null", "-q", "--",
                    script("stamp"), f"{folder}/high")
        if not wait_until(lambda: started(folder), 30):
            raise RuntimeError("the high job did not start")
        report(run, "hengd", folder, begin, before)
        daemon.heng("cancel", "1")
        wait_until(lambda: set(daemon.states()) <= {"CANCELLED", "COMPLETED", "FAILED"}, 10, 0.2)


def slurm(run):
    cluster, folder = run.slurm, folder_of(run)
    before = load()
    cluster.submit("-p", "low", "-n", str(cluster.cores), script("stubborn_job"), folder)
    if not wait_until(lambda: ready(folder), 30):
        raise RuntimeError("the low job does not run under Slurm")
    begin = time.time()
    cluster.submit("-p", "high", "-n", str(cluster.cores), script("stamp"), f"{folder}/high")
    if wait_until(lambda: started(folder), 150):
        report(run, "Slurm", folder, begin, before, f"{GRACE}; {cluster.mode}")
    else:
        print("Slurm did not start the high job within 150 s")
    cluster.clear()
