"""Markov chains over channels: what is lost when the traffic of a channel is, exactly, at any order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from crmkit.errors import DomainError
from crmkit.models.paths import F64, I64, Paths

# Propagation stops where no probability moves any more; a chain that lingers is solved instead.
_STILL = 1e-15
_MOST_STEPS = 400
# Numbers in one block of (states, channels).
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Removal:
    """What a chain says of its channels.

    Attributes
    ----------
    probability : float
        P(conversion) from the start; the share of journeys that converted, at every order.
    effects : float64, shape (channels,)
        Share of the conversions that is lost with the traffic of a channel, 0 to 1.
    value_effects : float64, shape (channels,)
        Share of the value.
    """

    probability: float
    effects: F64
    value_effects: F64


@dataclass(frozen=True, slots=True, eq=False)
class MarkovChain:
    """The states of paths at one order, ready for any counts of the same paths.

    A state is the last `order` channels of a journey; a path shorter than that is one state of its own.

    Attributes
    ----------
    order : int
    starting, ending : int64, shape (n,)
        First and last state of each path.
    stepping : (int64, int64), each of shape (steps,)
        State before and state after of each kind of step, but not from a state to itself.
    flows : sparse matrix, shape (steps, n)
        How often a journey along a path takes each step.
    member : bool, shape (states, channels)
        Channels of each state.
    """

    order: int
    starting: I64
    ending: I64
    stepping: tuple[I64, I64]
    flows: sparse.csr_matrix
    member: NDArray[np.bool_]

    @classmethod
    def of(cls, paths: Paths, order: int) -> MarkovChain:
        """Name the states of paths.

        Parameters
        ----------
        paths : Paths
        order : int
            Channels that a state remembers, at least 1.

        Raises
        ------
        DomainError
            `order` is below 1.
        """
        if order < 1:
            raise DomainError(f"The order of a Markov chain must be at least 1, got {order}.")
        lengths, place = paths.lengths, paths.place
        order = int(min(order, lengths.max(initial=1)))
        grams = _grams(paths.codes, place, order)
        # Full states, and the one state of a path that is shorter than the order.
        is_state = (place >= order - 1) | (place + 1 == np.repeat(lengths, lengths))
        at = np.flatnonzero(is_state)
        _, representative, state = np.unique(grams[at], return_index=True, return_inverse=True)
        path = paths.path_of[at]
        same = path[1:] == path[:-1]
        first = np.flatnonzero(np.concatenate([[True], ~same]))
        last = np.concatenate([first[1:], [len(at)]]) - 1
        before = np.flatnonzero(same & (state[1:] != state[:-1]))
        member = _members(paths, at[representative], place, order)
        pair = state[before].astype(np.int64) * len(representative) + state[before + 1]
        steps, kind = np.unique(pair, return_inverse=True)
        flows = sparse.csr_matrix((np.ones(len(kind)), (kind, path[before])), shape=(len(steps), len(paths)))
        stepping = (steps // len(representative), steps % len(representative))
        return cls(order, state[first], state[last], stepping, flows, member)

    def removal(self, conversions: F64, nulls: F64, values: F64, *, accuracy: float = _STILL) -> Removal:
        """Solve the chain for counts of its paths.

        Parameters
        ----------
        conversions, nulls, values : float64, shape (n,)
            As of `Paths`.
        accuracy : float
            Relative; above its default for replicates, whose spread is all that counts.

        Notes
        -----
        Removal of a channel: journeys that would come into a state with it are lost. With Q the steps between states,
        r the conversions of each state and s the start, the chain converts with s (I - Q)^-1 r, and without channel c
        with the same over the states that do not hold c; the effect is the share of the first that the second lacks.
        Steps from a state to itself change nothing and are left out. For value, r weighs each conversion by its money.

        References
        ----------
        Anderl, Becker, von Wangenheim & Schumann (2016), "Mapping the customer journey", IJRM 33(3): removal effects
        of higher-order chains.
        """
        n, channels = self.member.shape
        total = conversions + nulls
        if not total.sum() > 0:
            return Removal(0.0, np.zeros(channels), np.zeros(channels))
        start = np.bincount(self.starting, total, n) / total.sum()
        ends = np.column_stack([np.bincount(self.ending, weights, n) for weights in (conversions, values)])
        steps = sparse.csr_matrix((self.flows @ total, self.stepping), shape=(n, n))
        leaving = np.asarray(steps.sum(axis=1)).ravel() + np.bincount(self.ending, total, n)
        share = 1.0 / np.where(leaving > 0, leaving, 1.0)
        chain, reward = sparse.csr_matrix(sparse.diags_array(share) @ steps), ends * share[:, None]
        whole = start @ _absorbed(chain, reward, np.ones((n, 1), dtype=bool), accuracy)[:, :, 0]
        effects = np.zeros((2, channels))
        width = max(1, _BLOCK // n)
        for left in range(0, channels, width):
            kept = ~self.member[:, left : left + width]
            rest = np.tensordot(start, _absorbed(chain, reward, kept, accuracy), axes=1)
            effects[:, left : left + width] = 1.0 - rest / np.where(whole > 0, whole, 1.0)[:, None]
        effects[whole <= 0] = 0.0
        # A channel that nothing depends on is left with rounding.
        effects = np.clip(np.where(np.abs(effects) < 1e-13, 0.0, effects), 0.0, 1.0)
        return Removal(float(whole[0]), effects[0], effects[1])


def removal_effects(paths: Paths, *, order: int = 1) -> Removal:
    """Solve the Markov chain of paths, see `MarkovChain.removal`."""
    return MarkovChain.of(paths, order).removal(paths.conversions, paths.nulls, paths.values)


def _grams(codes: I64, place: I64, order: int) -> I64:
    """Give the last `order` channels at each touch (fewer at the beginning of a path) a number, shape (m,)."""
    gram = codes.astype(np.int64)
    for j in range(1, order):
        longer = np.flatnonzero(place >= j)
        if len(longer) == 0:
            break
        pair = gram[longer - 1] * (int(codes.max()) + 1) + codes[longer]
        fresh = gram.copy()
        # Grams of j + 1 channels get numbers above all that were there.
        fresh[longer] = gram.max() + 1 + np.unique(pair, return_inverse=True)[1]
        gram = np.unique(fresh, return_inverse=True)[1].astype(np.int64)
    return gram


def _members(paths: Paths, touch: I64, place: I64, order: int) -> NDArray[np.bool_]:
    """Channels among the last `order` touches up to each of `touch`, shape (len(touch), channels)."""
    member = np.zeros((len(touch), paths.channels), dtype=bool)
    for j in range(order):
        there = np.flatnonzero(place[touch] >= j)
        if len(there) == 0:
            break
        member[there, paths.codes[touch[there] - j]] = True
    return member


def _absorbed(chain: sparse.csr_matrix, reward: F64, kept: NDArray[np.bool_], accuracy: float) -> F64:
    """Return the expected rewards if only kept states can be entered, shape (states, rewards, channels)."""
    n, rewards = reward.shape
    channels = kept.shape[1]
    gain = (reward[:, :, None] * kept[:, None, :]).reshape(n, rewards * channels)
    mask = np.tile(kept, (1, rewards))
    found = gain.copy()
    scale = np.maximum(np.abs(found).max(initial=0.0), 1e-300)
    for _ in range(_MOST_STEPS):
        moved = (chain @ found) * mask + gain
        still = np.abs(moved - found).max(initial=0.0) <= accuracy * scale
        found = moved
        if still:
            return found.reshape(n, rewards, channels)
    return _solved(chain, reward, kept)


def _solved(chain: sparse.csr_matrix, reward: F64, kept: NDArray[np.bool_]) -> F64:
    """Return what `_absorbed` does, by a factorisation per channel: for chains that linger."""
    n, rewards = reward.shape
    found = np.zeros((n, rewards, kept.shape[1]))
    for c in range(kept.shape[1]):
        rows = np.flatnonzero(kept[:, c])
        part = sparse.csc_matrix(sparse.identity(len(rows)) - chain[rows][:, rows])
        if len(rows):
            found[rows, :, c] = splu(part).solve(reward[rows])
    return found
