"""A company that never was, with the truth about each of its customers."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Company:
    """What the company's systems hold, and what only the simulation knows.

    Tables of a part that is turned off have no rows.

    Attributes
    ----------
    orders : pandas.DataFrame, `schema.ORDERS`
        One row per order or refund, by time: `order_id` (1, 2, ... in that order), `customer_id`, `ordered_at` (to the
        second), `amount` (money, to the cent; negative for refunds), `product_id`, `quantity` (units, at least 1;
        negative for refunds), `category`, `channel`.
    refunds : pandas.DataFrame
        Truth, one row per refund: its `order_id`, and the `refunded_order_id`.
    products : pandas.DataFrame
        `product_id`, `category`, `unit_price` (money), `refill_days` (days that a purchase lasts).
    truth : pandas.DataFrame
        Truth, one row per customer, by `customer_id`:

        - `acquired_at`: first order.
        - `rate_per_day`: orders per day while the customer is there (on the season's clock, if there is one).
        - `k`: regularity, Erlang phases per order; null for calendar buyers.
        - `calendar_months`: months in which a calendar buyer orders, as in "3,9"; null for those who buy all year.
        - `dropout_probability`: probability to leave after each order.
        - `left_at`: moment of the order after which the customer left; null for customers alive at the end.
        - `alive_at_end`: the customer has not left by the last day.
        - `order_count`: orders in the span, refunds not counted; at least 1.
        - `mean_order_value`: expected amount of an order; money.
        - `refund_probability`: probability that an order is refunded.
        - `favourite_product_id`, `preferred_channel`.
    customers : pandas.DataFrame, `schema.CUSTOMERS`
        One row per customer: `customer_id`, `tier` (A, B, C: worth in a year, as the team guesses it), `owner_id`,
        `created_at` (entry into the systems: conversion of the lead, or shortly before the first order), `region`,
        `industry`, `employees`, `birth_year`, `lead_id` (null for those who were no lead on record), `remark`.
    contacts : pandas.DataFrame, `schema.CONTACTS`
        One row per contact, by time: `customer_id`, `contacted_at` (office hours), `kind`, `owner_id`, `remark`.
    events : pandas.DataFrame
        One row per thing a customer did, by time: `customer_id`, `event` ("view", "coupon", "survey", "complaint",
        "referral"), `occurred_at`, `content` (product, or reason of a complaint), `channel`, `value` (minutes of a
        view, 0 to 10 of a survey, else null).
    leads : pandas.DataFrame, `schema.LEADS`
        One row per lead, by arrival: `lead_id`, `created_at`, `converted_at` (before the first order),
        `first_response_at`, `source`, `owner_id`, `phone` (11 digits), `email`, `region`, `industry`, `employees`.
    lead_events : pandas.DataFrame, `schema.LEAD_EVENTS`
        One row per thing a lead did, by time, between arrival and decision: `lead_id`, `event`, `occurred_at`,
        `content`, `channel`.
    touches : pandas.DataFrame, `schema.TOUCHES`
        By time: `touch_id`, `customer_id`, `channel`, `touched_at`, `campaign` (season of the year), `kind` ("click",
        "view").
    conversions : pandas.DataFrame, `schema.CONVERSIONS`
        One row per order that is no refund, by time: `conversion_id` (the order's id), `customer_id`, `converted_at`,
        `value` (money), `milestone` ("first order", "further order").
    costs : pandas.DataFrame, `schema.COSTS`
        One row per month and channel: `channel`, `cost` (money), `period_start`, `period_end` (cut to the span).
    deals : pandas.DataFrame, `schema.DEALS`
        One row per deal and stage entered, by time: `deal_id`, `stage` (the last one "won" or "lost"), `entered_at`
        (office hours), `amount` (money; an estimate in the first two stages), `owner_id`, `region`, `lead_id`,
        `outcome` ("won" or "lost" in the closing row, else null).
    subscriptions : pandas.DataFrame, `schema.SUBSCRIPTIONS`
        One row per contract, by first day; one contract at most per customer: `customer_id`, `started_at`, `ended_at`
        (last day, null while it runs), `plan`, `amount` (money of a month).
    metrics : pandas.DataFrame, `schema.METRICS`
        Three rows per month of a contract, by time: `customer_id`, `metric` ("usage", hours; "satisfaction", 0 to 10;
        "tickets", count), `value`, `measured_at` (last day of the contract's month).
    behaviour_truth : pandas.DataFrame
        Truth, one row per customer: `price_sensitive` (hunts for coupons), `mean_satisfaction` (of the answers to
        surveys, before these are cut to 0 to 10).
    lead_truth : pandas.DataFrame
        Truth, one row per lead: `lead_id`, `customer_id` (null if none, or if the first order comes after the span),
        `probability` (of a conversion, some day), `converts` (it does, maybe after the span), `decided_at` (conversion,
        loss or giving up, maybe after the span), `win_probability` (of the lead's deal; null without one),
        `unanswered`, and `did_<event>` for each event (some day, maybe after the span).
    lead_effects : pandas.DataFrame
        Truth, one row per term of the log-odds of a conversion: `term`, `name`, `effect`. `owner_skill` counts once.
    stage_truth : pandas.DataFrame
        Truth, one row per stage: `stage`, `next_stage`, `passes` (share of the deals in it that go on), `mean_days` (of
        an owner of speed 1, in the mean over deals that go on and that are lost).
    owner_truth : pandas.DataFrame
        Truth, one row per salesperson: `owner_id`, `region`, `skill` (log-odds of a conversion), `speed` (factor of the
        hazard of leaving a stage).
    conversion_truth : pandas.DataFrame
        Truth, one row per conversion: `conversion_id`, `cause` (channel without which it would not have come; null if
        none), `touch_id` (the touch that caused it).
    channel_truth : pandas.DataFrame
        Truth, one row per channel: `channel`, `causal_share` (of the conversions, as assumed), `caused` (conversions,
        counted), `touches`, `cost` (sums of the tables).
    contract_truth : pandas.DataFrame
        Truth, one row per contract, in the order of `subscriptions`: `customer_id`, `started_at`, `end_probability`
        (after each month), `ends_at` (last day, maybe after the span), `declines_from` (first moment of the decline
        that `metrics` show; null without them).
    mess : pandas.DataFrame
        Truth, one row per row spoiled on purpose: `table`, `kind`, `key` (lead_id or order_id), `original` (lead_id of
        which the row is a duplicate).
    """

    orders: pd.DataFrame
    refunds: pd.DataFrame
    products: pd.DataFrame
    truth: pd.DataFrame
    customers: pd.DataFrame
    contacts: pd.DataFrame
    events: pd.DataFrame
    leads: pd.DataFrame
    lead_events: pd.DataFrame
    touches: pd.DataFrame
    conversions: pd.DataFrame
    costs: pd.DataFrame
    deals: pd.DataFrame
    subscriptions: pd.DataFrame
    metrics: pd.DataFrame
    behaviour_truth: pd.DataFrame
    lead_truth: pd.DataFrame
    lead_effects: pd.DataFrame
    stage_truth: pd.DataFrame
    owner_truth: pd.DataFrame
    conversion_truth: pd.DataFrame
    channel_truth: pd.DataFrame
    contract_truth: pd.DataFrame
    mess: pd.DataFrame
