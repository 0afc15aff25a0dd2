"""Whom to call first? What nurturing does, whether bands of a score hold."""
