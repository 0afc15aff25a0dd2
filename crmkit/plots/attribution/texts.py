"""Words of the figures of `attribution` and `journeys` in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "no_credit": "No channel has any credit in this table",
    "credit_title": "{channel}: {low} to {high} {what}, depending on the model",
    "credit_title_one": "{channel}: {value} {what}, most of all channels",
    "credit": "Marks: models, with their intervals. Grey box: range over all {models} models.",
    "credit_one": "Credit by {model}, with its interval.",
    "credit_others": " Not drawn: {n} smaller channels.",
    "conversions": "conversions",
    "value": "value",
    "in_value": "in value",
    "credit_said": "{value} ({low} to {high})",
    "credit_bare": "{value}",
    "credit_share": "{share} of all, by {model}",
    "range_said": "All models: {low} to {high}",
    "no_paths": "No paths in this table",
    "paths_title": "Most sales come by {path}: {conversions} conversions",
    "paths": "Conversions by path, the {n} most frequent. Beside: share of such journeys that convert.",
    "path_said": "{conversions} · {rate}",
    "path_hover": "{conversions} conversions, {nulls} journeys without one",
    "path_rate": "{rate} of these journeys convert",
    "path_days": "{days} days to convert in the mean",
    "path_value": "Value: {money}",
    "no_steps": "No steps in this table",
    "steps_title": "Most sales follow {channel}: {steps} journeys go from it to a conversion",
    "steps_title_none": "No conversion in these journeys: most steps go from {channel} to {next}",
    "steps": "From each touch (left) to the next (right). Width: steps.",
    "steps_cut": " Drawn: the {n} widest of {all}.",
    "steps_said": "{steps} steps, {share} of those from {channel}",
    "node_said": "{steps} steps",
    "(start)": "start",
    "(conversion)": "conversion",
    "(null)": "no conversion",
    "(unattributed)": "(unattributed)",
    "no_returns": "No channel has a cost on record",
    "returns_title": "Highest return: {channel}, {roas} per 1 spent ({low} to {high})",
    "returns_title_bare": "Highest return: {channel}, {roas} per 1 spent",
    "returns": "Credited value per 1 spent, with its interval. Line: value equals cost.",
    "returns_model": " Credit by {model}.",
    "returns_range": " Grey: range over the models.",
    "returns_without": " No cost on record: {names}.",
    "returns_axis": "value per 1 spent",
    "returns_cost": "Spent {cost}, credited {value}",
    "returns_said": "{roas} per 1 spent ({low} to {high})",
    "returns_models": "By the model: {low} to {high}",
    "no_plan": "Nothing to move: no channel has a cost on record",
    "plan_title": "The same {budget} would bring {gain} with {change} moved",
    "plan_title_none": "Nothing moves: the returns of the channels are not told apart",
    "plan": "Hollow: spend now. Filled: suggested. A what-if, average returns, not causal.",
    "plan_said": "{now} to {then} ({change})",
    "plan_same": "{now}, as it is",
    "plan_axis": "spend",
    "few": "{names} and {n} more",
}
_ZH: Final = {
    "no_credit": "表中没有渠道获得归因",
    "credit_title": "{channel}：{what} {low} 至 {high}，取决于模型",
    "credit_title_one": "{channel}：{what} {value}，为各渠道之首",
    "credit": "标记：各模型及其区间。灰框：全部 {models} 个模型的范围。",
    "credit_one": "按 {model} 归因，附区间。",
    "credit_others": "未画出：{n} 个较小的渠道。",
    "conversions": "转化",
    "value": "金额",
    "in_value": "金额",
    "credit_said": "{value}（{low} 至 {high}）",
    "credit_bare": "{value}",
    "credit_share": "按 {model} 占{share}",
    "range_said": "全部模型：{low} 至 {high}",
    "no_paths": "表中没有路径",
    "paths_title": "成交最多的路径为 {path}：{conversions} 次转化",
    "paths": "各路径的转化数，最常见的 {n} 条。旁注：该路径的转化率。",
    "path_said": "{conversions} · {rate}",
    "path_hover": "{conversions} 次转化，{nulls} 次未转化",
    "path_rate": "此类旅程转化{rate}",
    "path_days": "平均 {days} 天转化",
    "path_value": "金额：{money}",
    "no_steps": "表中没有步骤",
    "steps_title": "成交多紧随{channel}：{steps} 次旅程由此直接转化",
    "steps_title_none": "这些旅程没有转化：最多的步骤由{channel}到{next}",
    "steps": "由每次触点（左）到下一次（右）。宽度：步数。",
    "steps_cut": "画出 {all} 条中最宽的 {n} 条。",
    "steps_said": "{steps} 步，占{channel}出发的{share}",
    "node_said": "{steps} 步",
    "(start)": "开始",
    "(conversion)": "转化",
    "(null)": "未转化",
    "(unattributed)": "（未归因）",
    "no_returns": "没有渠道有成本记录",
    "returns_title": "{channel}每投入 1 回报 {roas}（{low} 至 {high}）",
    "returns_title_bare": "{channel}每投入 1 回报 {roas}",
    "returns": "每投入 1 的归因金额及其区间。线：金额等于成本。",
    "returns_model": "按 {model} 归因。",
    "returns_range": "灰色：各模型的范围。",
    "returns_without": "无成本记录：{names}。",
    "returns_axis": "每投入 1 的金额",
    "returns_cost": "投入 {cost}，归因 {value}",
    "returns_said": "每投入 1 回报 {roas}（{low} 至 {high}）",
    "returns_models": "按模型：{low} 至 {high}",
    "no_plan": "无可调整：没有渠道有成本记录",
    "plan_title": "预算 {budget} 不变，调整 {change}，结果 {gain}",
    "plan_title_none": "不作调整：各渠道的回报无法区分",
    "plan": "空心：现在的投入；实心：建议。假设推演，平均回报，非因果。",
    "plan_said": "{now} 至 {then}（{change}）",
    "plan_same": "{now}，不变",
    "plan_axis": "投入",
    "few": "{names} 等，另有 {n} 个",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN


def channel_name(channel: str, locale: Locale) -> str:
    """Name of a channel; the codes in brackets in words."""
    return texts(locale)[channel] if channel.startswith("(") and channel in _EN else channel
