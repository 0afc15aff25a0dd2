"""Health schemes as plain values and as TOML, and back with errors that name the place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from crmkit.churn.health.parts import Bands, Colours, Linear, Metric, Scale, Veto
from crmkit.errors import DomainError

_T = TypeVar("_T")
_TOP = ("name", "minimum_coverage", "colours", "metrics", "vetoes")
_METRIC = ("name", "weight", "direction", "scale", "missing", "max_age_days")


def metric_as_dict(metric: Metric) -> dict[str, Any]:
    """Give a metric as plain values."""
    plain: dict[str, Any] = {"name": metric.name, "weight": metric.weight, "direction": metric.direction}
    scale = metric.scale
    if isinstance(scale, Linear):
        plain["scale"] = {"worst": scale.worst, "best": scale.best}
    else:
        plain["scale"] = {"edges": list(scale.edges), "points": list(scale.points), "edge": scale.edge}
    plain["missing"] = metric.missing
    return plain if metric.max_age_days is None else plain | {"max_age_days": metric.max_age_days}


def veto_as_dict(veto: Veto) -> dict[str, Any]:
    """Give a veto rule as plain values."""
    return {"colour": veto.colour, "at_most": veto.at_most, "metrics": list(veto.metrics), "count": veto.count}


def parts_of(plain: Any) -> dict[str, Any]:
    """Read the parts of a scheme; DomainError with the place of what is wrong, as in metrics[2].scale."""
    top = _table(plain, "scheme", _TOP)
    if not isinstance(top.get("metrics"), list):
        raise DomainError("Health scheme, metrics: expected a list of metrics, at least one.")
    vetoes = top.get("vetoes", [])
    if not isinstance(vetoes, list):
        raise DomainError("Health scheme, vetoes: expected a list of rules.")
    read: dict[str, Any] = {
        "name": _text(top.get("name", "own"), "name"),
        "metrics": tuple(_metric(m, f"metrics[{i}]") for i, m in enumerate(top["metrics"])),
        "vetoes": tuple(_veto(v, f"vetoes[{i}]") for i, v in enumerate(vetoes)),
    }
    if "minimum_coverage" in top:
        read["minimum_coverage"] = _number(top["minimum_coverage"], "minimum_coverage")
    if "colours" in top:
        read["colours"] = _colours(top["colours"])
    return read


def as_toml(plain: Mapping[str, Any]) -> str:
    """Write plain values as TOML: keys, then tables, then lists of tables."""
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items() if not _is_tabular(value)]
    for key, value in plain.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *(f"{name} = {_toml(part)}" for name, part in value.items())]
        elif _is_tabular(value):
            for row in value:
                lines += ["", f"[[{key}]]", *(f"{name} = {_toml(part)}" for name, part in row.items())]
    return "\n".join(lines) + "\n"


def _is_tabular(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(part)}" for name, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # a JSON text or number is one of TOML, too


def _metric(plain: Any, place: str) -> Metric:
    fields = dict(_table(plain, place, _METRIC))
    if "name" not in fields:
        raise DomainError(f"Health scheme, {place}: name is missing.")
    place = f"{place} ({fields['name']!r})"
    if "weight" in fields:
        fields["weight"] = _number(fields["weight"], f"{place}.weight")
    if "scale" in fields:
        fields["scale"] = _scale(fields["scale"], f"{place}.scale")
    if not isinstance(fields.get("max_age_days", 1), int):
        raise DomainError(f"Health scheme, {place}.max_age_days: expected a whole number.")
    return _made(lambda: Metric(**fields), place)


def _scale(plain: Any, place: str) -> Scale:
    if isinstance(plain, Mapping) and "edges" not in plain:
        ends = _table(plain, place, ("worst", "best"))
        numbers = {name: _number(value, f"{place}.{name}") for name, value in ends.items()}
        return _made(lambda: Linear(**numbers), place)
    bands = _table(plain, place, ("edges", "points", "edge"))
    edges, points = (_numbers(bands.get(name), f"{place}.{name}") for name in ("edges", "points"))
    return _made(lambda: Bands(edges, points, bands.get("edge", "better")), place)


def _veto(plain: Any, place: str) -> Veto:
    fields = dict(_table(plain, place, ("colour", "at_most", "metrics", "count")))
    if not isinstance(fields.get("metrics", []), list | tuple) or not isinstance(fields.get("count", 1), int):
        raise DomainError(f"Health scheme, {place}: metrics is a list of names, count a whole number.")
    fields["metrics"] = tuple(fields.get("metrics", ()))
    return _made(lambda: Veto(**fields), place)


def _colours(plain: Any) -> Colours:
    fields = _table(plain, "colours", ("edges", "edge"))
    edges = _numbers(fields.get("edges"), "colours.edges")
    return _made(lambda: Colours(edges, fields.get("edge", "better")), "colours")  # type: ignore[arg-type]


def _made(make: Callable[[], _T], place: str) -> _T:
    try:
        return make()
    except DomainError as error:
        raise DomainError(f"Health scheme, {place}: {error}") from None


def _table(plain: Any, place: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(plain, Mapping):
        raise DomainError(f"Health scheme, {place}: expected names with values, got {plain!r}.")
    strange = [name for name in plain if name not in known]
    if strange:
        raise DomainError(f"Health scheme, {place}: {strange[0]!r} is not known; known are {', '.join(known)}.")
    return plain


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise DomainError(f"Health scheme, {place}: expected a text, got {value!r}.")
    return value


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DomainError(f"Health scheme, {place}: expected a number, got {value!r}.")
    return float(value)


def _numbers(value: Any, place: str) -> tuple[float, ...]:
    if not isinstance(value, list | tuple):
        raise DomainError(f"Health scheme, {place}: expected a list of numbers, got {value!r}.")
    return tuple(_number(part, f"{place}[{i}]") for i, part in enumerate(value))
