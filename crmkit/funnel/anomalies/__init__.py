"""Is a figure of the newest period unusual, and how much so?"""

from crmkit.funnel.anomalies.conversions import conversion_kpis
from crmkit.funnel.anomalies.judged import kpi_anomalies

__all__ = ["conversion_kpis", "kpi_anomalies"]
