"""What the tests of figures ask of every figure."""

import json

from crmkit.plots import wording

BAD = '<img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a>'


def words(figure):
    title = figure.layout.title
    return wording.plain(title.text), wording.plain(title.subtitle.text)


def is_harmless(figure):
    """No tag of the caller's own reaches Plotly's HTML."""
    shown = json.dumps(figure.to_plotly_json(), default=str)
    return "<img" not in shown and "<a" not in shown


def assert_says(figure, title):
    """An empty figure that says why."""
    assert (words(figure)[0], len(figure.data)) == (title, 0)
