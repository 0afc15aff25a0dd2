"""What runs in a process of its own: crmkit's way and each peer's, in the peer's own environment."""
