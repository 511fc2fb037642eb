"""What only a simulation room has: fictional tenants and seeded reviewers, so that the main job can be tried."""
