"""Runs that nobody watches: config in, whole results out."""

from crmkit.batch.checking import Checked
from crmkit.batch.config import Config, read_config
from crmkit.batch.init import Made, init
from crmkit.batch.reading import Published, opened
from crmkit.batch.results import published
from crmkit.batch.run import Done, check, explained, run, steps

__all__ = [
    "Checked",
    "Config",
    "Done",
    "Made",
    "Published",
    "check",
    "explained",
    "init",
    "opened",
    "published",
    "read_config",
    "run",
    "steps",
]
