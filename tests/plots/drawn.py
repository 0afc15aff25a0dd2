"""What the tests of figures ask of every figure."""

import string

from crmkit.plots import wording

# Markup, and what Plotly's own templates would fill in.
BAD = '<img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a> %{meta} & Co'
NBSP = "\N{NO-BREAK SPACE}"


def words(figure):
    """Title and subtitle, each in one line."""
    title = figure.layout.title
    return wording.plain(title.text), wording.plain(title.subtitle.text)


def title(figure):
    return words(figure)[0]


def is_harmless(figure):
    """No tag of the caller's own reaches Plotly's HTML."""
    shown = figure.to_json().replace("\\u003c", "<")
    return "<img" not in shown and "<a" not in shown


def is_escaped(figure):
    """Whether the markup of `BAD` is nowhere as markup and somewhere as text."""
    shown = figure.to_json().replace("\\u003c", "<").replace("\\u0026", "&")
    return is_harmless(figure) and wording.escaped("<a") in shown


def assert_says(figure, text):
    """An empty figure that says why."""
    assert (title(figure), len(figure.data)) == (text, 0)


def same_keys(module):
    """Whether both languages have the same words with the same places to fill."""

    def places(text):
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    english, chinese = module._EN, module._ZH
    return english.keys() == chinese.keys() and all(places(english[k]) == places(chinese[k]) for k in english)
