"""From the restart after kill -9 to the first answer, with 10,000 jobs queued and 50 running."""

import os
import time

from heng_daemon import HengDaemon
from measurement import load, wait_until

NAME = "restart after kill -9"


def round_of(run, number):
    before = load()
    with HengDaemon(run.build, f"{run.folder}/heng") as daemon:
        daemon.heng("submit", "--array", "0-49", "--cores", "0.02", "-o", "/dev/null", "-q", "--", "sleep", "600")
        daemon.heng("submit", "--array", "0-9999", "--cores", "2", "-o", "/dev/null", "-q", "--", "/bin/true")
        if not wait_until(lambda: len(processes()) == 50, 60, 0.2):
            raise RuntimeError(f"only {len(processes())} of 50 jobs run")
        time.sleep(1)
        earlier = processes()
        daemon.kill()
        begin = time.monotonic()
        daemon.start()
        wait_until(daemon.answers, 60, 0.005)
        taken = time.monotonic() - begin
        mode = "50 real `sleep` of 0.02 cores each, 10,000 of 2 cores wait"
        run.figures.add(NAME, "hengd to the first answer of `heng status`", "s", taken, "10,050", mode, before)
        wait_until(lambda: daemon.states().get("RUNNING") == 50, 10, 0.2)
        rows = daemon.jobs()
        lost = 10_050 - len(rows)
        again = sum(row["attempt"] != 1 for row in rows if row["state"] == "RUNNING") + len(processes() ^ earlier)
        run.figures.add(NAME, "hengd: jobs lost", "", lost, "10,050", mode, before)
        run.figures.add(NAME, "hengd: running jobs lost or started again", "", again, "50", mode, before)
        daemon.heng("cancel", *sorted({str(row["arrayJob"]) for row in rows}))
        wait_until(lambda: not processes(), 30, 0.2)
    if run.slurm:
        slurm(run, number)


def processes():
    """The `sleep 600` of this machine."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if file.read() == b"sleep\x00600\x00":
                        found.add(int(entry))
            except OSError:
                continue
    return found


def slurm(run, number):
    cluster = run.slurm
    before = load()
    cluster.submit("--hold", "--array=0-9999", "--wrap", "/bin/true")
    # Its state is saved every five seconds; this is what it does without loss.
    time.sleep(8)
    cluster.kill_controller()
    begin = time.monotonic()
    cluster.start_controller()
    wait_until(cluster.answers, 60, 0.005)
    run.figures.add(NAME, "Slurm to the first answer of `squeue`", "s", time.monotonic() - begin, "10,000",
                    "an array, held, saved 8 s before, none running", before)
    cluster.clear()
