"""Leads that people act on."""

__all__: list[str] = []
