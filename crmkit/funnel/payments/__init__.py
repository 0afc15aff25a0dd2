"""What is to be paid and when, what has been paid, and what is overdue."""

from crmkit.funnel.payments.ageing import ageing, ageing_total
from crmkit.funnel.payments.plan import PaymentPlan, payment_plan
from crmkit.funnel.payments.receivables import receivables

__all__ = ["PaymentPlan", "ageing", "ageing_total", "payment_plan", "receivables"]
