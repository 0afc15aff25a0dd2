"""A run is killed at any moment: readers see the old result or the new one, and the next run is as if nothing was."""

import datetime as dt
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crmkit import batch, frames
from crmkit.batch import locks, results
from crmkit.errors import UnreachableError

NOW = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
DAY = dt.date(2024, 6, 30)


def orders(file, customers):
    rows = [f"c{i % customers},2024-0{1 + i % 6}-{1 + i % 28:02d},{i}\n" for i in range(200)]
    file.write_text("customer_id,ordered_at,amount\n" + "".join(rows))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Two configs of one target, and what each publishes when nobody disturbs it."""
    folder = tmp_path_factory.mktemp("kills")
    for which, customers in (("a", 40), ("b", 50)):
        orders(folder / f"{which}.csv", customers)
        (folder / f"{which}.toml").write_text(
            f'as_of = 2024-06-30\nthreads = 1\n[sources.orders]\npath = "{which}.csv"\n[output]\nfolder = "out"\n'
            "[rooms.rfm]\n"
        )
        batch.run(batch.read_config(folder / f"{which}.toml", now=NOW))
        shutil.copytree(batch.published(folder / "out"), folder / which)
    return folder


def test_200_kills_leave_the_old_result_or_the_new_one(prepared):
    script = Path(__file__).with_name("batch_kills.py")
    done = subprocess.run(
        [sys.executable, str(script), str(prepared), "200", "3"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout)
    assert tally["died"] + tally["finished"] == 203
    assert tally["died"] >= 100, tally  # delays are spread evenly over 1.2 undisturbed runs of the same machine
    assert tally["old"] > 0
    assert tally["left"] <= 2, tally  # the result, and the one that it replaced


def test_two_runs_at_once_one_says_so(prepared):
    config = batch.read_config(prepared / "a.toml", now=NOW)
    lock = prepared / "out" / ".crmkit" / "lock"
    with (
        locks.held(lock, wait_seconds=0),
        pytest.raises(UnreachableError, match=r"Another run \(process \d+\) writes to this target"),
    ):
        batch.run(config, wait_seconds=0.1)
    assert batch.run(config).day == DAY


def test_one_waits_for_the_other(prepared):
    code = "import sys, time; from pathlib import Path; from crmkit.batch import locks\n"
    code += "with locks.held(Path(sys.argv[1]), wait_seconds=0):\n    print('held', flush=True); time.sleep(0.3)"
    lock = prepared / "out" / ".crmkit" / "lock"
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        began = time.monotonic()
        with locks.held(lock, wait_seconds=30):
            assert time.monotonic() - began > 0.05
        other.wait()


def test_the_lock_of_the_dead_is_free(tmp_path):
    code = "import os, signal, sys; from pathlib import Path; from crmkit.batch import locks\n"
    code += "with locks.held(Path(sys.argv[1]), wait_seconds=0):\n    os.kill(os.getpid(), signal.SIGKILL)"
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], check=False)
    assert died.returncode == -9
    with locks.held(tmp_path / "lock", wait_seconds=0):
        pass


def test_a_disk_error_in_the_middle_of_writing_leaves_the_old_result(prepared, monkeypatch):
    before = batch.published(prepared / "out")
    whole, written = frames.Database.write, []

    def full(self, name, file, form):
        if written:
            raise UnreachableError(f"{file} can't be written: No space left on device.")
        written.append(name)
        whole(self, name, file, form)

    monkeypatch.setattr(frames.Database, "write", full)
    with pytest.raises(UnreachableError, match="No space left on device"):
        batch.run(batch.read_config(prepared / "b.toml", now=NOW))
    assert batch.published(prepared / "out") == before
    assert (before / results.MANIFEST).is_file()
