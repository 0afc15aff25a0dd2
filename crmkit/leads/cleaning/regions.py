"""Region texts read as province and city."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from crmkit.leads.cleaning.places import Place, provinces
from crmkit.segment_maps import Locale

UNKNOWN: Final = "region_unknown"
NO_CITY: Final = "region_without_city"
UNCLEAR: Final = "region_ambiguous"
CONFLICT: Final = "region_conflict"
_CHINESE: Final = re.compile("[一-鿿]")
_GAPS: Final = re.compile(r"[\s,;/|\\\-_>.()·、，；]+")
_WORDS: Final = re.compile(r"[a-z]+")
_LONGEST: Final = 12  # signs of a Chinese name
# Words that say of a name what it is, in English and in pinyin.
_SILENT: Final = frozenset(
    (
        *("province", "prov", "city", "prefecture", "municipality", "autonomous", "region", "special"),
        *("administrative", "sar", "district", "china", "prc", "p", "r", "the", "of"),
        *("sheng", "shi", "zizhiqu", "zhixiashi", "zhongguo"),
    )
)
# What an official name may lack: 广西壮族自治区, 广西自治区 and 广西 are one.
_SUFFIXES: Final = ("特别行政区", "自治区", "自治州", "地区", "省", "市", "盟", "州")


class Region(NamedTuple):
    """A region as read: places or None, and a code of `problems` or an empty text."""

    province: str | None
    city: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class _Gazetteer:
    """Spelling -> provinces (numbers) and -> cities (province, city); which spellings are Chinese."""

    provinces: dict[str, int]
    cities: dict[str, tuple[tuple[int, int], ...]]
    chinese_provinces: frozenset[str]
    chinese_cities: frozenset[str]


def region_of(text: str, locale: Locale) -> Region:
    """Read one region text; Chinese in any of its forms, or English and pinyin names in any order."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    province, cities, problem = _in_chinese(plain) if _CHINESE.search(plain) else _in_letters(plain)
    if problem:
        return Region(None, None, problem)
    if province is None and len(cities) != 1:
        return Region(None, None, UNCLEAR if cities else UNKNOWN)
    table = provinces()
    inside = cities if province is None else [city for city in cities if city[0] == province]
    if province is not None and cities and not inside and len(table[province].cities) > 1:
        return Region(None, None, CONFLICT)  # behind a municipality stands a district: 北京朝阳
    if inside:
        own, city = inside[0]
        return Region(_name(table[own].place, locale), _name(table[own].cities[city], locale), "")
    assert province is not None
    whole = table[province]
    if len(whole.cities) == 1:  # a municipality is its own city
        return Region(_name(whole.place, locale), _name(whole.cities[0], locale), "")
    return Region(_name(whole.place, locale), None, NO_CITY)


def _name(place: Place, locale: Locale) -> str:
    return place.official if locale == "zh" else place.english


def _in_chinese(text: str) -> tuple[int | None, list[tuple[int, int]], str]:
    known = _gazetteer()
    rest = _GAPS.sub("", text).removeprefix("中华人民共和国").removeprefix("中国")
    spelling = _longest_start(rest, known.chinese_provinces)
    city = _longest_start(rest, known.chinese_cities)
    # 吉林市 is the city, 吉林 and 吉林省 the province: the longer reading counts, the province where both are as long.
    if spelling is None or (city is not None and len(city) > len(spelling)):
        return (None, list(known.cities[city]), "") if city else (None, [], UNKNOWN)
    province = known.provinces[spelling]
    city = _longest_start(rest[len(spelling) :], known.chinese_cities)
    return province, list(known.cities[city]) if city else [], ""


def _longest_start(text: str, names: frozenset[str]) -> str | None:
    """Look up the longest name that a text begins with."""
    return next((text[:length] for length in range(_LONGEST, 0, -1) if text[:length] in names), None)


def _in_letters(text: str) -> tuple[int | None, list[tuple[int, int]], str]:
    known = _gazetteer()
    words: list[str | None] = [
        word for word in _WORDS.findall(text.replace("'", "").replace("’", "")) if word not in _SILENT
    ]
    found: list[int] = []
    cities: list[tuple[tuple[int, int], ...]] = []
    for place, length in ((i, n) for n in (3, 2, 1) for i in range(len(words) - n + 1)):
        parts = [word for word in words[place : place + length] if word is not None]
        if len(parts) < length:
            continue
        joined = "".join(parts)
        if joined in known.provinces and known.provinces[joined] not in found:
            found.append(known.provinces[joined])
        elif joined in known.cities:
            cities.append(known.cities[joined])
        else:
            continue
        words[place : place + length] = [None] * length
    if len(found) > 1:
        return None, [], CONFLICT
    province = found[0] if found else None
    if province is not None and len(cities) > 1:
        cities = [options for options in cities if any(own == province for own, _ in options)] or cities
    return province, [option for options in cities for option in options], ""


@cache
def _gazetteer() -> _Gazetteer:
    states: dict[str, int] = {}
    towns: dict[str, list[tuple[int, int]]] = {}
    for number, province in enumerate(provinces()):
        for spelling in (*_spellings(province.place), *province.spellings):
            states[spelling] = number
        for city, place in enumerate(province.cities):
            for spelling in _spellings(place):
                towns.setdefault(spelling, []).append((number, city))
    return _Gazetteer(
        states,
        {spelling: tuple(dict.fromkeys(options)) for spelling, options in towns.items()},
        _chinese(states),
        _chinese(towns),
    )


def _spellings(place: Place) -> list[str]:
    """Short and official name, the short one with each suffix that fits, and the English name without gaps."""
    kinds = {suffix for suffix in _SUFFIXES if place.official.endswith(suffix)}
    kinds |= {"州"} if place.official.endswith("自治州") else set()
    english = "".join(_WORDS.findall(place.english.lower().replace("'", "")))
    spelt = [place.short, place.official, *(place.short + kind for kind in kinds), english]
    more = ["luliang"] if english == "lvliang" else []  # the sign ü is written both ways
    return list(dict.fromkeys([*spelt, *more]))


def _chinese(names: Iterable[str]) -> frozenset[str]:
    chinese = frozenset(name for name in names if _CHINESE.search(name))
    assert all(len(name) <= _LONGEST for name in chinese)
    return chinese
