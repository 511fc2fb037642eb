"""Assure: every promise of the notice with evidence that is taken now, from the room as it stands (P01-P35)."""
