"""What an idle hengd takes, and what each queued job adds."""

import glob
import re
import time

from heng_daemon import HengDaemon
from measurement import load

NAME = "idle hengd"
QUEUED = 100_000


def round_of(run, number):
    before = load()
    with HengDaemon(run.build, f"{run.folder}/heng") as daemon:
        time.sleep(2)
        identifier = daemon.process.pid
        begin = switches(identifier)
        time.sleep(10)
        add = run.figures.add
        add(NAME, "wake-ups", "1/s", (switches(identifier) - begin) / 10, "0", "10 s, all threads", before)
        small = resident(identifier)
        add(NAME, "resident memory", "MiB", small / 1024, "0", "idle", before)
        for _ in range(QUEUED // 10_000):
            daemon.heng("submit", "--hold", "--array", "0-9999", "--cores", "1", "-o", "/dev/null", "-q", "--",
                        "/bin/true")
        time.sleep(1)
        large = resident(identifier)
        add(NAME, "resident memory for each queued job", "B", (large - small) * 1024 / QUEUED, f"{QUEUED:,}",
            "arrays of 10,000, held", before)


def switches(identifier):
    """The times that its threads went to sleep by their own will."""
    total = 0
    for path in glob.glob(f"/proc/{identifier}/task/*/status"):
        with open(path) as file:
            total += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", file.read(), re.M).group(1))
    return total


def resident(identifier):
    """In KiB."""
    with open(f"/proc/{identifier}/status") as file:
        return int(re.search(r"^VmRSS:\s*(\d+)", file.read(), re.M).group(1))
