"""Shapley values: each player's average gain over all orders in which the players can arrive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from crmkit.errors import DomainError
from crmkit.models.paths import F64, Paths

MOST_PLAYERS = 20
# Coalitions of more members are drawn from, smaller ones are gone through.
EXACT_MEMBERS = 12
_BLOCK = 2_000_000


def shapley_values(worth: F64) -> F64:
    """Shapley values of a game given by the worth of every coalition.

    Parameters
    ----------
    worth : float64, shape (2 ** players,)
        Worth of the coalition whose members are the bits of the index: `worth[0b101]` of the players 0 and 2.

    Returns
    -------
    float64, shape (players,)
        They sum to the worth of all less the worth of none.

    Raises
    ------
    DomainError
        The length is no power of two, of more than 20 players, or a worth is not finite.

    References
    ----------
    Shapley (1953), "A value for n-person games"; by dividends as Harsanyi (1963), International Economic Review 4(2):
    the dividend of a coalition is shared equally among its members.
    """
    players = len(worth).bit_length() - 1
    if len(worth) != 1 << players or players > MOST_PLAYERS:
        raise DomainError(
            f"The worth of a game needs 2 ** players numbers, for at most {MOST_PLAYERS} players, got {len(worth)}."
        )
    if not np.isfinite(worth).all():
        raise DomainError("The worth of every coalition must be finite.")
    dividends = _dividends(np.asarray(worth, dtype=np.float64)[None, :])
    return _shared(dividends).ravel()


def equal_split(paths: Paths, weights: F64) -> F64:
    """Split each journey equally among the distinct channels of its path, shape (channels,).

    This is the Shapley value of the game whose worth is the weight of all journeys that lie within the coalition.

    Parameters
    ----------
    paths : Paths
    weights : float64, shape (n,)
        Conversions, or values.
    """
    path, channel = distinct_channels(paths)
    members = np.bincount(path, minlength=len(paths))
    return np.asarray(np.bincount(channel, weights[path] / members[path], paths.channels), dtype=np.float64)


def distinct_channels(paths: Paths) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Path and channel of each channel of a path, each once, in the order of both; shape (pairs,) each."""
    pairs = np.unique(paths.path_of * paths.channels + paths.codes)
    return pairs // paths.channels, pairs % paths.channels


def logit_shares(
    effects: F64, intercept: float, members: NDArray[np.int64], *, draws: int, rng: np.random.Generator
) -> tuple[F64, F64]:
    """Shapley values of coalitions in the game P(conversion) = 1 / (1 + exp(-(intercept + sum of effects))).

    Parameters
    ----------
    effects : float64, shape (channels,)
    intercept : float
    members : int64, shape (n, d)
        Channels of each coalition, all of one size d.
    draws : int
        Orders drawn where d is above 12; below, all coalitions are gone through.
    rng : numpy Generator
        Draws the orders.

    Returns
    -------
    shares, errors : float64, shape (n, d)
        Shares sum to the chance of all members less that of none; standard errors, 0 where exact.
    """
    own = effects[members]
    if own.shape[1] <= EXACT_MEMBERS:
        return _exact_shares(own, intercept), np.zeros_like(own)
    return _drawn_shares(own, intercept, draws, rng)


def tabulated(worth: Callable[[NDArray[np.bool_]], F64], players: int) -> F64:
    """Ask a worth function for every coalition, shape (2 ** players,).

    Parameters
    ----------
    worth : function of bool, shape (m, players) -> float64, shape (m,)
    players : int
        At most 20.

    Raises
    ------
    DomainError
        There are too many players, or the function gives another number of answers.
    """
    if players > MOST_PLAYERS:
        raise DomainError(
            f"A worth function is asked for every coalition: at most {MOST_PLAYERS} channels, got {players}."
        )
    every = np.arange(1 << players)
    masks = (every[:, None] >> np.arange(players)) & 1 == 1
    found = np.asarray(worth(masks), dtype=np.float64)
    if found.shape != (len(every),):
        raise DomainError(f"The worth function must give one number per coalition, {len(every)}, got {found.shape}.")
    return found


def _dividends(worth: F64) -> F64:
    """Moebius transform along the last axis of (n, 2 ** players)."""
    found = worth.copy()
    players = worth.shape[1].bit_length() - 1
    for i in range(players):
        halves = found.reshape(len(found), -1, 2, 1 << i)
        halves[:, :, 1, :] -= halves[:, :, 0, :]
    return found


def _shared(dividends: F64) -> F64:
    """Share the dividends of (n, 2 ** players) equally among the members of each coalition, shape (n, players)."""
    players = dividends.shape[1].bit_length() - 1
    every = np.arange(dividends.shape[1])
    bits = (every[:, None] >> np.arange(players)) & 1
    return np.asarray(dividends @ (bits / np.maximum(bits.sum(axis=1), 1)[:, None]), dtype=np.float64)


def _exact_shares(own: F64, intercept: float) -> F64:
    n, d = own.shape
    bits = ((np.arange(1 << d)[:, None] >> np.arange(d)) & 1).astype(np.float64)
    shares = np.empty((n, d))
    rows = max(1, _BLOCK >> d)
    for at in range(0, n, rows):
        worth = expit(intercept + own[at : at + rows] @ bits.T)
        shares[at : at + rows] = _shared(_dividends(worth))
    return shares


def _drawn_shares(own: F64, intercept: float, draws: int, rng: np.random.Generator) -> tuple[F64, F64]:
    """Average gains over drawn orders and their reverses, which vary less together than two orders of their own."""
    n, d = own.shape
    total, square = np.zeros((n, d)), np.zeros((n, d))
    pairs = max(draws // 2, 2)
    for _ in range(pairs):
        order = rng.permuted(np.tile(np.arange(d), (n, 1)), axis=1)
        both = (_gains(own, order, intercept) + _gains(own, order[:, ::-1], intercept)) / 2.0
        total += both
        square += both**2
    mean = total / pairs
    return mean, np.sqrt(np.maximum(square / pairs - mean**2, 0.0) / (pairs - 1))


def _gains(own: F64, order: NDArray[np.int64], intercept: float) -> F64:
    arriving = np.take_along_axis(own, order, axis=1)
    chances = expit(intercept + np.cumsum(np.pad(arriving, ((0, 0), (1, 0))), axis=1))
    gains = np.empty_like(own)
    np.put_along_axis(gains, order, np.diff(chances, axis=1), axis=1)
    return gains
