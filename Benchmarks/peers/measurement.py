"""Figures of repeated rounds, and the machine they were taken on."""

import os
import platform
import random
import statistics
import subprocess
import time


def load():
    return round(os.getloadavg()[0], 2)


def machine():
    model = "unknown"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    kind = subprocess.run(["stat", "-f", "-c", "%T", "."], capture_output=True, text=True).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory GiB": round(memory, 1),
        "kernel": platform.release(),
        "file system": kind,
        "day": time.strftime("%Y-%m-%d"),
    }


def interval(values, draws=2000):
    """The 95 % bootstrap interval of the median; with under 5 values the smallest and the largest."""
    if len(values) < 5:
        return min(values), max(values)
    source = random.Random(1)
    medians = sorted(statistics.median(source.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(draws * 0.025)], medians[int(draws * 0.975)]


class Figures:
    """The values of each series, in the order in which they were taken."""

    def __init__(self):
        self.series = {}

    def add(self, comparison, name, unit, value, tasks, mode, load_before):
        entry = self.series.setdefault((comparison, name), {
            "comparison": comparison, "name": name, "unit": unit, "tasks": tasks, "mode": mode,
            "values": [], "load before": [], "load after": []})
        entry["values"].append(value)
        entry["load before"].append(load_before)
        entry["load after"].append(load())
        print(f"{comparison}: {name}: {shown(value)} {unit}", flush=True)

    def summary(self):
        entries = []
        for entry in self.series.values():
            low, high = interval(entry["values"])
            entries.append(dict(entry, median=statistics.median(entry["values"]), low=low, high=high,
                                minimum=min(entry["values"]), maximum=max(entry["values"])))
        return entries


def shown(value):
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def table(entries):
    lines = [
        "| what | mode | tasks | rounds | median | interval | unit | load before, after |",
        "|---|---|---|---|---|---|---|---|"]
    for entry in entries:
        loads = f"{statistics.median(entry['load before']):.1f}, {statistics.median(entry['load after']):.1f}"
        lines.append(
            f"| {entry['name']} | {entry['mode']} | {entry['tasks']} | {len(entry['values'])} | "
            f"{shown(entry['median'])} | {shown(entry['low'])} to {shown(entry['high'])} | {entry['unit']} | {loads} |")
    return "\n".join(lines)


def seconds(body):
    begin = time.monotonic()
    body()
    return time.monotonic() - begin


def wait_until(condition, limit, pause=0.02):
    """Whether the condition came true within the limit, in seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(pause)
    return False
