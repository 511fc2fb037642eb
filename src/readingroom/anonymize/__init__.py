"""The engine that anonymizes: columns in; columns, tags, links and counts out. Pure; only package data is loaded.

Called, the package anonymizes one table: `readingroom.anonymize(table)` (door.Door says how, ADR 10 why).
"""

import sys

from readingroom.anonymize.door import Anonymized, Door
from readingroom.anonymize.engine import Engine, Transformed
from readingroom.anonymize.plans import ColumnPlan, TablePlan, classify
from readingroom.anonymize.preparation import Preparation
from readingroom.anonymize.treatments import Action, Treatment

__all__ = [
    "Action",
    "Anonymized",
    "ColumnPlan",
    "Door",
    "Engine",
    "Preparation",
    "TablePlan",
    "Transformed",
    "Treatment",
    "classify",
]

sys.modules[__name__].__class__ = Door  # called, the package anonymizes a table
