"""Databases: one for the room, one per place. Holds no domain tables: each room owns its tables.py."""
