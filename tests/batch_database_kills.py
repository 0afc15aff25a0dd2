"""Kill children while they publish into one DuckDB file, over and over; say what readers saw.

The file is opened in children only: a fork begins without threads of DuckDB.
"""

import datetime as dt
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import duckdb

from crmkit import frames
from crmkit.batch import locks, results

DAY = dt.date(2024, 6, 30)
TABLES = ("rfm_segments", "rfm_summary")


def publish(folder, which):
    """Publish one of two prepared results, as `run` does after its rooms."""
    target = results.DuckDBTarget(folder / "out.duckdb")
    with locks.held(target.home / "lock", wait_seconds=0):
        target.prepare()
        target.days()
        database = frames.Database(target.home / "work" / "spill", threads=1)
        for table in TABLES:
            database.read_parquet(table, [folder / which / f"{table}.parquet"])
        target.publish(database, TABLES, DAY, {"which": which})
        database.close()


def forked(job):
    """Run a job in a child; gives its number and what it writes to."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            os.write(writer, json.dumps(job()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    return child, reader


def answer(child, reader):
    with os.fdopen(reader, "rb") as opened:
        said = opened.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(said)


def seen(folder):
    """What a reader sees: the name in the manifest, and a digest of each table; one day, each row once."""

    def look():
        with duckdb.connect(str(folder / "out.duckdb"), read_only=True) as other:
            (manifest,) = other.execute("select manifest from crmkit_runs").fetchall()
            digests = [
                other.execute(f"select count(*)::int, sum(hash(t))::varchar from {table} t").fetchall()[0]
                for table in TABLES
            ]
        return [json.loads(manifest[0])["which"], digests]

    return answer(*forked(look))


def main(folder, kills):
    rng, known, took = random.Random(1), {}, []
    for which in "abab":
        began = time.monotonic()
        answer(*forked(lambda which=which: publish(folder, which)))
        took.append(time.monotonic() - began)
        known[which] = seen(folder)
    assert known["a"] != known["b"]
    tally = {"died": 0, "finished": 0, "old": 0, "new": 0}
    for i in range(kills):
        which = "ab"[i % 2]
        if seen(folder) == known[which]:
            answer(*forked(lambda which=which: publish(folder, "ab"["ba".index(which)])))
        child, reader = forked(lambda which=which: publish(folder, which))
        os.close(reader)
        time.sleep(rng.uniform(0, 1.2 * min(took)))
        os.kill(child, signal.SIGKILL)  # not waited for yet: the number is still the child's
        died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        tally["died" if died else "finished"] += 1
        found = seen(folder)
        assert found in (known["a"], known["b"]), "half a result"
        tally["new" if found == known[which] else "old"] += 1
    answer(*forked(lambda: publish(folder, "a")))
    assert seen(folder) == known["a"]
    sys.stdout.write(json.dumps(tally))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
