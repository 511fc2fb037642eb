"""Access: who may see what, from where, what for and until when; and the one gate to sealed copies (P20-P29)."""

from readingroom.access.datasets import ALL, ITEM, Wanted, open_dataset, open_for_check, open_for_request
from readingroom.access.dossier import Visit
from readingroom.access.gate import Picker, Request, decide, view_item, view_items
from readingroom.access.item_view import ItemView
from readingroom.access.policy import Decision
from readingroom.access.standing import Action

__all__ = [
    "ALL",
    "ITEM",
    "Action",
    "Decision",
    "ItemView",
    "Picker",
    "Request",
    "Visit",
    "Wanted",
    "decide",
    "open_dataset",
    "open_for_check",
    "open_for_request",
    "view_item",
    "view_items",
]
