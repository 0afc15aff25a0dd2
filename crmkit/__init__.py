"""Customer-value modelling over data frames: RFM, repurchase, churn, lead scores, attribution."""

__version__ = "0.1.0"
