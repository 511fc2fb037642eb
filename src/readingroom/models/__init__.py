"""Models that contain no customer data (P31): trained under a privacy budget, gated, released by a second person."""
