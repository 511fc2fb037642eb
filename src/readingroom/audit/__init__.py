"""The register of the reading room: events, the unit of work, and the Merkle log that anyone can verify."""
