"""A real cluster: master and workers as processes, two of which die; the whole job is right all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

from crmkit import datasets

pytestmark = pytest.mark.spark
ROOT = Path(__file__).parent.parent


def test_the_whole_job_is_right_on_a_cluster_whose_workers_die(tmp_path: Path) -> None:
    company = datasets.simulate_company(400, rng=np.random.default_rng(1), ids="text", days=730)
    for name in ("orders", "touches", "conversions", "leads", "lead_events"):
        (tmp_path / name).mkdir()
        for part in range(3):
            rows = getattr(company, name).iloc[part::3]
            duckdb.from_df(rows).write_parquet(str(tmp_path / name / f"{part}.parquet"))
    run = subprocess.run(
        [sys.executable, "-m", "tests.spark_cluster_job", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr[-3000:]
    seen = json.loads(run.stdout)
    assert min(seen["executors killed"]) >= 1
    assert seen["the fit is the same"]
    assert min(seen["rows"].values()) > 20
    # Sums of parts in another order: the last bits. Most columns are whole numbers or rounded, and equal.
    assert max(seen["difference"].values()) < 1e-9
    assert max(seen["difference again"].values()) < 1e-9
