"""Kill runs while they write to a server, over and over; say what readers saw."""

import datetime as dt
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from crmkit import batch
from crmkit.batch.postgresql.connection import Connection
from crmkit.batch.postgresql.urls import Server

TABLES = ("rfm_segments", "rfm_summary", "crmkit_runs")


def seen(url):
    """What a reader sees: the rows of all tables, without what a manifest says of durations."""
    connection = Connection(Server(url, "CRM_PASSWORD"), "reader")
    try:
        rows = [
            connection.rows(
                f"select t::text from crm_results.{table} t order by 1"
                if table != "crmkit_runs"
                else f"select manifest->'inputs', manifest->'jobs' from crm_results.{table}"
            )
            for table in TABLES
        ]
    finally:
        connection.close()
    return str(rows)


def child(folder, which):
    """Fork a run that tells when it begins to write; its process and the end of the pipe."""
    told, tell = os.pipe()
    process = os.fork()
    if process == 0:
        code = 1
        try:
            config = batch.read_config(folder / f"{which}.toml", now=dt.datetime(2024, 7, 1, tzinfo=dt.UTC))
            # The server notices the death of the run before in its own time.
            batch.run(config, wait_seconds=30, step=lambda step: step == "publish" and os.write(tell, b"!"))
            code = 0
        finally:
            os._exit(code)
    os.close(tell)
    os.read(told, 1)
    os.close(told)
    return process


def ended(process):
    status = os.waitpid(process, 0)[1]
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        return True
    return False


def main(folder, url, kills):
    rng, known, took = random.Random(1), {}, []
    for which in "ab":
        process, began = child(folder, which), time.monotonic()
        assert ended(process)
        took.append(time.monotonic() - began)
        known[which] = seen(url)
    assert known["a"] != known["b"]
    tally = {"died": 0, "finished": 0, "old": 0, "new": 0}
    last = "b"
    for _ in range(kills):
        which = "b" if last == "a" else "a"
        process = child(folder, which)
        time.sleep(rng.uniform(0, 1.2 * min(took)))
        os.kill(process, signal.SIGKILL)  # not waited for yet: the number is still the child's
        finished = ended(process)
        wait_for_the_server(url)
        found = seen(url)
        assert found in known.values(), "half a result"
        assert not finished or found == known[which]
        tally["finished" if finished else "died"] += 1
        tally["new" if found == known[which] else "old"] += 1
        last = which if found == known[which] else last
    assert ended(child(folder, "a"))
    assert seen(url) == known["a"]
    sys.stdout.write(json.dumps(tally))


def wait_for_the_server(url):
    """Wait until the session of the killed run is gone: a commit that has begun may still succeed."""
    connection = Connection(Server(url, "CRM_PASSWORD"), "reader")
    query = "select count(*) from pg_stat_activity where application_name = 'crmkit' and pid <> pg_backend_pid()"
    while connection.rows(query)[0][0]:
        time.sleep(0.01)
    connection.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
