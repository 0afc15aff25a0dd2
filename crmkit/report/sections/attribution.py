"""Which channel earned it? Credit by channel and model, with intervals."""

from __future__ import annotations

from typing import Final

from crmkit import plots
from crmkit.report import reading
from crmkit.report.drawings import Drawing, drawing
from crmkit.report.edition import Edition
from crmkit.report.section import Column, Section, Sheet

_CREDIT: Final[dict[str, reading.Kind]] = {
    "model": "text",
    "channel": "text",
    "conversions": "number",
    "conversions_low": "number",
    "conversions_high": "number",
    "value": "number",
    "value_low": "number",
    "value_high": "number",
    "share": "number",
}
_MOST: Final = 600  # rows of credit on a page: 12 models of 50 channels
_NOBODY: Final = "(unattributed)"
_LEADING: Final = ("shapley", "markov_1", "linear")  # the model that is spoken of first, if it is there


def attribution_section(edition: Edition) -> Section | None:
    """Make the section of "attribution_credit"."""
    results, words = edition.results, edition.words("attribution")
    if not results.has("attribution_credit"):
        return None
    credit = reading.top(
        results.tables["attribution_credit"], _CREDIT, by="share", key=["model", "channel"], limit=_MOST
    )
    total = reading.counted(results.tables["attribution_credit"])
    if not credit:
        return None
    lookback = edition.count(results.settings("attribution").get("lookback_days", 30))
    return Section(
        "attribution",
        words["menu"],
        words["question"],
        sentences=tuple(_sentences(edition, credit, lookback)),
        drawings=_drawings(edition),
        sheets=(_shares(edition, credit), _intervals(edition, credit, total)),
        definitions=(
            (words["conversions"], words["credit_is"]),
            (f"{words['low']}, {words['high']}", words["interval_is"].format(level=_level(edition))),
            (words["model"], words["models_is"]),
            (words["unattributed"], words["none_is"].format(lookback=lookback)),
        ),
        trust=(words["trust_models"],),
        limits=(words["limits_cause"], words["limits_cost"]),
    )


def _drawings(edition: Edition) -> tuple[Drawing, ...]:
    drawn = plots.plot_channel_credit(edition.results.tables["attribution_credit"], locale=edition.locale)
    return (drawing("credit-by-model", drawn),)


def _level(edition: Edition) -> str:
    return edition.share(edition.results.settings("attribution").get("level", 0.8))


def _models(credit: list[reading.Row]) -> list[str]:
    return sorted({row["model"] for row in credit})


def _leading(models: list[str]) -> str:
    return next((model for model in _LEADING if model in models), models[0])


def _sentences(edition: Edition, credit: list[reading.Row], lookback: str) -> list[str]:
    words, leading = edition.words("attribution"), _leading(_models(credit))
    mine = [row for row in credit if row["model"] == leading]
    none = sum(row["conversions"] for row in mine if row["channel"] == _NOBODY)
    whole = sum(row["conversions"] for row in mine)
    said = words["say_all" if none else "say_none"].format(
        conversions=edition.count(round(whole)),
        value=edition.money(sum(row["value"] or 0.0 for row in mine)),
        none=edition.count(round(none)),
        lookback=lookback,
    )
    named = [row for row in mine if row["channel"] != _NOBODY]
    if not named or not whole:
        return [said]
    best = max(named, key=lambda row: row["share"])
    low, high = (best[name] or best["conversions"] for name in ("conversions_low", "conversions_high"))
    top = words["say_best"].format(
        model=leading,
        channel=best["channel"],
        share=edition.share(best["share"]),
        conversions=edition.count(round(best["conversions"])),
        low=edition.count(round(low)),
        high=edition.count(round(high)),
    )
    return [said, top, *_spread(edition, credit)]


def _spread(edition: Edition, credit: list[reading.Row]) -> list[str]:
    """Say on which channel the models differ most."""
    by_channel: dict[str, list[reading.Row]] = {}
    for row in credit:
        if row["channel"] != _NOBODY:
            by_channel.setdefault(row["channel"], []).append(row)
    ends = [(min(rows, key=_share), max(rows, key=_share)) for rows in by_channel.values() if len(rows) > 1]
    if not ends:
        return []
    least, most = max(ends, key=lambda pair: pair[1]["share"] - pair[0]["share"])
    said = edition.words("attribution")["say_spread"].format(
        channel=most["channel"],
        least=edition.share(least["share"]),
        least_model=least["model"],
        most=edition.share(most["share"]),
        most_model=most["model"],
    )
    return [said]


def _share(row: reading.Row) -> tuple[float, str]:
    return row["share"], row["model"]


def _shares(edition: Edition, credit: list[reading.Row]) -> Sheet:
    words, models = edition.words("attribution"), _models(credit)
    shares = {(row["channel"], row["model"]): row["share"] for row in credit}
    leading = _leading(models)
    channels = sorted(
        {row["channel"] for row in credit},
        key=lambda channel: (channel == _NOBODY, -(shares.get((channel, leading)) or 0.0), channel),
    )
    columns = (Column(words["channel"], "text"), *(Column(model) for model in models))
    rows = tuple(
        (
            edition.text_cell(_name(edition, channel)),
            *(edition.share_cell(shares.get((channel, model)), bar=True) for model in models),
        )
        for channel in channels
    )
    return Sheet("shares", words["shares_title"], columns, rows, len(rows))


def _name(edition: Edition, channel: str) -> str:
    return edition.words("attribution")["unattributed"] if channel == _NOBODY else channel


def _intervals(edition: Edition, credit: list[reading.Row], total: int) -> Sheet:
    words, leading = edition.words("attribution"), _leading(_models(credit))
    columns = (
        Column(words["channel"], "text", choice=True),
        Column(words["model"], "text", choice=True),
        *(Column(words[name]) for name in ("conversions", "low", "high", "value", "value_low", "value_high", "share")),
    )
    rows = tuple(
        (
            edition.text_cell(_name(edition, row["channel"])),
            edition.text_cell(row["model"]),
            *(edition.count_cell(row[name]) for name in ("conversions", "conversions_low", "conversions_high")),
            *(edition.money_cell(row[name]) for name in ("value", "value_low", "value_high")),
            edition.share_cell(row["share"]),
        )
        for row in sorted(credit, key=lambda row: (row["model"] != leading, row["model"], -row["share"]))
    )
    return Sheet("credit", words["credit_title"], columns, rows, total)
