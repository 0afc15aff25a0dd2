"""How long an answer takes, against a limit, and who is waiting for one now."""

from crmkit.funnel.responses.hours import OFFICE_HOURS, WorkingHours
from crmkit.funnel.responses.pairs import response_pairs
from crmkit.funnel.responses.times import overdue_responses, response_times

__all__ = ["OFFICE_HOURS", "WorkingHours", "overdue_responses", "response_pairs", "response_times"]
