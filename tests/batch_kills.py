"""Kill children while they publish, over and over; say what readers saw.

DuckDB is imported before the forks and opened in the children only: they begin without threads of it.
"""

import datetime as dt
import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from crmkit import batch, frames
from crmkit.batch import locks, results

DAY = dt.date(2024, 6, 30)


def digest(folder):
    """Bytes of all tables of a result; the manifest holds durations."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != results.MANIFEST)
    whole = hashlib.sha256()
    for file in files:
        whole.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return whole.hexdigest()


def seen(out):
    """What a reader sees: the digest behind `latest`; all other results must be whole, too."""
    for link in (out / "runs").iterdir():
        json.loads((link / results.MANIFEST).read_text())
    assert [link.name for link in (out / "runs").iterdir()] == [DAY.isoformat()]
    return digest(batch.published(out))


def publish(folder, which):
    """Publish one of two prepared results, as `run` does after its rooms."""
    target = results.FolderTarget(folder / "out", "parquet")
    with locks.held(target.home / "lock", wait_seconds=0):
        target.prepare()
        database = frames.Database(target.home / "work" / "spill", threads=1)
        tables = ["rfm_segments", "rfm_summary"]
        for table in tables:
            database.read_parquet(table, [folder / which / f"{table}.parquet"])
        manifest = json.loads((folder / which / results.MANIFEST).read_text())
        target.publish(database, tables, DAY, manifest)


def whole_run(folder, which):
    """Read, check, do the rooms, publish."""
    batch.run(batch.read_config(folder / f"{which}.toml", now=dt.datetime(2024, 7, 1, tzinfo=dt.UTC)))


def killed(job, folder, which, seconds):
    """Fork a child that does the job, kill it after so many seconds; tell whether it died in the middle."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            job(folder, which)
            code = 0
        finally:
            os._exit(code)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)  # not waited for yet: the number is still the child's
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        return False
    return True


def undisturbed(job, folder, which):
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        job(folder, which)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return time.monotonic() - began


def main(folder, kills, whole_kills):
    rng, out = random.Random(1), folder / "out"
    known = {which: digest(folder / which) for which in ("a", "b")}
    tally = {"died": 0, "finished": 0, "old": 0, "new": 0}
    for job, times in ((publish, kills), (whole_run, whole_kills)):
        # The quickest of four: the first ones are slow, and delays beyond the end of a run kill nobody.
        took = 1.2 * min(undisturbed(job, folder, which) for which in "abab")
        for i in range(times):
            which, other = "ab"[i % 2], "ba"[i % 2]
            if seen(out) == known[which]:
                undisturbed(publish, folder, other)
            died = killed(job, folder, which, rng.uniform(0, took))
            tally["died" if died else "finished"] += 1
            found = seen(out)
            assert found in (known["a"], known["b"]), "half a result"
            assert died or found == known[which]
            tally["new" if found == known[which] else "old"] += 1
        undisturbed(job, folder, "a")
        assert seen(out) == known["a"]
    left = sorted(place.name for place in (out / ".crmkit" / "store").iterdir())
    tally["left"] = len(left)
    sys.stdout.write(json.dumps(tally))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
