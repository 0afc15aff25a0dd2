"""What will they be worth? Orders to come, customer value and the value of groups, each with an interval."""

from crmkit.clv.groups import value_of_groups
from crmkit.clv.orders import expected_orders
from crmkit.clv.value import customer_value

__all__ = ["customer_value", "expected_orders", "value_of_groups"]
