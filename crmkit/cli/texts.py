"""Words of the terminal in English and Chinese."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from crmkit.segment_maps import Locale


class Language(StrEnum):
    """Language of what is printed and written."""

    en = "en"
    zh = "zh"


_EN: Final = {
    "read": "Read the orders of CDNOW",
    "segment": "Segment customers on {day}",
    "moves": "Compare the two dates",
    "purchases": "Sum up purchases",
    "tables": "Write tables",
    "report": "Write the page",
    "written": "Written:",
    "rows": "{rows} rows",
    "page": "open in a browser; needs no network",
    "says": "What they say:",
    "unwritable": "{place} cannot be written: {error}. Choose another folder with --out.",
}
_ZH: Final = {
    "read": "读取 CDNOW 订单",
    "segment": "按{day}划分客群",
    "moves": "比较两个日期",
    "purchases": "汇总购买记录",
    "tables": "写出数据表",
    "report": "写出页面",
    "written": "已写出：",
    "rows": "{rows} 行",
    "page": "用浏览器打开，无需网络",
    "says": "主要结论：",
    "unwritable": "无法写入 {place}：{error}。请用 --out 指定其他目录。",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key."""
    return _ZH if locale == "zh" else _EN
