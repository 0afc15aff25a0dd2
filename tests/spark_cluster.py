"""A standalone Spark cluster of processes on loopback: a master, workers of one core each, a session on it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_PATIENCE = 60.0  # seconds until a process of Spark has said that it is there, on a busy machine
# As in tests/engines.py: a JVM of short jobs starts and warms in a third of the time.
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Duser.timezone=UTC"


class Cluster:
    """Processes of a cluster, each started by this one and ended by its number.

    Attributes
    ----------
    url : str
        Of the master.
    workers : dict of str to Popen
        Those that were started and not killed, by name.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._master = self._started("master", "master.Master", "--port", "0")
        self.url = self._said("master", r"Starting Spark master at (spark://\S+)")

    def add_worker(self, name: str, *, memory: str = "1g") -> None:
        """Start a worker of one core, and wait until the master knows it."""
        work = self._place / name
        self.workers[name] = self._started(
            name, "worker.Worker", "--cores", "1", "--memory", memory, "--port", "0", "--work-dir", str(work), self.url
        )
        self._said(name, r"Successfully registered with master (\S+)")

    def executors(self, name: str) -> list[int]:
        """Numbers of the processes that a worker has started."""
        return _children([self.workers[name].pid])

    def pythons(self) -> list[int]:
        """Numbers of the processes that the executors have started: Python, for what Spark can't say itself."""
        found: list[int] = []
        parents = [pid for name in self.workers for pid in self.executors(name)]
        while parents := _children(parents):
            found += parents
        return found

    def kill_worker(self, name: str) -> int:
        """Kill a worker and its executors as a machine dies, without a word; gives the number of executors."""
        executors = self.executors(name)
        worker = self.workers.pop(name)
        for pid in (worker.pid, *executors):
            os.kill(pid, signal.SIGKILL)
        worker.wait()
        shutil.rmtree(self._place / f"{name}.blocks")  # a machine takes its disk along
        return len(executors)

    def processor_seconds(self) -> float:
        """Processor time that the executors which are running have used, with the Python that they started."""
        pids = (*(pid for name in self.workers for pid in self.executors(name)), *self.pythons())
        # Own, and that of processes which have ended.
        ticks = [sum(map(int, text.rsplit(")", 1)[1].split()[11:15])) for text in _told_of(pids, "stat")]
        return sum(ticks) / os.sysconf("SC_CLK_TCK")

    def python_peak(self) -> int:
        """Most bytes that one of the running Python processes of the executors has held."""
        found = re.findall(r"VmHWM:\s+(\d+) kB", "".join(_told_of(self.pythons(), "status")))
        return 1024 * max(map(int, found), default=0)

    def stop(self) -> None:
        """End what was started: executors go with their worker."""
        for process in (*self.workers.values(), self._master):
            process.terminate()
        for process in (*self.workers.values(), self._master):
            process.wait(timeout=_PATIENCE)

    def _started(self, name: str, of: str, *options: str) -> subprocess.Popen[bytes]:
        import pyspark

        home = Path(pyspark.__file__).parent
        blocks = self._place / f"{name}.blocks"
        blocks.mkdir()
        told = {
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",  # where pages listen, too
            "SPARK_LOCAL_DIRS": str(blocks),
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": _JAVA,
        }
        line = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{of}", "--host", "127.0.0.1"]
        with (self._place / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*line, "--webui-port", "0", *options], env={**os.environ, **told}, stdout=log, stderr=log
            )

    def _said(self, name: str, pattern: str) -> str:
        log, end = self._place / f"{name}.log", time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            found = re.search(pattern, log.read_text(errors="replace"))
            if found:
                return found[1]
            time.sleep(0.1)
        raise RuntimeError(f"{name} did not say {pattern!r}: {log.read_text(errors='replace')[-2000:]}")


def _children(parents: Sequence[int]) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [pid for pid, parent in pairs if parent in parents]


def _told_of(pids: Iterable[int], name: str) -> Iterator[str]:
    for pid in pids:
        with suppress(OSError):  # it has ended since
            yield Path(f"/proc/{pid}/{name}").read_text()


@contextmanager
def cluster(*workers: str, memory: str = "1g") -> Iterator[Cluster]:
    """Start a master and workers; end them, and remove what they wrote."""
    with tempfile.TemporaryDirectory(prefix="crmkit-cluster-") as place:
        made = Cluster(Path(place))
        try:
            for name in workers:
                made.add_worker(name, memory=memory)
            yield made
        finally:
            made.stop()


@contextmanager
def session(master: str, settings: Mapping[str, str]) -> Iterator[Any]:
    """Start this process's Spark on a master; a JVM holds but one, so a process does this once."""
    from pyspark.sql import SparkSession

    with tempfile.TemporaryDirectory(prefix="crmkit-driver-") as place:
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        own = {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": f"{_JAVA} -Djava.io.tmpdir={place}",
            "spark.executor.extraJavaOptions": _JAVA,
            "spark.local.dir": place,
            "spark.sql.warehouse.dir": f"{place}/warehouse",
            "spark.sql.session.timeZone": "UTC",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            **settings,
        }
        builder = SparkSession.builder.master(master).appName("crmkit-cluster")
        for key, value in own.items():
            builder = builder.config(key, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # py4j's open pipe; pandas 3
            spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("OFF")  # lost executors are what is tested
        try:
            yield spark
        finally:
            spark.stop()
