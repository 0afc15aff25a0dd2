"""Columns that figures expect of finished tables, declared in a line each."""

from __future__ import annotations

from crmkit.schema import Column


def ident(name: str, meaning: str) -> Column:
    """Declare a key, never empty."""
    return Column(name, "id", meaning, domain="never empty", required=True, nullable=False)


def text(name: str, meaning: str, *, required: bool = True, nullable: bool = True) -> Column:
    """Declare a text."""
    return Column(name, "text", meaning, required=required, nullable=nullable)


def day(name: str, meaning: str, *, required: bool = True, nullable: bool = True) -> Column:
    """Declare a date or time stamp."""
    return Column(name, "time", meaning, required=required, nullable=nullable)


def number(name: str, meaning: str, unit: str = "", *, required: bool = True, nullable: bool = True) -> Column:
    """Declare a finite number; by default a cell may be empty."""
    return Column(name, "number", meaning, unit, "finite", required=required, nullable=nullable)


def share(name: str, meaning: str, *, required: bool = True, nullable: bool = True) -> Column:
    """Declare a share in [0, 1]."""
    return Column(name, "number", meaning, "share of 1", "0 to 1", required, nullable, minimum=0.0, maximum=1.0)
