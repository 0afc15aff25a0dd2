"""What made the stored figure of optbinning in lead_model.py: `python -m benchmarks.lead_model_peer`, it installed."""

from __future__ import annotations

import time
from importlib.metadata import version

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.lead_model import peer_fit, table_80k


def main() -> None:
    """Print versions, the median CPU seconds of three fits, and the AUC on rows held out."""
    (X, y), (later, came) = table_80k(80_000, 1), table_80k(40_000, 2)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        model = peer_fit(X, y)
        seconds.append(time.process_time() - start)
    area = roc_auc_score(came, model.predict_proba(later)[:, 1])
    print(", ".join(f"{name} {version(name)}" for name in ("optbinning", "scikit-learn", "numpy")))
    print(f"{np.median(seconds):.2f} CPU s, AUC {area:.5f}")


if __name__ == "__main__":
    main()
