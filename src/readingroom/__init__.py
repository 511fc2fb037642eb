"""Readingroom: a reading room for customer data, from opt-in to purge, and provable.

The floors, bottom to top, are drawn in docs/architecture.md; a room imports only from rooms below it.
"""

__version__ = "0.1.0"
