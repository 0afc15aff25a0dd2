"""Contacts of the team with customers."""

import numpy as np
import pandas as pd

from crmkit.datasets.columns import Buyers, categories, draws_of, moments
from crmkit.datasets.customers import Profiles, draw_sayings, sayings
from crmkit.datasets.leads import owner_names
from crmkit.datasets.office_hours import at_office
from crmkit.datasets.order_log import SECONDS_PER_DAY
from crmkit.datasets.sales_assumptions import Team
from crmkit.datasets.service_assumptions import Care

DAYS_PER_YEAR = 365.25


def contact_table(buyers: Buyers, who: Profiles, care: Care, team: Team, *, rng: np.random.Generator) -> pd.DataFrame:
    """`schema.CONTACTS`, by time."""
    when, how = rng.spawn(2)
    end = buyers.plan.days
    # A third of a day later than the entry: office hours move a moment back by less.
    opens = who.created / SECONDS_PER_DAY + 1 / 3
    closes = np.where(
        buyers.gone < end * SECONDS_PER_DAY, np.minimum(buyers.gone / SECONDS_PER_DAY + care.lingering_days, end), end
    )
    length = np.maximum(closes - opens, 0.0)
    counts = when.poisson(np.array(care.per_year)[who.tier] / DAYS_PER_YEAR * length)
    customer = np.repeat(np.arange(len(counts)), counts)
    second = at_office(opens[customer] + when.random(len(customer)) * length[customer], buyers.plan)
    seen = np.flatnonzero(second < end * SECONDS_PER_DAY)
    rows = seen[np.argsort(second[seen], kind="stable")]
    customer, n = customer[rows], len(rows)
    names = owner_names(team)
    anybody = how.integers(len(names), size=n)
    said = np.where(how.random(n) < care.remark_share, draw_sayings(customer, buyers, rng=how), -1)
    return pd.DataFrame(
        {
            "customer_id": buyers.customer_id.array.take(customer),
            "contacted_at": moments(second[rows], buyers.plan),
            "kind": categories(draws_of(care.kind_shares, n, rng=how), care.kinds),
            "owner_id": categories(np.where(how.random(n) < care.owner_share, who.owner[customer], anybody), names),
            "remark": categories(said, sayings(buyers)),
        }
    )
