"""From the first call to the last instalment: how fast we answer, what is still to be paid, which figure is unusual."""

from crmkit.funnel.anomalies import conversion_kpis, kpi_anomalies
from crmkit.funnel.payments import PaymentPlan, ageing, ageing_total, payment_plan, receivables
from crmkit.funnel.responses import OFFICE_HOURS, WorkingHours, overdue_responses, response_pairs, response_times

__all__ = [
    "OFFICE_HOURS",
    "PaymentPlan",
    "WorkingHours",
    "ageing",
    "ageing_total",
    "conversion_kpis",
    "kpi_anomalies",
    "overdue_responses",
    "payment_plan",
    "receivables",
    "response_pairs",
    "response_times",
]
