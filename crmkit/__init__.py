"""Customer-value modelling over data frames: RFM, repurchase, churn, lead scores, attribution."""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
__all__ = [
    "attribution",
    "basket",
    "batch",
    "churn",
    "clusters",
    "clv",
    "cohorts",
    "datasets",
    "errors",
    "evaluation",
    "funnel",
    "journeys",
    "leads",
    "plots",
    "purchases",
    "report",
    "repurchase",
    "rfm",
    "schema",
    "scoring",
    "summary",
    "tags",
]


def __getattr__(name: str) -> ModuleType:
    """Import a room when it is first used, so that `import crmkit` costs nothing."""
    if name in __all__:
        return import_module(f"crmkit.{name}")
    raise AttributeError(f"module 'crmkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
