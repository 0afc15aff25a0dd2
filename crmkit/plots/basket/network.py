"""Order of products in a network of pairs, so that products bought together stand near each other."""

from __future__ import annotations

from collections.abc import Sequence

Pair = tuple[str, str]


def in_order(pairs: Sequence[Pair]) -> list[list[str]]:
    """Put products in groups that hang together, neighbours near each other; no chance in it.

    Parameters
    ----------
    pairs : sequence of (str, str)
        The strongest first.

    Returns
    -------
    list of list of str
        Groups, the one of the strongest pair first. Within a group products in the order of a walk that begins at one
        with fewest partners and always takes the strongest arc next, going back where it ends.
    """
    partners: dict[str, list[str]] = {}
    for a, b in pairs:
        partners.setdefault(a, []).append(b)
        partners.setdefault(b, []).append(a)
    groups, seen = [], set[str]()
    for a, _ in pairs:
        if a not in seen:
            members = _walk(a, partners)
            first = min(members, key=lambda name: (len(partners[name]), members.index(name)))
            groups.append(_walk(first, partners))
            seen.update(members)
    return groups


def _walk(first: str, partners: dict[str, list[str]]) -> list[str]:
    found: dict[str, None] = {}
    open_ends = [first]
    while open_ends:
        here = open_ends.pop()
        if here not in found:
            found[here] = None
            open_ends += [name for name in reversed(partners[here]) if name not in found]
    return list(found)
