"""Migrations of the two schemas, oldest first: one folder for ROOM, one for PLACE. How to add one: README.md."""
