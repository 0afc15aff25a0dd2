"""Leads with duplicates, as lists from several hands hold them, and the truth about who is who."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmkit.leads.cleaning.places import provinces

_SURNAMES = list("王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗")
_GIVEN = list("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国文辉鹏飞宇浩然子轩欣怡")
_TRADES = ["科技", "贸易", "电子", "机械", "化工", "食品", "物流", "纺织", "建材", "医疗"]
_DOMAINS = np.array(["qq.com", "163.com", "126.com", "sina.com", "outlook.com"])


def dirty_leads(persons: int, rng: np.random.Generator, *, copies: float = 0.35) -> pd.DataFrame:
    """Simulate leads; `person` is the truth.

    `copies` further rows per person in the mean. Copies lack fields, write numbers, names and regions in another way,
    have a digit wrong, another telephone or another mail address. Colleagues share a landline and a company; many
    have common names.
    """
    base = _persons(persons, rng)
    more = rng.poisson(copies, persons)
    copied = base.take(np.repeat(np.arange(persons), more)).reset_index(drop=True)
    rows = pd.concat([_written(base, rng, 0.3), _written(copied, rng, 1.0)], ignore_index=True)
    rows = rows.take(rng.permutation(len(rows))).reset_index(drop=True)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365 * 86_400, len(rows)), unit="s")
    ids = pd.Series([f"L{i:07d}" for i in range(len(rows))], dtype="str")
    return pd.concat([ids.rename("lead_id"), rows], axis=1).assign(created_at=pd.Series(day).astype("datetime64[us]"))


def _persons(many: int, rng: np.random.Generator) -> pd.DataFrame:
    surname = rng.choice(_SURNAMES, many, p=_zipf(len(_SURNAMES)))
    given = rng.choice(_GIVEN, many, p=_zipf(len(_GIVEN)))
    second = np.where(rng.random(many) < 0.7, rng.choice(_GIVEN, many), "")
    firm = rng.integers(0, max(many // 3, 1), many)
    towns = [
        (province.place.short, province.place.official, city.short, city.official)
        for province in provinces()
        for city in province.cities
    ]
    town = rng.integers(0, len(towns), max(many // 3, 1))[firm]
    mobile = rng.integers(0, 10**9, many)
    lead = rng.choice(["13", "15", "17", "18", "19"], many)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    local = ["".join(word) for word in letters[rng.integers(0, 26, (many, 7))]]
    own = np.array([f"f{number}.cn" for number in firm])
    trade = np.array(_TRADES)[firm % len(_TRADES)]
    return pd.DataFrame(
        {
            "person": np.arange(many),
            "name": [a + b + c for a, b, c in zip(surname, given, second, strict=True)],
            "company": [f"{towns[t][2]}{_word(f)}{kind}有限公司" for t, f, kind in zip(town, firm, trade, strict=True)],
            "mobile": [a + f"{b:09d}" for a, b in zip(lead, mobile, strict=True)],
            "landline": [f"0{311 + f % 500}-{20_000_000 + f * 7919 % 60_000_000}" for f in firm],
            "email": [
                a + "@" + b
                for a, b in zip(local, np.where(rng.random(many) < 0.5, own, rng.choice(_DOMAINS, many)), strict=True)
            ],
            "town": town,
        }
    ).assign(towns=lambda t: [towns[i] for i in t["town"]])


def _word(number: int) -> str:
    signs = "安宝博昌诚达德东方丰福冠光广海恒宏华辉嘉金锦康利隆美明鹏启瑞盛顺泰天同威信兴旭亚扬益永宇元源正中"
    word = ""
    for _ in range(3):
        number, digit = divmod(number, len(signs))
        word += signs[digit]
    return word


def _written(base: pd.DataFrame, rng: np.random.Generator, mess: float) -> pd.DataFrame:
    """Write the persons down, with so much mess (1 is that of a copy)."""
    many = len(base)

    def chance(share: float) -> np.ndarray:
        return rng.random(many) < share * mess

    phone = base["mobile"].to_numpy(dtype=object)
    phone = np.where(chance(0.06), [_typo(text, rng) for text in phone], phone)
    phone = np.where(chance(0.10), base["landline"], phone)
    phone = np.where(chance(0.06), ["13" + f"{n:09d}" for n in rng.integers(0, 10**9, many)], phone)
    form = rng.integers(0, 4, many)
    written = [
        text
        if kind == 0 or "-" in text
        else ("+86 " + text if kind == 1 else f"{text[:3]}-{text[3:7]}-{text[7:]}" if kind == 2 else "0086" + text)
        for text, kind in zip(phone, form, strict=True)
    ]
    email = base["email"].to_numpy(dtype=object)
    email = np.where(chance(0.05), [text.replace("@", "@mail.", 1) for text in email], email)
    email = np.where(chance(0.08), [f"{_word(n)}{n}"[3:] + "x@qq.com" for n in rng.integers(10**5, 10**9, many)], email)
    name = base["name"].to_numpy(dtype=object)
    name = np.where(chance(0.08), [text[0] + "先生" for text in name], name)
    name = np.where(chance(0.05), [text[:-1] + rng.choice(_GIVEN) for text in name], name)
    region = [
        (p + c, off_p + off_c, c, off_p, f"{off_p} {off_c}")[kind]
        for (p, off_p, c, off_c), kind in zip(base["towns"], rng.integers(0, 5, many), strict=True)
    ]
    rows = pd.DataFrame(
        {"name": name, "company": base["company"], "phone": written, "email": email, "region": region}
    ).astype("str")
    for column, share in (("name", 0.05), ("company", 0.4), ("phone", 0.2), ("email", 0.3), ("region", 0.2)):
        rows[column] = rows[column].where(~chance(share))
    return rows.assign(person=base["person"].to_numpy())


def _typo(number: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(3, 11))
    return number[:place] + str((int(number[place]) + int(rng.integers(1, 10))) % 10) + number[place + 1 :]


def _zipf(many: int) -> np.ndarray:
    weight = 1.0 / np.arange(1, many + 1) ** 0.7
    return weight / weight.sum()
