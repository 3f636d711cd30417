"""A hengd of its own, in a state folder of its own."""

import json
import os
import shutil
import signal
import subprocess

from measurement import wait_until


class HengDaemon:
    def __init__(self, build, folder, *options):
        self.build, self.folder, self.options = build, folder, list(options)
        self.process = None
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.environment = dict(os.environ, HENG_STATE_DIR=folder)

    def __enter__(self):
        self.start()
        if not wait_until(self.answers, 20):
            raise RuntimeError(f"hengd does not answer; see {self.folder}/hengd.log")
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.process = subprocess.Popen(
            [f"{self.build}/hengd", "--state", self.folder, *self.options], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def heng(self, *words, check=True):
        result = subprocess.run(
            [f"{self.build}/heng", *words], env=self.environment, capture_output=True, text=True)
        if check and result.returncode != 0:
            raise RuntimeError(f"heng {' '.join(words)}: {result.stderr.strip()}")
        return result

    def answers(self):
        return self.heng("status", "--json", check=False).returncode == 0

    def jobs(self):
        return json.loads(self.heng("jobs", "--all", "--json").stdout)["rows"]

    def states(self):
        counts = {}
        for row in self.jobs():
            counts[row["state"]] = counts.get(row["state"], 0) + 1
        return counts
