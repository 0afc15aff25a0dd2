import pytest

from tests.models import logs


@pytest.fixture(scope="session")
def cdnow():
    """CDNOW sample, 2,357 customers, 39 weeks."""
    return logs.summarised(*logs.cdnow_orders("CDNOW_sample.txt"), logs.CUT_CDNOW)


@pytest.fixture(scope="session")
def cdnow_master():
    """CDNOW, 23,570 customers, 39 weeks."""
    return logs.summarised(*logs.cdnow_orders("CDNOW_master.txt"), logs.CUT_CDNOW)


@pytest.fixture(scope="session")
def uci():
    """UCI Online Retail II, 4,971 customers to 2011-06-09."""
    return logs.summarised(*logs.uci_orders(), logs.CUT_UCI)
