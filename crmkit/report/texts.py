"""Words of the report in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "language": "en",
    "title": "Customer report",
    "skip": "Skip to the figures",
    "contents": "Contents",
    "as_of": "as of {day}",
    "key": "In short",
    "no_script": "Figures need JavaScript; the tables do not.",
    "numbers": "The numbers of this figure as a table",
    "see_tree": "Who pays",
    "see_grid": "Where customers stand",
    "see_table": "Segments",
    "see_moves": "Who moved",
    "see_words": "What the numbers mean",
    "table_title": "Every segment, and what to do",
    "table_hint": "A heading sorts by its column; again, the other way round.",
    "sort": "Sort by {column}",
    "segment": "Segment",
    "customers": "Customers",
    "customer_share": "Share of customers",
    "revenue": "Revenue",
    "revenue_share": "Share of revenue",
    "median_days_since_order": "Days since last order, median",
    "median_order_count": "Orders, median",
    "median_revenue": "Revenue a customer, median",
    "play": "What to do",
    "before": "From",
    "after": "To",
    "share_before": "Share of where from",
    "came": "Not in the log",
    "made": "Made with crmkit {version}. This page holds everything it shows and loads nothing.",
    "or": " or ",
    "since": "Since the earlier date",
    "since_day": "Since {day}",
    "say_nobody": "There is no customer in this log up to {as_of}.",
    "say_refunds_only": "None of them has bought: the log holds their refunds only.",
    "say_base": "{customers} customers placed {orders} orders worth {revenue} from {first_day} to {as_of}.",
    "say_base_short": "{customers} customers paid {revenue} up to {as_of}.",
    "say_best": "{name}: {customers} customers ({share}) bring {revenue_share} of revenue.",
    "say_slipping": "Call first: {customers} good customers have gone quiet ({names}). They paid {revenue}, {share} of "
    "revenue.",
    "say_largest": "{name} is the largest segment: {customers} customers ({share}) bring {revenue_share} of revenue; "
    "half of them ordered last {days} days ago or earlier.",
    "say_moved": "{since}, {customers} of {known} customers ({share}) changed segment: {up} up, {down} down.",
    "period": "Data",
    "period_is": "Orders of {source} to {as_of}, that day included. Later orders are not looked at.",
    "period_from": "Orders of {source} from {first_day} to {as_of}, both days included. Later orders are not looked "
    "at.",
    "refunds": "Refunds",
    "refunds_exclude": "An order with a negative amount is a refund. It is left out of revenue, and it is never an "
    "order: it moves neither days since the last order nor the number of orders.",
    "refunds_net": "An order with a negative amount is a refund. It is taken off revenue, and it is never an order: "
    "it moves neither days since the last order nor the number of orders.",
    "refunds_raise": "The log holds no order with a negative amount; it would have been refused.",
    "customers_is": "Customers with at least one order or refund in the period. The share is of all customers.",
    "revenue_is": "Sum of the amounts of their orders; not profit. The share is of the revenue of all customers.",
    "days": "Days since last order",
    "days_is": "Days from a customer's last order to {as_of}. The table gives the median: half the customers of the "
    "segment have at most that many.",
    "orders": "Orders",
    "orders_is": "Number of orders in the period: rows with one order number are one order; without numbers each row "
    "is an order.",
    "scores": "Scores R, F, M",
    "scores_is": "R scores days since the last order, F the number of orders, M revenue; from 1 to {n}, {n} is best. "
    "Customers who are equal score equal, so a score can be empty.",
    "cuts_is": "Scores were cut at the values below, made from {customers} customers and the same on both dates: a "
    "customer moves by what that customer does, not by what others do.",
    "cuts_hand": "Scores were cut at the values below, set by hand and the same on both dates.",
    "cuts_score": "Score",
    "cuts_r": "R: days since last order",
    "cuts_f": "F: orders",
    "cuts_m": "M: revenue",
    "cut_only": "any",
    "cut_empty": "nobody",
    "cut_between": "{low} to {high}",
    "cut_over": "over {low}",
    "cut_up_to": "up to {high}",
    "segments": "Segments",
    "segments_is": "Each combination of scores belongs to exactly one segment. Customers whose log holds refunds only "
    "have no scores and are a segment of their own.",
    "moves": "Moves",
    "moves_is": "Segment of the same customers on {before} and on {as_of}. Up and down follow the order of the "
    "segments in the table. {absent}: the customer had no order in the log on that date.",
    "limits": "What this cannot say",
    "limits_is": "Segments describe what customers did up to {as_of}. They do not foretell what they will do, and they "
    "do not say why.",
}
_ZH: Final = {
    "language": "zh-Hans",
    "title": "客户报告",
    "skip": "跳到图表",
    "contents": "目录",
    "as_of": "截至{day}",
    "key": "要点",
    "no_script": "图表需要 JavaScript，表格不需要。",
    "numbers": "以表格查看本图数字",
    "see_tree": "谁在付费",
    "see_grid": "客户分布",
    "see_table": "客群",
    "see_moves": "客群流动",
    "see_words": "指标说明",
    "table_title": "各客群及建议动作",
    "table_hint": "点击表头按该列排序，再次点击则反向。",
    "sort": "按{column}排序",
    "segment": "客群",
    "customers": "客户数",
    "customer_share": "客户占比",
    "revenue": "收入",
    "revenue_share": "收入占比",
    "median_days_since_order": "距上次下单天数（中位数）",
    "median_order_count": "订单数（中位数）",
    "median_revenue": "每位客户收入（中位数）",
    "play": "建议动作",
    "before": "原客群",
    "after": "现客群",
    "share_before": "占原客群",
    "came": "无记录",
    "made": "由 crmkit {version} 生成。本页自带全部内容，不加载任何外部资源。",
    "or": "、",
    "since": "自前一日期以来",
    "since_day": "自{day}以来",
    "say_nobody": "截至{as_of}，订单表中没有客户。",
    "say_refunds_only": "无人购买：表中仅有退款。",
    "say_base": "{first_day}至{as_of}，{customers} 位客户下单 {orders} 次，收入 {revenue}。",
    "say_base_short": "截至{as_of}，{customers} 位客户共付 {revenue}。",
    "say_best": "{name}：{customers} 位客户（{share}）贡献 {revenue_share} 的收入。",
    "say_slipping": "优先联系：{customers} 位好客户久未下单（{names}），其累计收入 {revenue}，占 {share}。",
    "say_largest": "{name}人数最多：{customers} 位客户（{share}）贡献 {revenue_share} 的收入，"
    "半数客户上次下单已在 {days} 天或更早之前。",
    "say_moved": "{since}，{known} 位客户中有 {customers} 位（{share}）变更客群：{up} 位上升，{down} 位下降。",
    "period": "数据",
    "period_is": "{source}截至{as_of}（含当日）的订单；此后的订单不计。",
    "period_from": "{source}自{first_day}至{as_of}（均含当日）的订单；此后的订单不计。",
    "refunds": "退款",
    "refunds_exclude": "金额为负的订单即退款：不计入收入，也不算订单，因此不影响距上次下单天数与订单数。",
    "refunds_net": "金额为负的订单即退款：从收入中扣除，但不算订单，因此不影响距上次下单天数与订单数。",
    "refunds_raise": "表中没有金额为负的订单；若有则会被拒绝。",
    "customers_is": "期内至少有一次订单或退款的客户；占比以全部客户为基数。",
    "revenue_is": "其订单金额之和，并非利润；占比以全部客户的收入为基数。",
    "days": "距上次下单天数",
    "days_is": "自客户最后一次下单至{as_of}的天数。表中为中位数：该客群半数客户不超过此值。",
    "orders": "订单数",
    "orders_is": "期内订单数：订单号相同的行为同一订单；没有订单号时每行为一单。",
    "scores": "R、F、M 分值",
    "scores_is": "R 为距上次下单天数，F 为订单数，M 为收入；分值 1 至 {n}，{n} 最好。"
    "数值相同则分值相同，因此某些分值可能无人。",
    "cuts_is": "分值按下表的界限划分，界限由 {customers} 位客户得出，两个日期相同：客户变动只因其自身行为，而非他人。",
    "cuts_hand": "分值按下表的界限划分，界限为人工设定，两个日期相同。",
    "cuts_score": "分值",
    "cuts_r": "R：距上次下单天数",
    "cuts_f": "F：订单数",
    "cuts_m": "M：收入",
    "cut_only": "任意",
    "cut_empty": "无",
    "cut_between": "{low} 至 {high}",
    "cut_over": "大于 {low}",
    "cut_up_to": "不超过 {high}",
    "segments": "客群",
    "segments_is": "每一种分值组合恰属一个客群。仅有退款的客户没有分值，自成一个客群。",
    "moves": "客群流动",
    "moves_is": "同一批客户在{before}与{as_of}的客群。上升与下降按表中客群的次序。{absent}：该日期尚无其订单。",
    "limits": "本报告不能说明的",
    "limits_is": "客群描述客户截至{as_of}的行为，既不预测将来，也不解释原因。",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN
