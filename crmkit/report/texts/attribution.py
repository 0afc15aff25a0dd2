"""Words of the section on channels."""

from typing import Final

EN: Final = {
    "menu": "Channels",
    "question": "Which channel earned it?",
    "say_all": "{conversions} conversions worth {value} are shared out; {none} of them follow no touch within "
    "{lookback} days.",
    "say_none": "{conversions} conversions worth {value} are shared out; every one follows a touch within {lookback} "
    "days.",
    "say_best": "By {model}, {channel} earns most: {conversions} conversions ({low} to {high}), {share} of all.",
    "say_spread": "The models agree least on {channel}: {least} by {least_model}, {most} by {most_model}.",
    "shares_title": "Share of conversions by channel and model",
    "credit_title": "Conversions and value with intervals",
    "channel": "Channel",
    "model": "Model",
    "conversions": "Conversions",
    "low": "Low",
    "high": "High",
    "value": "Value",
    "value_low": "Value, low",
    "value_high": "Value, high",
    "share": "Share",
    "unattributed": "(no touch)",
    "credit_is": "Conversions that a model gives to a channel. Shares of a model add up to 1, those without a touch "
    "included.",
    "interval_is": "Low and high: in {level} of cases the credit lies between them, were the journeys drawn "
    "anew from customers of the same kind.",
    "models_is": "first, last: all to that touch. linear, position, decay: shared by rule. markov, shapley: by what is "
    "lost if the channel is taken out of the journeys.",
    "none_is": "Conversions of customers without any touch within {lookback} days before.",
    "trust_models": "Where models differ, the data do not decide between them: each is a different question. The "
    "interval of one model does not hold what another says.",
    "limits_cause": "Credit is no cause. A channel that appears before people who buy anyway gets credit in every "
    "model; only a test that turns a channel off can tell.",
    "limits_cost": "Cost is not in it: see attribution.channel_returns.",
}
ZH: Final = {
    "menu": "渠道",
    "question": "哪个渠道带来的？",
    "say_all": "共分配 {conversions} 次转化，价值 {value}；其中 {none} 次在此前 {lookback} 天内没有触点。",
    "say_none": "共分配 {conversions} 次转化，价值 {value}；每次在此前 {lookback} 天内都有触点。",
    "say_best": "按 {model} 模型，{channel} 贡献最大：{conversions} 次转化（{low} 至 {high}），占全部的 {share}。",
    "say_spread": "各模型对 {channel} 分歧最大：{least_model} 给 {least}，{most_model} 给 {most}。",
    "shares_title": "各渠道各模型的转化占比",
    "credit_title": "转化数与价值及其区间",
    "channel": "渠道",
    "model": "模型",
    "conversions": "转化数",
    "low": "下限",
    "high": "上限",
    "value": "价值",
    "value_low": "价值下限",
    "value_high": "价值上限",
    "share": "占比",
    "unattributed": "（无触点）",
    "credit_is": "模型分给渠道的转化数。每个模型的占比合计为 1，无触点者包含在内。",
    "interval_is": "下限与上限：若从同类客户中重新抽取路径，{level} 的情形下分配落在其间。",
    "models_is": "first、last：全部归首次或末次触点。linear、position、decay：按规则分摊。"
    "markov、shapley：按从路径中去掉该渠道后的损失。",
    "none_is": "此前 {lookback} 天内没有任何触点的客户的转化。",
    "trust_models": "模型之间的差异无法由数据裁定：每个模型回答不同的问题。一个模型的区间并不涵盖另一个模型的结果。",
    "limits_cause": "分配并非因果。出现在本来就会购买者之前的渠道，在每个模型中都会得分；只有停用渠道的试验才能说明。",
    "limits_cost": "其中不含成本：见 attribution.channel_returns。",
}
