"""The command: the demonstration from end to end, exit codes, what is said when something is missing or full."""

import io
import json
import re
import subprocess
import sys

import duckdb
import pandas as pd
import pytest
from rich.console import Console

import crmkit
from crmkit import datasets, rfm
from crmkit.cli import demo as demo_job
from crmkit.cli import main
from crmkit.cli.progress import progress
from crmkit.errors import SchemaError

TABLES = ("purchase_summary", "segment_migration", "segment_moves", "segment_summary", "segments", "segments_before")
# As on a machine with the extras report, batch and lifetimes only: neither PyArrow nor Polars.
RUN = """
import sys
for absent in {absent}:
    sys.modules[absent] = None
from crmkit.cli import main
main()
"""


def crmkit_command(*arguments, absent=()):
    code = RUN.format(absent=list(absent))
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "new" / "out"
    return out, *crmkit_command("demo", "--out", str(out), absent=["pyarrow", "polars"])


def read(file):
    with duckdb.connect() as connection:
        return connection.read_parquet(str(file)).df()


def test_demo_writes_its_tables_and_page_and_nothing_else(demo):
    out, code, _, _ = demo
    assert code == 0
    assert sorted(file.name for file in out.iterdir()) == sorted(["report.html", *(f"{t}.parquet" for t in TABLES)])
    assert (out / "report.html").stat().st_size < 8_000_000


def test_demo_tables_are_those_of_the_library(demo):
    out, orders = demo[0], datasets.load_cdnow()
    cuts = rfm.fit_cuts(rfm.rfm_table(orders, as_of=demo_job.BEFORE))
    segments = rfm.segment(orders, as_of=demo_job.AS_OF, cuts=cuts)
    written = read(out / "segments.parquet")
    pd.testing.assert_frame_equal(written, segments, check_dtype=False)
    summary = read(out / "segment_summary.parquet")
    assert (len(written), summary["customers"].sum(), len(read(out / "purchase_summary.parquet"))) == (23_570,) * 3
    assert summary["segment"].tolist() == [segment.code for segment in rfm.segment_map("grid").segments]
    moves, migration = read(out / "segment_moves.parquet"), read(out / "segment_migration.parquet")
    moved = migration[migration["segment_before"] != migration["segment_after"]]
    assert len(moves) == moved["customers"].sum()
    assert migration["customers"].sum() == 23_570


def test_demo_prints_where_the_files_are_and_five_lines_of_what_they_say(demo):
    out, _, printed, _ = demo
    files, said = printed.split("What they say:\n")
    for name in TABLES:
        assert re.search(rf"^  {re.escape(str(out))}/{name}\.parquet +[\d,]+ rows$", files, re.MULTILINE)
    assert f"{out}/report.html" in files
    best = read(out / "segment_summary.parquet").set_index("segment").loc["champions"]
    lines = said.splitlines()
    assert len(lines) == 5
    assert lines[0] == "  23,570 customers placed 69,659 orders worth $2,500,316 from 1 Jan 1997 to 30 Jun 1998."
    assert lines[1] == (
        f"  Champions: {best['customers']:,.0f} customers ({100 * best['customer_share']:.0f} %) bring "
        f"{100 * best['revenue_share']:.0f} % of revenue."
    )


def test_demo_tells_its_steps_in_plain_lines_to_a_pipe(demo):
    steps = demo[3].splitlines()
    assert [line[:5] for line in steps] == [f"[{n}/7]" for n in range(1, 8)]
    assert steps[1] == "[2/7] Segment customers on 31\N{NO-BREAK SPACE}Dec\N{NO-BREAK SPACE}1997"
    assert "\x1b" not in demo[2] + demo[3]


def test_demo_speaks_chinese_and_replaces_what_is_there(tmp_path, capsys):
    (tmp_path / "report.html").write_text("old")
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--out", str(tmp_path), "--locale", "zh"])
    assert ended.value.code == 0
    assert "冠军客户：" in capsys.readouterr().out
    assert '<html lang="zh-Hans">' in (tmp_path / "report.html").read_text("utf-8")
    assert read(tmp_path / "segment_summary.parquet")["segment_name"][0] == "冠军客户"


def test_a_bar_is_shown_on_a_terminal():
    screen = io.StringIO()
    with progress(Console(file=screen, force_terminal=True, width=80), total=2) as step:
        step("First")
        step("Second")
    assert "Second" in screen.getvalue()
    assert "\x1b" in screen.getvalue()


@pytest.mark.parametrize("absent", ["typer", "rich", "plotly", "jinja2"])
def test_missing_extras_are_missed_with_what_to_do(absent):
    code, _, said = crmkit_command("demo", absent=[absent])
    assert code == 2
    assert said.startswith(
        'crmkit: this command needs more than the core of crmkit: pip install "crmkit[report,batch,lifetimes]".\n'
    )
    assert absent in said
    assert "Traceback" not in said


def ended(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return stop.value.code, capsys.readouterr()


def test_wrong_use_ends_with_2(capsys, tmp_path):
    assert ended(capsys, "demo", "--locale", "fr")[0] == 2
    assert ended(capsys, "demonstrate")[0] == 2
    (tmp_path / "file").write_text("")
    assert ended(capsys, "demo", "--out", str(tmp_path / "file"))[0] == 2


def test_refused_data_end_with_3(capsys, tmp_path, monkeypatch):
    def refused(*_args, **_options):
        raise SchemaError("orders.amount: 1 of 2 rows is [missing].")

    monkeypatch.setattr(demo_job, "run", refused)
    code, told = ended(capsys, "demo", "--out", str(tmp_path))
    assert (code, told.err) == (3, "crmkit: orders.amount: 1 of 2 rows is [missing].\n")


def test_a_folder_that_cannot_be_written_ends_with_4(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    code, told = ended(capsys, "demo", "--out", str(tmp_path / "file" / "out"))
    assert code == 4
    assert re.search(r"cannot be written: .*Choose another folder with --out\.", told.err, re.DOTALL)


def test_version_and_help(capsys):
    assert ended(capsys, "--version") == (0, (f"crmkit {crmkit.__version__}\n", ""))
    code, told = ended(capsys, "--help")
    assert code == 0
    assert "demo" in told.out


def test_the_command_starts_without_the_libraries_of_figures():
    code = "import crmkit.cli, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pandas", "plotly", "typer", "duckdb"} & set(json.loads(done.stdout))


def nights(folder, output, extra=""):
    """A config whose results of two days are published."""
    orders = datasets.load_cdnow(sample=True)
    orders.to_csv(folder / "orders.csv", index=False)
    for day in ("1998-05-31", "1998-06-30"):
        text = f'as_of = {day}\n[sources.orders]\npath = "orders.csv"\n[output]\n{output}\n[rooms.rfm]\n{extra}'
        (folder / "c.toml").write_text(text)
        with pytest.raises(SystemExit) as stop:
            main(["run", str(folder / "c.toml")])
        assert stop.value.code == 0
    return str(folder / "c.toml")


@pytest.mark.parametrize(
    ("output", "page"),
    [
        ('folder = "out"', "out/report.html"),
        ('folder = "out"\nformat = "csv"', "out/report.html"),
        ('duckdb = "r.duckdb"', "r.html"),
    ],
)
def test_report_makes_the_same_page_of_every_target(tmp_path, capsys, output, page):
    config = nights(tmp_path, output)
    code, told = ended(capsys, "report", config)
    assert (code, told.out.strip().splitlines()[-1]) == (0, str(tmp_path / page))
    text = (tmp_path / page).read_text("utf-8")
    assert "Since 31\N{NO-BREAK SPACE}May\N{NO-BREAK SPACE}1998, " in text
    orders = datasets.load_cdnow(sample=True)
    customers, paid = orders["customer_id"].nunique(), orders["amount"].sum()
    assert f"{customers:,} customers paid {paid:,.0f} up to 30\N{NO-BREAK SPACE}Jun" in text
    assert f"{len(orders):,} rows of 1 tables were read; none was set aside." in text


def test_run_leaves_a_page_where_the_config_has_one(tmp_path, capsys):
    config = nights(tmp_path, 'folder = "out"', '[report]\ntitle = "My shop"\ncurrency = "$"\n')
    assert f"Page: {tmp_path / 'out' / 'report.html'}" in capsys.readouterr().out
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<h1>My shop</h1>" in text
    assert "customers paid $" in text
    out = tmp_path / "older.html"
    code, _ = ended(capsys, "report", config, "--day", "1998-05-31", "--locale", "zh", "--out", str(out))
    assert code == 0
    assert "截至1998年5月31日" in out.read_text("utf-8")


def test_report_of_no_results_says_which_there_are(tmp_path, capsys):
    config = nights(tmp_path, 'folder = "out"')
    capsys.readouterr()
    code, told = ended(capsys, "report", config, "--day", "1997-01-01")
    assert code == 4
    assert told.err == (
        f"crmkit: {tmp_path / 'out'}: there are no results of 1997-01-01; there are those of: 1998-05-31, 1998-06-30.\n"
        "Make them with crmkit run.\n"
    )
