"""The work inside a virtual device: counts for a while from a given moment on, or takes memory until it is ended.

    worker.py count BEGIN SECONDS PROCESSES OUTPUT     BEGIN is a time of CLOCK_MONOTONIC
    worker.py take MEBIBYTES PROCESSES
"""

import json
import os
import sys
import time


def count(begin, length, processes, output):
    """Each process counts alone; the sums are of the same stretch of time for all."""
    results = []
    children = []
    for _ in range(processes):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(reader)
            while time.monotonic() < begin:
                time.sleep(max(0, min(0.01, begin - time.monotonic())))
            end, steps, before = begin + length, 0, time.process_time()
            while time.monotonic() < end:
                for _ in range(2000):
                    steps += 1
            os.write(writer, json.dumps([steps, time.process_time() - before]).encode())
            os._exit(0)
        os.close(writer)
        children.append(reader)
    for reader in children:
        results.append(json.loads(os.read(reader, 4096)))
        os.wait()
    with open(output + ".new", "w") as file:
        json.dump({"steps": sum(r[0] for r in results), "seconds": sum(r[1] for r in results)}, file)
    os.rename(output + ".new", output)


def take(mebibytes, processes):
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    held = []
    for _ in range(mebibytes):
        held.append(bytearray(os.urandom(4096) * 256))
    time.sleep(60)


if __name__ == "__main__":
    if sys.argv[1] == "count":
        count(float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        take(int(sys.argv[2]), int(sys.argv[3]))
