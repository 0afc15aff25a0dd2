"""Markov chains over channels: what is lost when the traffic of a channel is, exactly, at any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from crmkit.errors import DomainError
from crmkit.models.paths import F64, I64, Paths, numbered

# Propagation stops where no probability moves any more; a chain that lingers is solved instead.
_STILL = 1e-15
_MOST_STEPS = 400
# Numbers in one block of (states, channels).
_BLOCK = 4_000_000
# So few states are solved as dense systems.
_DENSE = 40


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
    flows : sparse matrix, int8, shape (steps, n), by columns
        How often a journey along a path takes each step; steps that are taken again stand again.
    member : bool, shape (states, channels)
        Channels of each state.
    """

    order: int
    starting: I64
    ending: I64
    stepping: tuple[I64, I64]
    flows: sparse.csc_matrix
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
        lengths = paths.lengths
        order = int(min(order, lengths.max(initial=1)))
        kind: type[np.signedinteger[Any]] = np.int32 if len(paths.codes) < np.iinfo(np.int32).max else np.int64
        state, touch = _named(paths, lengths, order, kind)
        # States of each path: all of its touches but the first few.
        counts = np.maximum(lengths - (order - 1), 1)
        ends = np.cumsum(counts)
        moves = np.zeros(len(state), dtype=bool)
        np.not_equal(state[:-1], state[1:], out=moves[:-1])
        moves[ends - 1] = False
        # In place: there may be fifty million, and each copy of them is a share of a GB.
        pair = state[:-1][moves[:-1]].astype(_narrow(len(touch) ** 2))
        pair *= len(touch)
        pair += state[1:][moves[:-1]]
        steps, step = numbered(pair, len(touch) ** 2, kind)
        del pair
        # Steps stand path by path: they are the columns of the matrix as they are.
        taken = np.zeros(len(paths) + 1, dtype=kind)
        if len(paths):
            taken[1:] = np.cumsum(moves, dtype=kind)[ends - 1]
        flows = sparse.csc_matrix((np.ones(len(step), dtype=np.int8), step, taken), shape=(len(steps), len(paths)))
        stepping = (steps // len(touch), steps % len(touch))
        member = _members(paths, touch, lengths, order)
        return cls(order, state[ends - counts], state[ends - 1], stepping, flows, member)

    def removal(self, conversions: F64, nulls: F64, values: F64) -> Removal:
        """Solve the chain for counts of its paths, float64, shape (n,) each, as of `Paths`.

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
        return self.removals(conversions[:, None], nulls[:, None], values[:, None])[0]

    def removals(self, conversions: F64, nulls: F64, values: F64, *, accuracy: float = _STILL) -> list[Removal]:
        """Solve the chain for several counts at once, shape (n, r) each.

        `accuracy` is relative; above its default for replicates, whose spread is all that counts.
        """
        total = conversions + nulls
        journeys = np.maximum(total.sum(axis=0), 1e-300)
        start = (_at(self.starting, len(self.member), total) / journeys).T
        ends = np.stack([_at(self.ending, len(self.member), own).T for own in (conversions, values)], axis=2)
        steps = (self.flows @ total).T
        leaving = _at(self.ending, len(self.member), total).T
        np.add.at(leaving.T, self.stepping[0], steps.T)
        share = 1.0 / np.where(leaving > 0, leaving, 1.0)
        reward, moving = ends * share[:, :, None], steps * share[:, self.stepping[0]]
        few = len(self.member) <= _DENSE
        gains = self._dense(moving, reward) if few else self._sparse(moving, reward, start, accuracy)
        rest = np.einsum("rs,rscm->rmc", start, gains) if few else gains
        return [_removal(own) for own in rest]

    def _dense(self, moving: F64, reward: F64) -> F64:
        """Return rewards with all states, then without each channel, shape (r, states, 1 + channels, rewards)."""
        replicates, (n, channels) = len(moving), self.member.shape
        chain = np.zeros((replicates, n, n))
        chain[:, self.stepping[0], self.stepping[1]] = moving
        kept = np.concatenate([np.ones((n, 1)), ~self.member], axis=1)
        found = np.empty((replicates, n, channels + 1, reward.shape[2]))
        for c in range(channels + 1):
            system = np.eye(n) - chain * np.outer(kept[:, c], kept[:, c])
            found[:, :, c] = np.linalg.solve(system, reward * kept[:, c, None])
        return found

    def _sparse(self, moving: F64, reward: F64, start: F64, accuracy: float) -> F64:
        """Return rewards from the start, with all states and without each channel, shape (r, rewards, 1 + channels)."""
        n, channels = self.member.shape
        kept = np.concatenate([np.ones((n, 1), dtype=bool), ~self.member], axis=1)
        found = np.zeros((len(moving), reward.shape[2], channels + 1))
        width = max(1, _BLOCK // n)
        for i, own in enumerate(moving):
            chain = sparse.csr_matrix((own, self.stepping), shape=(n, n))
            for left in range(0, channels + 1, width):
                part = slice(left, left + width)
                found[i, :, part] = np.tensordot(start[i], _absorbed(chain, reward[i], kept[:, part], accuracy), axes=1)
        return found


def _at(states: I64, n: int, weights: F64) -> F64:
    """Sum the weights of paths up to states, shape (states, r)."""
    paths = len(states)
    matrix = sparse.csc_matrix((np.ones(paths), states, np.arange(paths + 1)), shape=(n, paths))
    return np.asarray(matrix @ weights, dtype=np.float64)


def _removal(rest: F64) -> Removal:
    """Tell what is lost from rewards with all channels and without each, shape (2, 1 + channels)."""
    whole = rest[:, :1]
    effects = np.where(whole > 0, 1.0 - rest[:, 1:] / np.where(whole > 0, whole, 1.0), 0.0)
    # A channel that nothing depends on is left with rounding.
    effects = np.clip(np.where(np.abs(effects) < 1e-13, 0.0, effects), 0.0, 1.0)
    return Removal(float(whole[0, 0]), effects[0], effects[1])


def removal_effects(paths: Paths, *, order: int = 1) -> Removal:
    """Solve the Markov chain of paths, see `MarkovChain.removal`."""
    return MarkovChain.of(paths, order).removal(paths.conversions, paths.nulls, paths.values)


def _narrow(bound: int) -> type[np.signedinteger[Any]]:
    """Type of whole numbers below a bound: half as many bytes move in half the time."""
    return np.int32 if bound <= np.iinfo(np.int32).max else np.int64


def _grams(paths: Paths, lengths: I64, order: int, kind: type[np.signedinteger[Any]]) -> tuple[NDArray[Any], int]:
    """Give the last `order` channels at each touch (fewer at the beginning of a path) a number, and a bound of all."""
    gram: NDArray[Any] = paths.codes
    bound = paths.channels
    for j in range(1, order):
        # Grams of j + 1 channels get numbers above all that were there; the first touches of a path have none.
        own = _narrow(bound * (paths.channels + 1))
        longer = np.empty(len(gram), dtype=own)
        longer[:1] = gram[:1]
        np.multiply(gram[:-1], paths.channels, out=longer[1:], dtype=own, casting="same_kind")
        longer[1:] += paths.codes[1:]
        longer[1:] += bound
        for i in range(j):
            first = paths.starts[:-1][lengths > i] + i
            longer[first] = gram[first]
        names, gram = numbered(longer, bound * (paths.channels + 1), kind)
        bound = len(names)
    return gram, bound


def _named(paths: Paths, lengths: I64, order: int, kind: type[np.signedinteger[Any]]) -> tuple[I64, I64]:
    """Give the states of all paths, one after another, numbers, and find a touch at which each is entered."""
    grams, bound = _grams(paths, lengths, order, kind)
    at = _states(paths, lengths, order)
    names, state = numbered(grams[at], bound, kind)
    touch = np.empty(len(names), dtype=np.int64)
    touch[state] = at
    return state, touch


def _states(paths: Paths, lengths: I64, order: int) -> I64:
    """Touches at which there are full states, and the last one of each path that is shorter than the order."""
    is_state = np.ones(len(paths.codes), dtype=bool)
    for j in range(order - 1):
        is_state[paths.starts[:-1][lengths > j + 1] + j] = False
    return np.flatnonzero(is_state)


def _members(paths: Paths, touch: I64, lengths: I64, order: int) -> NDArray[np.bool_]:
    """Channels among the last `order` touches up to each of `touch`, shape (len(touch), channels)."""
    member = np.zeros((len(touch), paths.channels), dtype=bool)
    place = touch - paths.starts[np.searchsorted(paths.starts, touch, side="right") - 1]
    for j in range(order):
        there = np.flatnonzero(place >= j)
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
