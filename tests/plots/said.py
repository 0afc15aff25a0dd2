"""What the figures of the tests say, whatever way their lines are broken."""

from html import unescape

from crmkit.plots import wording

BAD = '<a href="javascript:alert(1)">x</a> %{meta} & Co'
NBSP = "\N{NO-BREAK SPACE}"


def title(figure):
    """Title in one line, Chinese without the blanks of line breaks."""
    text = figure.layout.title.text
    return unescape(text.replace("<br>", "" if any(letter > "\u2e80" for letter in text) else " "))


def is_escaped(figure):
    """Whether the markup of `BAD` is nowhere as markup and somewhere as text."""
    text = figure.to_json().replace("\\u003c", "<")
    return "<a " not in text and wording.escaped("<a") in text.replace("\\u0026", "&")


def same_keys(module):
    """Whether both languages have the same words with the same places to fill."""
    import string

    def places(text):
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    english, chinese = module._EN, module._ZH
    return english.keys() == chinese.keys() and all(places(english[k]) == places(chinese[k]) for k in english)
