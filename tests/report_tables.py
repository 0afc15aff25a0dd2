"""Results of every room as a page takes them, of any number of rows, with texts of any kind in them."""

import datetime as dt

import duckdb
import pandas as pd

from crmkit import report, rfm

DAY, BEFORE = dt.date(2024, 6, 30), dt.date(2024, 5, 31)
ATTACKS = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "</script><script>window.pwned=1</script>",
    "{{ 7*7 }}{% for x in y %}",
    '<a href="javascript:window.pwned=1">click</a><svg onload=window.pwned=1>',
    "]]><!--",
)
# One statement per table of `crmkit run`: n rows, {text} stands where a text of the data comes in.
SQL = {
    "rfm_segments": """
        select {text} || i as customer_id, i % 400 as days_since_order, 1 + i % 9 as order_count,
        5.0 + i % 700 as revenue, 5.0 + i % 90 as average_order_value,
        date '2023-01-01' + (i % 300)::int as first_order_day,
        date '2024-06-30' - (i % 400)::int as last_order_day, 1 + i % 5 as r_score, 1 + (i // 5) % 5 as f_score,
        1 + (i // 25) % 5 as m_score, codes[1 + i % 5] as segment, names[1 + i % 5] as segment_name
        from (select *, ['champions', 'loyal', 'cannot_lose', 'at_risk', 'hibernating'] as codes,
              [{text} || 'A', {text} || 'B', {text} || 'C', {text} || 'D', {text} || 'E'] as names from numbers)""",
    "churn_alerts": """
        select {text} || i // 2 as customer_id, ['dormant', 'off_cycle'][1 + i % 2] as rule,
        ['warning', 'critical'][1 + i % 2] as severity, date '2024-06-01' as since, 100.0 + i % 9 as measure,
        90.0 as threshold, {text} as reason, {text} as evidence, round((i % 5000) * 0.1, 2) as value_at_risk,
        {text} as play,        0.78 as precision,
        0.76 as precision_low, 0.80 as precision_high, 0.7 as recall, 1.6 as lift, 900 as flagged,
        {text} || 'Back-tested on 3 earlier days.' as tested from numbers""",
    "churn_alert_state": """
        select 'alert' || i as alert_id, {text} || i // 2 as customer_id, ['dormant', 'off_cycle'][1 + i % 2] as rule,
        ['opened', 'ongoing', 'escalated', 'ongoing', 'resolved'][1 + i % 5] as state,
        ['warning', 'critical'][1 + i % 2] as severity, 'critical' as worst_severity, date '2024-06-01' as since,
        date '2024-06-01' as opened_on, date '2024-06-30' as last_seen_on, null::date as escalated_on,
        null::date as acknowledged_on, null::date as snoozed_until,
        case when i % 5 = 4 then date '2024-06-30' end as resolved_on, 100.0 + i % 9 as measure,
        round((i % 5000) * 0.1, 2) as value_at_risk, {text} as reason from numbers""",
    "repurchase_forecast": """
        select {text} || i as customer_id, 1 + i % 9 as order_days, i % 200 as days_since_order,
        20.0 + i % 30 as usual_gap_days, 2.0 as regularity, (i % 97) / 100.0 as p_order,
        date '2024-07-01' + (i % 90)::int as next_order_day, date '2024-07-01' as window_start,
        date '2024-09-30' as window_end, ['new', 'not due', 'due', 'overdue', 'lapsed'][1 + i % 5] as status,
        ['own history', 'pooled'][1 + i % 2] as basis, {text} as reason from numbers""",
    "repurchase_reminders": """
        select {text} || i as customer_id, {text} as product_id, ['season', 'year_ago', 'refill', 'cycle'][1 + i % 4]
        as reason_code, {text} as reason, {text} as evidence, date '2024-07-15' as due_on,
        date '2024-06-30' + (i % 20)::int as remind_on, 0.5 as chance, 10.0 + i % 60 as order_value,
        5.0 + (i % 60) / 2 as expected_value, '' as other_reasons from numbers""",
    "clv": """
        select {text} || i as customer_id, 0.9 as p_order, 0.8 as p_alive, 2.5 as expected_orders, 1 as orders_low,
        4 as orders_high, 20.0 as expected_order_value, (i % 1000) * 1.0 as clv, 1.0 as clv_low, 1500.0 as clv_high
        from numbers""",
    "scoring_scores": """
        select {text} || i as lead_id, i % 20 * 1.0 as fit_points, i % 60 * 1.0 as engagement_points,
        (i % 20 + i % 60) * 1.0 as score, ['cold', 'warm', {text}][1 + i % 3] as band, 'A1' as grade,
        ['improving', 'steady', 'declining', 'not_enough_info'][1 + i % 4] as trend, {text} as stage,
        case when i % 7 = 0 then timestamp '2024-06-30 10:00:00' end as handed_off_at from numbers""",
    "rejects_orders": """
        select null as file, null as line, i as row, {text} || ': missing' as reasons, {text} as content
        from numbers""",
}
CREDIT = """
    select model, channel, 100.0 * share as conversions, 1.0 as conversions_se, 90.0 * share as conversions_low,
    110.0 * share as conversions_high, 5000.0 * share as value, 1.0 as value_se, 4000.0 * share as value_low,
    6000.0 * share as value_high, share
    from (values ('last'), ('linear'), ('shapley')) models(model),
    (values ({text} || 'search', 0.5), ({text} || 'mail', 0.3), ('(unattributed)', 0.2)) channels(channel, share)"""


def relations(connection, rows, text="c"):
    """Every table of `crmkit run` as DuckDB relations of so many rows; `text` begins every text of the data."""
    connection.execute(f"create or replace table numbers as select range as i from range({rows})")
    said = "'" + text.replace("'", "''") + "'"
    made = {name: connection.query(sql.replace("{text}", said)) for name, sql in SQL.items()}
    made["attribution_credit"] = connection.query(CREDIT.replace("{text}", said))
    return made | {"rfm_summary": rfm.segment_summary(made["rfm_segments"])}


def manifest(text="c", aside=6):
    """What a run says of itself."""
    read = {
        "files": [{"name": f"{text}orders.csv", "bytes": 1, "sha256": ""}],
        "rows_in": 100,
        "rows_kept": 100 - aside,
        "rows_set_aside": aside,
        "errors": [f"orders.amount: 5 of 100 rows can't be read ({text})."],
        "warnings": [f"orders.amount: 3 of 100 rows are negative ({text})."],
    }
    parameters = {"refunds": "exclude", "rooms": {"rfm": {"scheme": "grid", "window_days": None}}}
    job = {
        "inputs": {"orders": read},
        "warnings": [text],
        "versions": {"crmkit": "0", "duckdb": "2", "python": "3"},
        "parameters": parameters,
        "state_of": BEFORE.isoformat(),
        "tables": {},
    }
    return {
        "jobs": {"rfm": job, "churn": job},
        "rejects": {"rejects_orders": aside},
        "seconds": {"all": 9.0},
        "fits": {},
    }


def results(rows=40, text="c"):
    """All rooms of two days in memory, as pandas frames."""
    with duckdb.connect() as connection:
        made = {name: relation.df() for name, relation in relations(connection, rows, text).items()}
        earlier = made | {"rfm_segments": made["rfm_segments"].assign(segment="champions")}
        return report.Results(DAY, made, manifest(text), BEFORE, earlier)


def about(text="The shop"):
    return report.About(text, currency="$")


def small(rows, scheme="grid", locale="en"):
    """Segments of customers given by their scores and revenue."""
    r, f, m, revenue = (list(column) for column in zip(*rows, strict=True))
    orders = [0 if score is None else score for score in f]
    days = [None if score is None else 10.0 * (6 - score) for score in r]
    table = {"customer_id": range(len(rows)), "days_since_order": days, "order_count": orders, "revenue": revenue}
    scores = pd.DataFrame({**table, "r_score": r, "f_score": f, "m_score": m})
    return rfm.rfm_segments(scores, scheme=scheme, locale=locale)
