"""Figure of two variants compared."""

from __future__ import annotations

import plotly.graph_objects as go

from crmkit.evaluation import Comparison
from crmkit.plots import house, intervals, wording
from crmkit.plots.evaluation.texts import texts
from crmkit.plots.intervals import Line
from crmkit.segment_maps import Locale


def plot_comparison(comparison: Comparison, *, currency: str = "", locale: Locale = "en") -> go.Figure:
    """Draw the difference between two variants with its interval; the verdict in words is the title.

    Parameters
    ----------
    comparison : Comparison
        From `evaluation.compare_variants`, `compare_proportions` or `compare_means`.
    currency : str
        Sign ("$") or word ("USD") of means that are money.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    plotly.graph_objects.Figure
        Right of 0 the second variant is better. A difference too small to matter (`smallest_effect`) is shaded.
    """
    words, is_share = texts(locale), comparison.of == "proportions"
    a, b = comparison.name_a, comparison.name_b

    def of(value: float) -> str:
        return wording.percent(value, locale) if is_share else wording.money(value, currency)

    def number(value: float) -> str:
        return f"{value:+.1f}" if is_share else wording.money(value, currency)

    said = words["comparison_said"].format(
        a=wording.escaped(a),
        b=wording.escaped(b),
        value_a=wording.escaped(of(comparison.value_a)),
        value_b=wording.escaped(of(comparison.value_b)),
        size_a=wording.count(comparison.size_a),
        size_b=wording.count(comparison.size_b),
    )
    times = 100.0 if is_share else 1.0
    value, low, high = (times * end for end in (comparison.difference, comparison.low, comparison.high))
    line = Line(words["comparison_name"].format(a=a, b=b), value, low, high, said)
    traces, layout = intervals.drawn([line], number, zero=True)
    effect = times * comparison.smallest_effect
    title = {"text": words["difference_points" if is_share else "difference"]}
    layout["xaxis"] |= {"title": title, "zeroline": True, "zerolinewidth": 1.5}
    subtitle = words["comparison_sub"].format(a=a, b=b, level=wording.percent(comparison.level, locale))
    if effect > 0:
        layout["shapes"] = [_band(effect)]
        subtitle += words["comparison_band"]
    return house.figure(traces, title=comparison.words(locale), subtitle=subtitle, height=210, layout=layout)


def _band(effect: float) -> dict[str, object]:
    corners = {"x0": -effect, "x1": effect, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "rect", **corners, "fillcolor": house.FAINT, "opacity": 0.4, "line": {"width": 0}, "layer": "below"}
