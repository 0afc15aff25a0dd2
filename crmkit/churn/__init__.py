"""Who is leaving? Risk, alerts that keep their state, health, retention of contracts, whom to win back."""

__all__: list[str] = []
