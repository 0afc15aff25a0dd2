"""Words of the figures in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "nothing": "The forecast that was tested gives nothing to draw here",
    "calibration": "Likeliest group: {predicted} predicted, {observed} ordered ({low} to {high})",
    "calibration_sub": (
        "Dot: a group of customers of like probability. Line: 95 % interval of the share who ordered. "
        "Dashed: prediction and outcome agree."
    ),
    "predicted_axis": "predicted probability of an order",
    "observed_axis": "share who ordered",
    "calibration_said": "{observed} ordered ({low} to {high})<br>{customers} customers",
    "predicted": "{share} predicted",
    "gain": "The first {customers} of customers place {orders} of all order days",
    "gain_sub": "Customers in the order of the forecast, over all cuts. Dashed: called up at random.",
    "gain_customers_axis": "share of customers, highest forecast first",
    "gain_axis": "share of order days",
    "first": "first {share} of customers",
    "gain_said": "{orders} of all order days<br>this group: {forecast} forecast, {happened} happened per customer",
    "counts": "Number of orders",
    "probability": "Probability to order",
    "timing": "Day of the next order",
    "ready": "{question}: ready. Error {ours}, best baseline {theirs} ({name})",
    "usable": "{question}: usable. Error {ours}, best baseline {theirs} ({name})",
    "not_better": "{question}: not better. Error {ours}, best baseline {theirs} ({name})",
    "too_little_data": "{question}: too little data for a verdict",
    "alone": "{question}: error {ours}",
    "rmse": "Root mean squared error, order days",
    "brier": "Brier score, mean squared error of the probability",
    "median error in days": "Median error, days",
    "methods_sub": "{metric}, less is better. Line: 95 % interval. Filled: the forecast. Hollow: baselines.",
    "method_said": "{value} ({low} to {high})<br>{rows} customers judged, once per cut",
    "forecast": "forecast",
    "all zeros": "all zeros",
    "own rate": "own rate",
    "base rate": "base rate",
    "own mean gap": "own mean gap",
    "last order + mean gap": "last order + mean gap",
    "usual wait": "usual wait",
    "difference_points": "difference in percentage points",
    "difference": "difference",
    "comparison_sub": "{b} less {a}. Line: {level} interval.",
    "comparison_band": " Shaded: too small to matter.",
    "comparison_name": "{b} − {a}",
    "comparison_said": "{b}: {value_b}, {size_b} recipients<br>{a}: {value_a}, {size_a} recipients",
}
_ZH: Final = {
    "nothing": "被检验的预测没有可画的内容",
    "calibration": "概率最高的一组：预测 {predicted}，实际下单 {observed}（{low} 至 {high}）",
    "calibration_sub": "点：概率相近的一组客户；线：实际下单比例的 95% 区间；虚线：预测与结果一致。",
    "predicted_axis": "预测的下单概率",
    "observed_axis": "实际下单比例",
    "calibration_said": "实际下单 {observed}（{low} 至 {high}）<br>{customers} 位客户",
    "predicted": "预测 {share}",
    "gain": "前 {customers} 的客户贡献全部下单日的 {orders}",
    "gain_sub": "按预测从高到低排列的客户，含所有检验日。虚线：随机联系。",
    "gain_customers_axis": "客户占比（预测从高到低）",
    "gain_axis": "下单日占比",
    "first": "前 {share} 的客户",
    "gain_said": "占全部下单日的 {orders}<br>本组每位客户：预测 {forecast}，实际 {happened}",
    "counts": "订单次数",
    "probability": "购买概率",
    "timing": "下次下单日期",
    "ready": "{question}：可以使用。误差 {ours}，最好的基线 {theirs}（{name}）",
    "usable": "{question}：可参考。误差 {ours}，最好的基线 {theirs}（{name}）",
    "not_better": "{question}：不优于基线。误差 {ours}，最好的基线 {theirs}（{name}）",
    "too_little_data": "{question}：数据不足，无法判断",
    "alone": "{question}：误差 {ours}",
    "rmse": "均方根误差（下单日数）",
    "brier": "Brier 分数（概率的均方误差）",
    "median error in days": "误差中位数（天）",
    "methods_sub": "{metric}，越小越好。线：95% 区间；实心：预测；空心：基线。",
    "method_said": "{value}（{low} 至 {high}）<br>共 {rows} 位客户（每个检验日各计一次）",
    "forecast": "预测",
    "all zeros": "全零",
    "own rate": "自身频率",
    "base rate": "总体比例",
    "own mean gap": "自身平均间隔",
    "last order + mean gap": "上次下单加平均间隔",
    "usual wait": "通常等待天数",
    "difference_points": "相差百分点",
    "difference": "相差",
    "comparison_sub": "{b} 减 {a}。线：{level} 区间。",
    "comparison_band": "阴影：差异过小，无关紧要。",
    "comparison_name": "{b} − {a}",
    "comparison_said": "{b}：{value_b}，{size_b} 位收件人<br>{a}：{value_a}，{size_a} 位收件人",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN
