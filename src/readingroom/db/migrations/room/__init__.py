"""Migrations of the room's own database."""
