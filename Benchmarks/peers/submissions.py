"""Durable submissions in a second, beside what the disk can do."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from heng_daemon import HengDaemon
from measurement import load, seconds, wait_until

NAME = "durable submissions"
SERIAL, AT_ONCE = 16, 48
QUEUED = "queued, null executor of 1 h tasks"


def round_of(run, number):
    heng(run)
    if run.slurm:
        slurm(run)


def heng(run):
    before = load()
    with HengDaemon(run.build, f"{run.folder}/heng", "--executor", "null", "--null-duration", "3600000") as daemon:
        text = subprocess.run([f"{run.build}/daemon-load", daemon.folder, "1"], env=daemon.environment,
                              capture_output=True, text=True, check=True).stdout
        sync, one, eight = (int(word) for word in re.search(r"medians: (\d+) +(\d+) +(\d+)", text).groups())
        array = float(re.search(r"array of 10000: ([0-9.]+) ms", text).group(1))
        add = run.figures.add
        add(NAME, "append of 4 KiB and fdatasync", "1/s", sync, "0.5 s", "serial", before)
        add(NAME, "hengd, 1 client, one connection", "1/s", one, "0.5 s", QUEUED, before)
        add(NAME, "hengd, 1 client: part of the fdatasync rate", "", one / sync, "0.5 s", QUEUED, before)
        add(NAME, "hengd, 8 clients", "1/s", eight, "0.5 s", QUEUED, before)
        add(NAME, "hengd, 8 clients over 1 client", "", eight / one, "0.5 s", QUEUED, before)
        add(NAME, "hengd, an array of 10,000", "ms", array, "10,000", "held, null executor", before)

        def submit(_):
            daemon.heng("submit", "--cores", "1", "-o", "/dev/null", "-q", "--", "/bin/true")

        processes(run, "`heng submit`", submit, QUEUED)


def slurm(run):
    cluster = run.slurm

    def submit(_):
        cluster.submit("--hold", "--wrap", "/bin/true")

    processes(run, "Slurm, `sbatch`, not durable", submit, "held")
    before = load()
    array = seconds(lambda: cluster.submit("--hold", "--array=0-999", "--wrap", "/bin/true"))
    run.figures.add(NAME, "Slurm, an array of 1,000, not durable", "ms", array * 1000, "1,000", "held", before)
    cluster.clear()


def processes(run, name, submit, mode):
    """A process for each submission, as from a shell."""
    for count, clients, text in ((SERIAL, 1, "one after the other"), (AT_ONCE, 8, "8 at once")):
        before = load()
        rate = count / seconds(lambda: each(submit, count, clients))
        run.figures.add(NAME, f"{name}, {text}", "1/s", rate, str(count), f"{mode}, a process each", before)


def each(body, count, clients):
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(body, range(count)))


def once(run):
    """How many acknowledged submissions are there after kill -9 at once after the last one."""
    before = load()
    with HengDaemon(run.build, f"{run.folder}/heng", "--executor", "null", "--null-duration", "3600000") as daemon:
        each(lambda _: daemon.heng("submit", "--cores", "1", "-o", "/dev/null", "-q", "--", "/bin/true"), 40, 8)
        daemon.kill()
        daemon.start()
        wait_until(daemon.answers, 30)
        run.figures.add(NAME, "hengd: acknowledged jobs there after kill -9 at once", "of 40", len(daemon.jobs()), "40",
                        QUEUED, before)
    if not run.slurm:
        return
    cluster = run.slurm
    before = load()
    wait_until(lambda: False, 6)
    each(lambda _: cluster.submit("--hold", "--wrap", "/bin/true"), 40, 8)
    cluster.kill_controller()
    cluster.start_controller()
    wait_until(cluster.answers, 30)
    run.figures.add(NAME, "Slurm: acknowledged jobs there after kill -9 at once", "of 40", cluster.queued(), "40",
                    "held", before)
    cluster.clear()
