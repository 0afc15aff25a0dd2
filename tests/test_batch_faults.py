"""What goes wrong at night, for real: disks that fill, sources that die, rights that lack, kills, wrong bytes."""

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from crmkit import batch
from crmkit.errors import ConfigError, SchemaError, UnreachableError
from tests.test_batch import HEAD, NOW, ORDERS, OUT, frame, table_bytes, written

RFM = '[rooms.rfm]\nscheme = "types"\n'
FOLDER, DATABASE = '[output]\nfolder = "out"\n', '[output]\nduckdb = "out.duckdb"\n'
NOBODY = 65534
IS_ROOT = os.geteuid() == 0


@contextmanager
def files_up_to(size):
    """Let no file grow beyond so many bytes, as a quota does; Python ignores the signal, so that it is an error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def nobody():
    """Be another user, without root's rights."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def many(folder, customers=4000):
    """Orders of so many customers, with names that do not pack."""
    rows = [f"{os.urandom(16).hex()},2024-06-{1 + i % 28:02d},{1 + i % 90}\n" for i in range(customers)]
    (folder / "orders.csv").write_text("customer_id,ordered_at,amount\n" + "".join(rows))


def seen(folder):
    """Bytes of the results in a folder, or the rows in a database, as a reader finds them."""
    if (folder / "out").is_dir():
        return table_bytes(folder)
    with duckdb.connect(str(folder / "out.duckdb"), read_only=True) as other:
        return other.execute("from rfm_segments order by all").fetchall()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 MB, where the machine allows one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "crmkit-test", str(place)]
    if not IS_ROOT or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small tmpfs; the tests by RLIMIT_FSIZE run anywhere")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("output", [FOLDER, DATABASE])
def test_a_full_disk_leaves_the_old_result(small_disk, output):
    config = written(small_disk, HEAD + ORDERS + output + RFM)
    batch.run(config)
    before = seen(small_disk)
    many(small_disk)
    (small_disk / "ballast").write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - 40_000))
    with pytest.raises(UnreachableError, match=r"can't be written|No space left on device"):
        batch.run(config)
    assert seen(small_disk) == before
    (small_disk / "ballast").unlink()
    batch.run(config)  # nothing stands in the way of the next
    assert seen(small_disk) != before


@pytest.mark.parametrize("output", [FOLDER, DATABASE])
def test_a_quota_leaves_the_old_result(tmp_path, output):
    config = written(tmp_path, HEAD + ORDERS + output + RFM)
    batch.run(config)
    before = seen(tmp_path)
    many(tmp_path)
    size = 30_000  # less than the large result, and less than what the database logs of it
    with files_up_to(size), pytest.raises(UnreachableError, match=r"can't be written"):
        batch.run(config)
    assert seen(tmp_path) == before
    batch.run(config)
    assert seen(tmp_path) != before


def test_a_database_that_took_the_result_but_cannot_merge_its_log_has_the_result(tmp_path):
    # The log of the transaction fits, the file of the database may not grow: what is committed is there, and is said.
    config = written(tmp_path, HEAD + ORDERS + DATABASE + RFM)
    batch.run(config)
    before = seen(tmp_path)
    many(tmp_path)
    with files_up_to((tmp_path / "out.duckdb").stat().st_size + 4096):
        batch.run(config)
    found = seen(tmp_path)
    assert len(found) == 4000
    assert found != before
    batch.run(config)
    assert seen(tmp_path) == found


def test_no_room_to_spill_is_said(tmp_path):
    # 60,000 names of 400 signs are 24 MB and more in memory, and no file may have more than 64 kB.
    rows = "".join(f"{i:0400d},2024-06-01,5\n" for i in range(60_000))
    config = written(tmp_path, HEAD + 'memory = "40MB"\n' + ORDERS + OUT + 'scheme = "types"\n')
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at,amount\n" + rows)
    with files_up_to(65_536), pytest.raises(UnreachableError):
        batch.run(config)
    assert not (tmp_path / "out" / "latest").exists()


@pytest.mark.parametrize("kind", ["parquet", "csv.gz", "duckdb", "fifo", "folder"])
def test_a_source_that_dies_in_the_middle_is_said(tmp_path, kind):
    path, more = {"folder": "parts", "fifo": "orders.csv"}.get(kind, f"orders.{kind}"), ""
    if kind == "parquet":
        duckdb.from_df(frame()).write_parquet(str(tmp_path / path))
    elif kind == "csv.gz":
        (tmp_path / path).write_bytes(gzip.compress(frame().to_csv(index=False).encode(), mtime=0))
    elif kind == "duckdb":
        with duckdb.connect(str(tmp_path / path)) as other:
            other.register("log", frame())
            other.execute("create table orders as from log")
        more = 'table = "orders"\n'
    elif kind == "folder":
        (tmp_path / path).mkdir()
        for part in (0, 1):
            duckdb.from_df(frame()).write_parquet(str(tmp_path / path / f"{part}.parquet"))
    source = f'[sources.orders]\npath = "{path}"\n{more}'
    config = written(tmp_path, HEAD + source + FOLDER + RFM, orders=False)
    before = None
    if kind == "fifo":
        os.mkfifo(tmp_path / path)  # nobody will ever write to it: a run that opened it would wait for ever
    else:
        batch.run(config)
        before = table_bytes(tmp_path)
        whole = tmp_path / path / "1.parquet" if kind == "folder" else tmp_path / path
        os.truncate(whole, whole.stat().st_size // 2)
    with pytest.raises((UnreachableError, SchemaError), match="orders"):
        batch.run(config)
    assert before is None or table_bytes(tmp_path) == before


@pytest.mark.skipif(not IS_ROOT, reason="needs the right to be another user")
def test_rights_that_lack_are_said():
    with tempfile.TemporaryDirectory() as place:  # pytest's folders are closed to others
        folder = Path(place)
        folder.chmod(0o755)
        config, orders = written(folder, HEAD + ORDERS + FOLDER + RFM), folder / "orders.csv"
        with nobody(), pytest.raises(UnreachableError, match=r"can't be written: Permission denied"):
            batch.run(config)
        (folder / "out").mkdir()
        os.chown(folder / "out", NOBODY, NOBODY)
        orders.chmod(0o600)
        with nobody(), pytest.raises(UnreachableError, match=r"orders.csv can't be read: Permission denied"):
            batch.run(config)
        orders.chmod(0o644)
        with nobody():
            batch.run(config)
        before, store = table_bytes(folder), folder / "out" / ".crmkit" / "store"
        os.chown(store, 0, 0)
        with nobody(), pytest.raises(UnreachableError, match=r"can't be written: Permission denied"):
            batch.run(config)
        assert table_bytes(folder) == before
        (folder / "c.toml").chmod(0o600)
        with nobody(), pytest.raises(ConfigError, match=r"the config can't be read: Permission denied"):
            batch.read_config(folder / "c.toml", now=NOW)


def test_40_kills_leave_a_database_with_the_old_result_or_the_new_one(tmp_path):
    for which, rows in (("a", frame()), ("b", frame().head(100))):
        place = tmp_path / which
        place.mkdir()
        batch.run(written(place, HEAD + ORDERS + FOLDER + RFM, orders=rows))
        for file in batch.published(place / "out").glob("*.parquet"):
            shutil.copy(file, place)
    script = Path(__file__).with_name("batch_database_kills.py")
    done = subprocess.run([sys.executable, str(script), str(tmp_path), "40"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout)
    assert tally["died"] + tally["finished"] == 40
    assert tally["died"] >= 15, tally  # delays are spread evenly over 1.2 undisturbed runs
    assert tally["old"] > 0


def test_more_threads_give_the_same_tables(tmp_path):
    # 300,000 rows are three row groups of DuckDB: with four threads several work on them. Amounts have two decimals,
    # and money is rounded to six: what differs in the last bits of a sum is not seen.
    rows = "".join(f"c{i * 7919 % 5000},2024-0{1 + i % 6}-{1 + i % 28:02d},{i % 977 / 100}\n" for i in range(300_000))
    found = {}
    for threads in (1, 4):
        text = f"as_of = 2024-06-30\nthreads = {threads}\n" + ORDERS + FOLDER + "[rooms.rfm]\n"
        config = written(tmp_path, text, orders=False)
        (tmp_path / "orders.csv").write_text("customer_id,ordered_at,amount\n" + rows)
        batch.run(config)
        found[threads] = table_bytes(tmp_path)
    assert found[1] == found[4]


def test_one_wrong_byte_near_the_end_of_64_megabytes(tmp_path):
    # The same by hand on 2 GB: see docs/batch.md. Few rows, and a wide column that no table knows.
    row = b"c%d,2024-06-01,5," + b"x" * 6000 + b"\n"
    with (tmp_path / "orders.csv").open("wb") as opened:
        opened.write(b"customer_id,ordered_at,amount,remark\n")
        opened.writelines(row % (i % 50) for i in range(10_600))
        opened.write(b"c1,2024-06-01,5,caf\xe9\n")
        opened.writelines(row % i for i in range(20))
    assert (tmp_path / "orders.csv").stat().st_size > 63_000_000
    with pytest.raises(SchemaError, match=r"(?s)unicode.*Line: 10602|Line: 10602.*unicode|10602"):
        batch.check(written(tmp_path, HEAD + ORDERS + OUT, orders=False))
    (table,) = batch.check(written(tmp_path, HEAD + 'bad_rows = "set_aside"\n' + ORDERS + OUT, orders=False))
    assert (table.rows_in, table.rows_kept, table.rows_aside) == (10_621, 10_620, 1)
    assert "(first: line 10602: " in table.errors[0]


def test_a_csv_column_that_changes_overnight_is_named_and_the_old_result_stays(tmp_path):
    config = written(tmp_path, HEAD + ORDERS + FOLDER + RFM)
    batch.run(config)
    before = table_bytes(tmp_path)
    frame().assign(amount="12,50 EUR").to_csv(tmp_path / "orders.csv", index=False)
    with pytest.raises(SchemaError, match=r"^orders.amount: \d+ of \d+ rows can't be read as plain numbers"):
        batch.run(config)
    frame().rename(columns={"amount": "betrag"}).to_csv(tmp_path / "orders.csv", index=False)
    with pytest.raises(SchemaError, match=r"^orders: column 'amount' is missing"):
        batch.run(config)
    assert table_bytes(tmp_path) == before


def test_an_hour_that_is_missing_or_comes_twice_stays_on_its_day(tmp_path):
    # Paris: 2024-03-31 has no 02:30, 2024-10-27 has two; days are counted right on both.
    rows = ["a,2024-03-31 02:30:00,1", "b,2024-10-27 02:30:00,1", "b,2024-10-27 02:30:00,2"]
    text = 'as_of = 2024-10-28\nthreads = 1\ntime_zone = "Europe/Paris"\n' + ORDERS + FOLDER + RFM
    config = written(tmp_path, text, orders=False)
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at,amount\n" + "\n".join(rows) + "\n")
    batch.run(config)
    with duckdb.connect() as other:
        file = batch.published(tmp_path / "out") / "rfm_segments.parquet"
        found = other.execute(
            f"select customer_id, left(last_order_day::varchar, 10), days_since_order::int from '{file}' order by 1"
        ).fetchall()
    assert found == [("a", "2024-03-31", 211), ("b", "2024-10-27", 1)]
