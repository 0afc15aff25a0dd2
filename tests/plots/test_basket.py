"""The network of products holds the pairs of its table."""

import pandas as pd
import pytest

from crmkit import plots
from crmkit.errors import DomainError
from crmkit.plots.basket import texts
from crmkit.plots.basket.network import in_order
from tests.engines import to_engine
from tests.plots.said import BAD, is_escaped, same_keys, title


def pairs(rows):
    table = pd.DataFrame(rows, columns=["product_a", "product_b", "lift_low", "verdict"])
    shares = {"confidence_ab": 0.5, "confidence_ba": 0.25}
    counts = {"together": 10, "baskets_a": 20, "baskets_b": 40, "expected": 2.5}
    return table.assign(adjusted_lift=table["lift_low"] + 1.0, **shares, **counts)


PAIRS = pairs(
    [
        ("ink", "paper", 3.0, "together"),
        ("bag", "cap", 5.0, "together"),
        ("paper", "pen", 2.0, "together"),
        ("bag", "pen", 9.0, "not shown"),
    ]
)


def test_the_surest_pairs_are_joined_on_every_engine(engine):
    figure = plots.plot_product_pairs(to_engine(engine, PAIRS), top=3)
    *arcs, products = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["bag", "cap", "ink", "paper", "pen"]
    assert list(products.y) == [0.0, 1.0, 2.5, 3.5, 4.5]  # half a row between what does not hang together
    assert [(arc.y[0], arc.y[-1]) for arc in arcs] == [(0.0, 1.0), (2.5, 3.5), (3.5, 4.5)]
    assert [note.text for note in figure.layout.annotations] == ["6.0×", "4.0×", "3.0×"]
    assert title(figure) == "bag goes with cap: 6.0 times as often as by chance"


def test_products_are_walked_through_from_an_end():
    # A chain given in any order is drawn as a chain; a star begins at one of its ends.
    assert in_order([("b", "c"), ("a", "b"), ("c", "d")]) == [["d", "c", "b", "a"]]
    assert in_order([("x", "y")]) == [["x", "y"]]
    assert in_order([]) == []
    assert sorted(in_order([("hub", "a"), ("hub", "b"), ("p", "q")])[0]) == ["a", "b", "hub"]


def test_nothing_together_is_said():
    for table, locale in ((PAIRS.head(0), "en"), (PAIRS[3:], "en")):
        said = title(plots.plot_product_pairs(table, locale=locale))
        assert said == "No pair of products is bought together more often than chance explains"
    with pytest.raises(DomainError, match=r"^top must be at least 1, got 0\.$"):
        plots.plot_product_pairs(PAIRS, top=0)


def test_names_are_shown_as_they_are_written():
    assert is_escaped(plots.plot_product_pairs(PAIRS.assign(product_a=BAD)[:1]))


def test_chinese_says_the_same():
    assert same_keys(texts)
    assert title(plots.plot_product_pairs(PAIRS, locale="zh")) == "bag 与 cap 相配：为偶然的 6.0 倍"
