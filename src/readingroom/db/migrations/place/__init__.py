"""Migrations of every place's database."""
