"""What a run was: enough to repeat it and to trust it."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import crmkit
from crmkit import frames
from crmkit.batch.checking import Checked
from crmkit.batch.config import Config


@dataclass(frozen=True, slots=True)
class JobDone:
    """A job that was done: rows of each table, warnings, seconds."""

    rows: Mapping[str, int]
    warnings: Sequence[str]
    seconds: float


def manifest(
    config: Config,
    *,
    inputs: Sequence[Checked],
    jobs: Mapping[str, JobDone],
    fits: Mapping[str, str],
    state_of: str | None,
    kept: Mapping[str, Any],
    rejects: Mapping[str, int],
    seconds: float,
) -> dict[str, Any]:
    """Lay a run out as plain values for JSON.

    Parameters
    ----------
    config : Config
    inputs, jobs : what was read and done
    fits : mapping of str to str
        JSON of the fits by what they were judged by.
    state_of : str, optional
        Day of the run whose state this one began with.
    kept : mapping
        Entries of jobs of an earlier run of the same day that were not asked for this time.
    rejects : mapping of str to int
        Rows set aside by table, those of `kept` included.
    seconds : float
        Duration of the whole run.
    """
    engine = frames.engine_versions(*(["pyspark"] if config.engine == "spark" else []))
    versions = {"crmkit": crmkit.__version__, "python": platform.python_version(), **engine}
    read = {table.name: _read(table) for table in inputs}
    entry = {"versions": versions, "parameters": _parameters(config), "inputs": read, "state_of": state_of}
    mine = {name: entry | {"tables": dict(job.rows), "warnings": list(job.warnings)} for name, job in jobs.items()}
    return {
        "crmkit": "batch run",
        "as_of": config.day.isoformat(),
        "jobs": dict(kept) | mine,
        "rejects": dict(rejects),
        "fits": {judge: json.loads(text) for judge, text in fits.items()},
        "seconds": {"all": round(seconds, 3)} | {name: round(job.seconds, 3) for name, job in jobs.items()},
    }


def _read(table: Checked) -> dict[str, Any]:
    return {
        "files": list(table.files),
        "rows_in": table.rows_in,
        "rows_kept": table.rows_kept,
        "rows_set_aside": table.rows_aside,
        "errors": list(table.errors),
        "warnings": list(table.warnings),
        "findings": list(table.findings),
    }


def _parameters(config: Config) -> dict[str, Any]:
    return config.model_dump(
        mode="json",
        exclude={
            "sources": {"__all__": {"path", "postgresql", "password_env"}},
            **dict.fromkeys(("output", "report", "spark"), True),  # settings of Spark may hold keys of a storage
        },
    )


def tables_in(manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the tables that manifests tell of, rejects too."""
    every = [
        (*(table for job in one["jobs"].values() for table in job["tables"]), *one["rejects"]) for one in manifests
    ]
    return sorted({table for tables in every for table in tables})
