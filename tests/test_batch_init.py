"""A first config: what files look like, what is guessed, and that `check` takes what was written."""

import datetime as dt
import gzip
import tomllib

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmkit import batch, datasets
from crmkit.cli import main
from crmkit.errors import ConfigError, SchemaError, UnreachableError

NOW = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)


def written(folder, now=NOW, **more):
    made = batch.init(folder, now=now, **more)
    config = batch.read_config(made.file, now=now)
    return made, config, tomllib.loads(made.file.read_text())


def log(last="2024-06-29", rows=60):
    days = pd.date_range(end=last, periods=rows, freq="D").strftime("%Y-%m-%d")
    return pd.DataFrame({"customer_id": [f"c{i % 9}" for i in range(rows)], "ordered_at": days, "amount": 2.5})


def test_the_tables_of_a_company_are_found_by_their_names(tmp_path):
    company = datasets.simulate_company(
        60, rng=np.random.default_rng(1), start=dt.date(2024, 1, 1), days=120, calendar_buyers=None, season=None
    )
    tables = ("orders", "customers", "contacts", "leads", "lead_events", "touches", "conversions", "deals", "costs")
    for name in tables:
        getattr(company, name).to_csv(tmp_path / f"{name}.csv", index=False)
    made, config, _ = written(tmp_path)
    read = {"orders", "customers", "contacts", "leads", "lead_events", "touches", "conversions", "deals"}
    assert made.tables == {name: f"{name}.csv" for name in read}
    rooms = ("rfm", "repurchase", "churn", "clv", "attribution", "cohorts", "funnel", "basket")
    assert config.wanted == rooms  # scoring needs a card
    assert config.rooms.funnel.stages == ["qualified", "needs", "proposal", "negotiation"]
    assert "costs.csv looks like costs, which no room of a run reads." in made.said
    assert "# [rooms.scoring]" in made.file.read_text()
    assert [table.rows_aside for table in batch.check(config)] == [0] * 7


def test_without_telling_file_names_the_columns_tell(tmp_path):
    company = datasets.simulate_company(
        60, rng=np.random.default_rng(1), start=dt.date(2024, 1, 1), days=120, calendar_buyers=None, season=None
    )
    names = {"orders": "a", "customers": "b", "contacts": "c", "touches": "d", "conversions": "e"}
    for name, file in names.items():
        getattr(company, name).to_csv(tmp_path / f"{file}.csv", index=False)
    assert batch.init(tmp_path, now=NOW).tables == {name: f"{file}.csv" for name, file in names.items()}


@pytest.mark.parametrize(
    ("columns", "sure"),
    [
        (("CustomerID", "InvoiceDate", "Total"), "sure likely likely"),
        (("Customer ID", "order_purchase_timestamp", "payment amount"), "sure unsure unsure"),
        (("user_id", "when it was", "revenue"), "likely unsure likely"),
        (("会员编号", "下单时间", "实付金额"), "likely likely likely"),
    ],
)
def test_renames_are_guessed_and_said_how_surely(tmp_path, columns, sure):
    orders = datasets.load_cdnow(sample=True)[["customer_id", "ordered_at", "amount"]]
    orders.set_axis(list(columns), axis=1).to_csv(tmp_path / "export.csv", index=False)
    made, config, plain = written(tmp_path)
    assert plain["sources"]["orders"]["rename"] == dict(zip(columns, orders.columns, strict=True))
    lines = [line for line in made.file.read_text().splitlines() if line.startswith('"')]
    assert " ".join(line.split("# ")[1].split(":")[0] for line in lines) == sure
    assert plain["as_of"] == dt.date(1998, 6, 30)  # the last day of an old log
    assert [line.split("(")[1].split(":")[0] for line in made.said[1:4]] == sure.split()
    assert batch.check(config)[0].rows_kept == len(orders)


def test_a_log_that_is_kept_up_to_date_is_run_for_yesterday(tmp_path):
    log().to_csv(tmp_path / "orders.csv", index=False)
    assert written(tmp_path)[2]["as_of"] == "yesterday"
    assert written(tmp_path, now=NOW + dt.timedelta(days=60), force=True)[2]["as_of"] == dt.date(2024, 6, 29)


def test_parts_of_a_table_are_one_source(tmp_path):
    for month in (5, 6):
        log().to_csv(tmp_path / f"sales_2024-0{month}.csv", index=False)
    (tmp_path / "touches").mkdir()
    for part in (0, 1):
        touches = pd.DataFrame({"customer_id": ["a"], "channel": ["mail"], "touched_at": ["2024-06-01"]})
        duckdb.from_df(touches).write_parquet(str(tmp_path / "touches" / f"{part}.parquet"))
    made, config, plain = written(tmp_path)
    assert {name: source["path"] for name, source in plain["sources"].items()} == {
        "orders": "sales_2024-*.csv",
        "touches": "touches",
    }
    assert batch.check(config)[0].rows_in == 120
    assert set(made.tables) == {"orders", "touches"}


def test_tables_of_a_database_and_packed_files_are_found(tmp_path):
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as other:
        other.register("exported", log().rename(columns={"amount": "revenue"}))
        other.execute('create table "or""der" as from exported')
        other.execute("create schema web")
        other.execute("create view web.visits as select 'a' as user_id, 'x' as medium, date '2024-06-01' as \"date\"")
    with gzip.open(tmp_path / "conversions.csv.gz", "wt") as packed:
        packed.write("customer_id,converted_at\na,2024-06-02\n")
    made, config, _ = written(tmp_path)
    assert made.tables == {
        "orders": 'crm.duckdb (or"der)',
        "touches": "crm.duckdb (web.visits)",
        "conversions": "conversions.csv.gz",
    }
    assert [table.rows_in for table in batch.check(config)] == [60, 1, 1]


def test_bad_rows_are_counted_and_may_stand_aside(tmp_path):
    bad = log()
    bad.loc[:6, "customer_id"] = None
    bad.to_csv(tmp_path / "orders.csv", index=False)
    made, config, plain = written(tmp_path)
    assert (plain["bad_rows"], plain["reject_limit"]) == ("set_aside", 1000)
    assert "# 60 rows, 7 of them break a rule" in made.file.read_text()
    assert batch.check(config)[0].rows_aside == 7


def test_retail_lines_have_an_amount_by_quantity_and_price(data, tmp_path):
    (tmp_path / "retail.parquet").symlink_to(data / "online_retail_uci.parquet")
    made, config, plain = written(tmp_path)
    assert plain["sources"]["orders"]["multiply"] == {"amount": ["Quantity", "UnitPrice"]}
    assert plain["sources"]["orders"]["rename"] == {
        "CustomerID": "customer_id",
        "InvoiceDate": "ordered_at",
        "InvoiceNo": "order_id",
        "StockCode": "product_id",
        "Quantity": "quantity",
    }
    assert plain["as_of"] == dt.date(2011, 12, 9)
    assert made.said[0] == "retail.parquet looks like orders: 541,909 rows, 135,080 break a rule"
    batch.run(config, only=["rfm"])
    segments = batch.published(tmp_path / "out") / "rfm_summary.parquet"
    with duckdb.connect() as other:
        other.execute("set timezone = 'UTC'")
        found = other.sql(f"select sum(customers), sum(revenue) from '{segments}'").fetchall()[0]
        true = other.sql(
            "select count(distinct CustomerID), sum(Quantity * UnitPrice) filter (UnitPrice * Quantity > 0) "
            f"from '{tmp_path / 'retail.parquet'}' where CustomerID is not null"
        ).fetchall()[0]
    assert found[0] == true[0] == 4372
    assert abs(found[1] - true[1]) < 0.01 * 400  # each of 400 k lines is rounded to 6 decimals


def test_what_is_there_is_never_overwritten_without_being_told(tmp_path):
    log().to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "config.toml").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        batch.init(tmp_path, now=NOW)
    assert (tmp_path / "config.toml").read_text() == "mine"
    batch.init(tmp_path, now=NOW, force=True)
    assert sorted(place.name for place in tmp_path.iterdir()) == ["config.toml", "orders.csv"]


def test_a_folder_with_nothing_usable_is_said(tmp_path, capsys):
    with pytest.raises(SchemaError, match="there are no CSV, Parquet or DuckDB files; expected at least a table of"):
        batch.init(tmp_path, now=NOW)
    with pytest.raises(UnreachableError, match="none: the folder can't be read: No such file"):
        batch.init(tmp_path / "none", now=NOW)
    (tmp_path / "notes.txt").write_text("Call Ann,\nback on Monday")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not quite")
    (tmp_path / "american.csv").write_text("customer_id,order date,amount\na,12/1/2010 8:26,5\nb,12/1/2010 8:28,5\n")
    (tmp_path / "olist_orders.csv").write_text(
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at\n"
        "a,x,ok,2017-10-02 10:56:33,2017-10-03 10:56:33\nb,x,ok,2017-10-02 10:56:33,2017-10-03 10:56:33\n"
    )
    with pytest.raises(SystemExit) as stop:
        main(["init", str(tmp_path)])
    assert stop.value.code == 3
    said = capsys.readouterr().err
    assert "olist_orders.csv comes near orders, but has no amount." in said
    assert "american.csv comes near orders, but has no ordered_at." in said
    assert "broken.parquet" in said
    assert "rfm needs orders" in said
    assert not (tmp_path / "config.toml").exists()


def test_names_of_files_and_columns_are_text_and_nothing_more(tmp_path):
    name = 'or"ders]\n#'
    frame = log().rename(columns={"amount": 'Amount"\x7f#'})
    frame.to_csv(tmp_path / "orders'; drop.csv", index=False)
    log().to_csv(tmp_path / f"{name}.csv", index=False)
    _, config, plain = written(tmp_path)
    assert plain["sources"]["orders"]["path"] in ("orders'; drop.csv", f"{name}.csv")
    assert set(plain) >= {"as_of", "sources", "output", "rooms"}
    assert batch.check(config)[0].rows_in == 60
