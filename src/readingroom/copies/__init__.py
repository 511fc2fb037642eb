"""Copies: anonymized, checked, sealed, kept for a limited time, purged with a certificate."""

from readingroom.copies.records import Copy, Item, Part, get_copy, get_item, list_copies, list_items, list_parts
from readingroom.copies.states import CopyState

__all__ = ["Copy", "CopyState", "Item", "Part", "get_copy", "get_item", "list_copies", "list_items", "list_parts"]
