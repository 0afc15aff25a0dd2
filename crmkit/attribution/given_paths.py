"""Credit from paths that somebody has counted before."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.attribution.credit import Chance, credit_columns, credits_of_tally
from crmkit.attribution.models import Milestones, Model, TimeDecay, models_of, needs
from crmkit.errors import DomainError, SchemaError
from crmkit.journeys.tally import Tally
from crmkit.models.paths import F64, I64, Paths

# Signs for private use: no channel's name holds them.
_MARK, _END = "\ue000", "\ue001"


def attribute_paths(
    paths: IntoFrameT,
    *,
    models: str | Model | Sequence[str | Model],
    separator: str = ">",
    level: float = 0.8,
    replicates: int = 50,
    rng: np.random.Generator | None = None,
) -> IntoFrameT:
    """Share conversions among channels where only paths with their counts are at hand.

    Parameters
    ----------
    paths : data frame, `schema.PATHS`
        `path`: a text such as "ads > mail", or a list of channels; an empty one is a conversion without a touch.
        `conversions`; `value` and `nulls` if known. A path may stand in several rows.
    models : str, model or sequence of them
        As for `attribute_all`; models that need days or milestones are refused.
    separator : str
        What stands between the channels of a text; no channel's name may hold it. Blanks around names are dropped.
    level, replicates, rng
        As for `attribute`.

    Returns
    -------
    data frame like `paths`, `schema.CREDIT` with `model`

    Raises
    ------
    SchemaError
        As `schema.admit`; or a path has an empty place between separators.
    DomainError
        A model needs what paths don't tell.

    Notes
    -----
    Standard errors are as for `attribute`, but nothing is known of customers nor of single values: each journey is a
    customer of its own, and all conversions of a row are worth the same.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"path": ["G", "M", "G > M"], "conversions": [2, 1, 1], "nulls": [1, 0, 0]})
    >>> attribute_paths(table, models="shapley")["conversions"].tolist()
    [0.0, 2.5, 1.5]
    """
    chosen = models_of([models] if isinstance(models, str) or not isinstance(models, Sequence) else models)
    if needs(chosen, TimeDecay, Milestones):
        raise DomainError("Paths tell neither days nor milestones: use attribute(touches, conversions, ...) for these.")
    chance = Chance(level, replicates, rng)
    found = credits_of_tally(chosen, tally_of_paths(paths, separator), chance, {})
    return frames.build(credit_columns(found, level, named=True), like=paths)


def tally_of_paths(paths: Any, separator: str) -> Tally:
    """Read paths and their counts."""
    if not separator.strip():
        raise DomainError(f"separator must be a text that is not blank, got {separator!r}.")
    if isinstance(paths, pd.DataFrame) and "path" in paths and _holds_lists(paths["path"]):
        paths, separator = paths.assign(path=paths["path"].map(_joined)), _MARK
    given, columns = _columns(paths)
    lengths, codes, channels = _split(given, separator)
    kept = lengths > 0
    starts = np.concatenate([[0], np.cumsum(lengths[kept])]).astype(np.int64)
    conversions, values, nulls = (columns[name] for name in ("conversions", "value", "nulls"))
    squares = values**2 / np.where(conversions > 0, conversions, 1.0)
    own = Paths(codes, starts, conversions[kept], nulls[kept], values[kept], len(channels))
    return Tally(
        channels,
        own,
        squares[kept],
        np.zeros(len(own)),
        np.zeros((len(own), 2), dtype=np.int64),
        float(conversions.sum()),
        float(values.sum()),
        float(squares.sum()),
    )


def _holds_lists(column: pd.Series[Any]) -> bool:
    return column.dtype == object and any(map(_is_list, column))


def _is_list(cell: object) -> bool:
    return isinstance(cell, list | tuple | np.ndarray)


def _joined(cell: Any) -> Any:
    """Write a list as text: pandas' objects of lists don't enter an engine."""
    return _MARK.join("" if name is None else str(name) for name in cell) if _is_list(cell) else cell


def _columns(paths: Any) -> tuple[NDArray[Any], dict[str, F64]]:
    names = frames.column_names(paths)
    for name in ("path", "conversions"):
        if name not in names:
            raise SchemaError(
                f"paths.{name}: the column is missing; expected one row per path with its conversions.\n"
                f"Rename it, such as frame.rename(columns={{'yours': {name!r}}})."
            )
    used = [name for name in schema.PATHS.known if name in names]
    entered = schema.admit(paths, schema.PATHS, columns=used, passing=True).select("path", *used)
    counts = {name: nw.col(name).cast(nw.Float64).fill_null(0.0) for name in used}
    cells = frames.arrays(entered.with_columns(**counts), ["path", *used])
    zero = np.zeros(len(cells["path"]))
    return cells["path"], {name: np.asarray(cells.get(name, zero), dtype=np.float64) for name in schema.PATHS.known}


def _split(given: NDArray[Any], separator: str) -> tuple[I64, I64, NDArray[Any]]:
    """Touches of each path, the channels of all one after another, by number, and their names in ascending order."""
    if pd.api.types.infer_dtype(given, skipna=True) in ("string", "empty"):
        texts = ["" if cell is None or not cell.strip() else cell for cell in given.tolist()]
        lengths = np.array([text.count(separator) + 1 if text else 0 for text in texts], dtype=np.int64)
        # One text of all is split ten times faster; the ends keep two paths from making a separator between them.
        whole = f"{_END}{separator}{_END}".join(filter(None, texts))
        touches: list[Any] = whole.split(separator) if whole else []
    else:
        lists = [() if cell is None else cell for cell in given.tolist()]
        strange = [cell for cell in lists if not _is_list(cell)]
        if strange:
            raise SchemaError(
                f"paths.path: {len(strange)} of {len(lists)} cells are neither a text nor a list (first: "
                f"{strange[0]!r}); expected paths such as 'ads {separator} mail'.\n"
                f"Convert the column to text, or name the one that holds paths."
            )
        lengths = np.array(list(map(len, lists)), dtype=np.int64)
        touches = list(chain.from_iterable(lists))
    # Names are stripped and sorted once each, not once per touch; a missing one (-1) is an empty place.
    places, written = pd.factorize(np.array(touches, dtype=object))
    names = np.array([*(str(name).strip(_END).strip() for name in written), ""], dtype=object)
    used = np.append(np.ones(len(written), dtype=bool), (places < 0).any())
    numbers, channels = pd.factorize(names[used], sort=True)
    codes = np.asarray(numbers, dtype=np.int64)[places]
    empty = np.flatnonzero((names == "")[places])
    if len(empty):
        row = int(np.searchsorted(np.cumsum(lengths), empty[0], side="right"))
        raise SchemaError(
            f"paths.path: {len(empty)} places hold no channel (first: {given[row]!r}); expected a name on either side "
            f"of each {separator!r}.\nRemove the empty places, or name another separator=."
        )
    return lengths, codes, np.asarray(channels, dtype=object)
