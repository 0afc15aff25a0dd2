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
SQL |= {
    "cohorts_triangle": """
        select (date '2023-06-01' + to_months(c::int))::date as cohort, a as age, 100 + c as customers,
        case when a = 0 then 100 + c else 40 - a end as active,
        case when c + a < 12 then active / customers end as retention, retention * 0.8 as low,
        least(retention * 1.2, 1) as high, (c + a < 12)::int as complete
        from range(13) cohorts(c), range(13) ages(a) where c + a < 13""",
    "cohorts_revenue": """
        select (date '2023-06-01' + to_months(c::int))::date as cohort, a as age, 100 + c as customers, 50 as orders,
        2000.0 as revenue, 20.0 as revenue_per_customer, 18.0 as low, 22.0 as high, 2000.0 * (a + 1) as
        cumulative_revenue, 20.0 * (a + 1) as cumulative_per_customer, (c + a < 12)::int as complete
        from range(13) cohorts(c), range(13) ages(a) where c + a < 13""",
    "cohorts_repurchase": """
        select (date '2023-06-01' + to_months(c::int))::date as cohort_month, case when c < 10 then 100 else 0 end
        as customers, customers * 4 // 10 as bought_again, case when c < 10 then 0.4 end as repurchase_rate,
        case when c < 10 then 0.31 end as low, case when c < 10 then 0.5 end as high, 100 - customers as window_open
        from range(13) cohorts(c)""",
    "cohorts_shares": """
        select state, 1000.0 * share as customers, 1000 as of_customers, share, share * 0.9 as low, share * 1.1 as high,
        {text} as definition from (values ('new', 0.1), ('returning', 0.3), ('waiting', 0.2), ('silent', 0.25),
        ('lost', 0.15), ('complaining', 0.02)) states(state, share)""",
    "cohorts_rates": """
        select *, {text} as reading from (values
        ('sell', 'new_customers', 230.0, null, 175.0, null, 0.314, 0.01, 0.711, 'better'),
        ('sell', 'conversion', null, null, null, null, null, null, null, 'no table'),
        ('keep', 'repurchase', 0.634, 175.0, 0.636, 335.0, -0.002, -0.11, 0.103, 'noise'),
        ('keep', 'churn', 0.179, 1528.0, 0.09, 1444.0, 0.089, 0.06, 0.119, 'worse'),
        ('keep', 'complaints', null, null, null, null, null, null, null, 'no history')) rates(side, rate, now, of_now,
        before, of_before, change, low, high, verdict)""",
    "funnel_stages": """
        select place, stage, entered, passed, stopped, open, conversion, conversion - 0.03 as low, conversion + 0.03
        as high, conversion - 0.05 as lowest, conversion + 0.05 as highest, threshold, short, status, bottleneck,
        entered - 10 as entered_before, conversion - 0.01 as conversion_before, 0.01 as change, -0.02 as change_low,
        0.04 as change_high, verdict
        from (values (1, {text} || 'lead', 1994, 948, 954, 92, 0.498, 0.4, 0, 'ok', 0, 'not told apart'),
        (2, {text} || 'visit', 948, 528, 334, 86, 0.613, 0.5, 0, 'ok', 0, 'up'),
        (3, {text} || 'quote', 528, 195, 250, 83, 0.438, 0.6, 72, 'below', 1, 'down'),
        (4, {text} || 'contract', 195, 170, 13, 12, 0.929, null, null, '', 0, 'not told apart'),
        (5, 'won', 170, 0, 0, 0, null, null, null, '', 0, '')) stages(place, stage, entered, passed, stopped, open,
        conversion, threshold, short, status, bottleneck, verdict)""",
    "funnel_durations": """
        select place, stage, 500 as watched, 400 as ended, median_days, median_days * 0.9 as low, median_days * 1.1 as
        high, 480 as watched_before, 390 as ended_before, median_days + 3.0 as median_before, -3.0 as change_days,
        -6.0 as change_low, 0.5 as change_high, verdict
        from (values (0, 'sales cycle', 28.0, 'not told apart'), (1, {text} || 'lead', 7.0, 'down'),
        (2, {text} || 'visit', 11.0, 'up'), (3, {text} || 'quote', null, '')) stages(place, stage, median_days,
        verdict)""",
    "funnel_forecast": """
        select kind, first_day, last_day, 0.0 as won_so_far, from_open, from_new, from_open + from_new as forecast,
        0.85 * forecast as low, 1.2 * forecast as high, 12 as tests, 0.095 as wape, 0.1 as mape, 0.83 as coverage,
        'mean of three' as naive, 0.188 as naive_wape, verdict
        from (values ('month', date '2024-07-01', date '2024-07-31', 137113.0, 8346.0, 'better'),
        ('month', date '2024-08-01', date '2024-08-31', 83024.0, 64977.0, 'no better'),
        ('month', date '2024-09-01', date '2024-09-30', 26237.0, 113411.0, 'too few'),
        ('total', date '2024-07-01', date '2024-09-30', 251235.0, 186735.0, 'no better')) months(kind, first_day,
        last_day, from_open, from_new, verdict)""",
    "funnel_backtest": """
        select (date '2023-06-30' + to_months(c::int))::date as origin, 'month' as kind,
        (date '2023-07-01' + to_months(c::int))::date as first_day, (date '2023-07-31' + to_months(c::int))::date
        as last_day, 120000.0 + 1000 * c as forecast, 100000.0 as low, 150000.0 as high, 125000.0 as actual,
        (c % 4 > 0)::int as inside, 120000.0 as last_period, 110000.0 as same_period_of_last_year,
        115000.0 as mean_of_three from range(12) origins(c)""",
    "funnel_chain": """
        select *, 0.1 as change, 0.02 as change_low, 0.2 as change_high, 'up' as verdict, 0.1 as per_step,
        0.1 as per_step_before from (values (1, 'reach', 5000, 4500), (2, 'leads', 500, 450), (3, 'deals', 170, 160),
        (4, 'retained', 600, 550)) steps(place, step, count, count_before)""",
    "basket_pairs": """
        select {text} || 'product ' || i as product_a, {text} || 'product ' || (i * 7 % 40) || 'x' as product_b,
        5 + i % 90 as together, 200 as baskets_a, 180 as baskets_b, 3000 as baskets, 0 as baskets_left_out,
        together / 3000 as support, together / 200 as confidence_ab, together / 180 as confidence_ba, 3.0 as lift,
        12.0 as expected, 1.2 + (i % 30) / 10.0 as adjusted_lift, 0.9 + (i % 30) / 10.0 as lift_low,
        case when lift_low > 1 then 'together' else 'not shown' end as verdict from numbers""",
    "basket_heat": """
        select {text} || 'product ' || i as product_id, 10 + i % 70 as orders, 200.0 + i % 70 as revenue,
        20 as orders_before, 400.0 as revenue_before, null::bigint as orders_year_ago, null::double as
        revenue_year_ago, 1 + i as rank, 2 + i as rank_before, 1 as rank_change, 1.5 as ratio, 0.9 as low, 2.1 as high,
        0.2 as q_value, null::double as ratio_year_ago, date '2023-05-05' as first_sold_on,
        ['rising', 'falling', 'not shown', 'not shown', 'new', 'no history'][1 + i % 6] as verdict, {text} as reading
        from numbers""",
    "basket_offers": """
        select {text} || i // 2 as customer_id, 1 + i % 2 as rank, {text} || 'product ' || i as product_id,
        case when i % 3 > 0 then {text} || 'dock' end as because_of, 0.4 as chance, 0.1 + (i % 50) / 100.0 as
        chance_low, 2.0 as lift, case when i % 3 > 0 then 'pair' else 'popular' end as basis, {text} as reason
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
