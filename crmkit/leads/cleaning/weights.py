"""What agreement says: the log-odds that two leads are one person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.leads.cleaning.blocks import DEFAULT_BLOCKS, Block, block_keys, candidates, match_rows
from crmkit.leads.cleaning.comparing import LEVELS, levels
from crmkit.leads.cleaning.fakes import FakeRules
from crmkit.leads.cleaning.invalid import DEFAULT_RULES, matchable_rows
from crmkit.models.record_linkage import F64, I64, fit_agreement
from crmkit.models.stored import read_stored

_KIND: Final = "match weights"
Weights = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MatchWeights:
    """Weights of the levels of agreement, in bits: log2 of how much likelier a level is in a pair that is one person.

    The sum of a pair's weights and `prior` is log2 of the odds that it is one person. A field that one of the two
    does not know weighs nothing.

    Attributes
    ----------
    prior : float
        log2 of the odds of a candidate pair of which nothing is known.
    phone : tuple of 4 float
        Differs; a digit off or two swapped; same landline or service number; same mobile.
    email : tuple of 3 float
        Differs; a sign off, or the same name before the @; same.
    name, company : tuple of 3 float
        Differs; close (Jaro-Winkler, or a title in place of the given name); same.
    region : tuple of 3 float
        Differs; same province, a city unknown; same city.
    pairs : int
        Candidate pairs that they were learnt from; 0 for stated ones.

    Raises
    ------
    DomainError
        A field has another number of weights, or one is not finite.
    """

    prior: float = -10.0
    phone: Weights = (-2.0, 6.0, 5.0, 15.0)
    email: Weights = (-2.0, 7.0, 15.0)
    name: Weights = (-4.0, 3.0, 6.0)
    company: Weights = (-2.0, 3.0, 5.0)
    region: Weights = (-3.0, 1.0, 2.5)
    pairs: int = 0

    def __post_init__(self) -> None:
        for name, known in LEVELS.items():
            own = getattr(self, name)
            if len(own) != len(known) or not np.isfinite([*own, self.prior]).all():
                raise DomainError(f"{name} must hold {len(known)} finite weights ({', '.join(known)}), got {own}.")

    def score(self, pattern: I64) -> F64:
        """Log2 odds of pairs that these levels (shape (pairs, fields), 0 for unknown) are one person."""
        total = np.full(len(pattern), self.prior)
        for place, name in enumerate(LEVELS):
            total += np.array([0.0, *getattr(self, name)])[pattern[:, place]]
        return total

    def to_json(self) -> str:
        """Write as JSON."""
        return json.dumps({"crmkit": _KIND, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> MatchWeights:
        """Read what `to_json` wrote; DomainError for any other text."""
        plain: Mapping[str, Any] = read_stored(text, _KIND)
        if set(plain) != {field.name for field in fields(cls)}:
            raise DomainError(f"Stored {_KIND} must hold prior, pairs and {', '.join(LEVELS)}; got {', '.join(plain)}.")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()
        }
        return cls(**given)


STATED: Final = MatchWeights()
# Where the estimate begins: what one person's records and two persons' records look like in most lists.
_MATCHED: Final = {
    "phone": (0.1, 0.1, 0.1, 0.7),
    "email": (0.2, 0.1, 0.7),
    "name": (0.1, 0.1, 0.8),
    "company": (0.1, 0.1, 0.8),
    "region": (0.1, 0.2, 0.7),
}
_UNMATCHED: Final = {
    "phone": (0.9, 0.03, 0.04, 0.03),
    "email": (0.94, 0.03, 0.03),
    "name": (0.5, 0.1, 0.4),
    "company": (0.8, 0.1, 0.1),
    "region": (0.5, 0.1, 0.4),
}


def fit_match_weights(
    leads: IntoFrameT,
    *,
    blocks: tuple[Block, ...] = DEFAULT_BLOCKS,
    rules: FakeRules = DEFAULT_RULES,
    default_region: str = "CN",
    max_block: int = 50,
) -> MatchWeights:
    """Estimate match weights from the leads themselves, without any label.

    Parameters
    ----------
    leads : data frame
        As for `duplicates`.
    blocks, rules, default_region, max_block
        As for `duplicates`.

    Returns
    -------
    MatchWeights
        To be passed to `duplicates` and `merge_leads`; keep it: weights that are estimated anew may merge what stayed
        apart.

    Raises
    ------
    FitError
        No two leads share a block.

    Notes
    -----
    Patterns of agreement of the candidate pairs, with their numbers, are fitted as a mixture of "one person" and "two
    persons" (`models.record_linkage.fit_agreement`). With fewer than some thousand pairs the stated weights are safer.
    """
    rows = frames.held(match_rows(matchable_rows(leads, rules, default_region)), like=leads)
    keys = frames.held(block_keys(rows, blocks), like=leads)
    found = candidates(rows, keys, blocks, max_block=max_block, window=10, like=leads)
    patterns, counts = np.unique(levels(found), axis=0, return_counts=True)
    fit = fit_agreement(
        patterns.reshape(-1, len(LEVELS)).astype(np.int64),
        counts.astype(np.int64),
        matched=[np.array(_MATCHED[name]) for name in LEVELS],
        unmatched=[np.array(_UNMATCHED[name]) for name in LEVELS],
        share=0.3,
    )
    bits: dict[str, Any] = {
        name: tuple(round(float(bit), 6) for bit in np.log2(ours / theirs))
        for name, ours, theirs in zip(LEVELS, fit.matched, fit.unmatched, strict=True)
    }
    prior = round(float(np.log2(fit.share / (1.0 - fit.share))), 6)
    return MatchWeights(prior=prior, pairs=int(counts.sum()), **bits)
