"""Figure of which touch follows which."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from crmkit.plots import columns, house, labels, marks, wording
from crmkit.plots import rows as read
from crmkit.plots.attribution.texts import channel_name, texts
from crmkit.schema import Table
from crmkit.segment_maps import Locale

TRANSITIONS = Table(
    "transitions",
    "one row per step from a channel to the next, from journeys.transitions",
    (
        columns.text("channel", "from", nullable=False),
        columns.text("next_channel", "to", nullable=False),
        columns.number("steps", "how often", "count", nullable=False),
        columns.share("share", "share of the steps from the channel"),
    ),
)
_START, _SALE, _NULL = "(start)", "(conversion)", "(null)"
_LINKS, _CHANNELS = 60, 9
_COLORS = (
    marks.INDIGO,
    marks.TEAL,
    marks.CYAN,
    marks.GREEN,
    marks.SAND,
    marks.OLIVE,
    marks.ROSE,
    marks.PURPLE,
    marks.WINE,
)
Row = dict[str, Any]


def plot_transitions(transitions: Any, *, locale: Locale = "en") -> go.Figure:
    """Draw which touch follows which, where journeys begin, and after what they end in a conversion.

    Parameters
    ----------
    transitions : data frame
        From `journeys.transitions`.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        A Sankey diagram of single steps: a channel stands at the left as what was, at the right as what came next. At
        most the 60 widest bands.
    """
    words = texts(locale)
    every = [row for row in read.rows(transitions, TRANSITIONS) if row["steps"] > 0]
    if not every:
        return house.nothing(words["no_steps"])
    rows = sorted(every, key=lambda row: (-row["steps"], row["channel"], row["next_channel"]))[:_LINKS]
    rows.sort(key=lambda row: (row["channel"], row["next_channel"]))
    befores = _ordered({row["channel"] for row in rows}, rows, "channel")
    afters = _ordered({row["next_channel"] for row in rows}, rows, "next_channel")
    subtitle = words["steps"]
    subtitle += words["steps_cut"].format(n=len(rows), all=len(every)) if len(rows) < len(every) else ""
    height = 170 + 46 * max(len(befores), len(afters))
    drawn = _sankey(rows, befores, afters, locale)
    return house.figure(
        [drawn],
        title=_title(every, locale),
        subtitle=subtitle,
        height=height,
        layout={"margin": {**marks.MARGIN, "b": 20}},
    )


def _ordered(names: set[str], rows: list[Row], column: str) -> list[str]:
    """Start first, ends last, channels between by their steps."""
    steps = {name: sum(row["steps"] for row in rows if row[column] == name) for name in names}
    ends = {_START: -1, _SALE: 1, _NULL: 2}
    return sorted(names, key=lambda name: (ends.get(name, 0), -steps[name], name))


def _colors(names: list[str]) -> dict[str, str]:
    channels = [name for name in names if name not in (_START, _SALE, _NULL)]
    fixed = {_START: house.QUIET, _SALE: "#1f2933", _NULL: marks.GREY}
    return {**{name: _COLORS[k % _CHANNELS] for k, name in enumerate(sorted(channels))}, **fixed}


def _sankey(rows: list[Row], befores: list[str], afters: list[str], locale: Locale) -> go.Sankey:
    words = texts(locale)
    colors = _colors(list({*befores, *afters}))
    nodes = [*befores, *afters]
    left = {name: k for k, name in enumerate(befores)}
    right = {name: len(befores) + k for k, name in enumerate(afters)}
    steps = [sum(r["steps"] for r in rows if r["channel"] == name) for name in befores]
    steps += [sum(r["steps"] for r in rows if r["next_channel"] == name) for name in afters]
    heads = [
        labels.hover(
            f"{channel_name(row['channel'], locale)} → {channel_name(row['next_channel'], locale)}",
            words["steps_said"].format(
                steps=wording.count(row["steps"]),
                share=wording.percent(row["share"], locale),
                channel=channel_name(row["channel"], locale),
            ),
        )
        for row in rows
    ]
    shown = "%{customdata}<extra></extra>"
    return go.Sankey(
        arrangement="fixed",
        textfont={"size": 12, "color": house.INK, "shadow": "none"},
        node={
            "label": [labels.shortened(channel_name(name, locale), 18) for name in nodes],
            "color": [colors[name] for name in nodes],
            "x": [0.001] * len(befores) + [0.999] * len(afters),
            "y": [*_places(steps[: len(befores)]), *_places(steps[len(befores) :])],
            "pad": 14,
            "thickness": 14,
            "line": {"width": 0},
            "customdata": [
                labels.hover(channel_name(name, locale), words["node_said"].format(steps=wording.count(number)))
                for name, number in zip(nodes, steps, strict=True)
            ],
            "hovertemplate": shown,
        },
        link={
            "source": [left[row["channel"]] for row in rows],
            "target": [right[row["next_channel"]] for row in rows],
            "value": [row["steps"] for row in rows],
            "color": [marks.faded(colors[row["channel"]], 0.45) for row in rows],
            "customdata": heads,
            "hovertemplate": shown,
        },
    )


def _places(steps: list[float]) -> list[float]:
    """Middles of the nodes from top to bottom, in [0, 1], each with room as its steps are."""
    whole, done, found = sum(steps), 0.0, []
    for number in steps:
        found.append(min(max((done + number / 2) / whole, 0.001), 0.999))
        done += number
    return found


def _title(every: list[Row], locale: Locale) -> str:
    words = texts(locale)
    sales = [row for row in every if row["next_channel"] == _SALE]
    top = max(sales or every, key=lambda row: (row["steps"], row["channel"]))
    return words["steps_title" if sales else "steps_title_none"].format(
        channel=channel_name(top["channel"], locale)[:32],
        next=channel_name(top["next_channel"], locale)[:32],
        steps=wording.count(top["steps"]),
    )
