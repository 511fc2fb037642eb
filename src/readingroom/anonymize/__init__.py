"""The engine that anonymizes: columns in; columns, tags, links and counts out. Pure; only package data is loaded."""

from readingroom.anonymize.engine import Engine, Transformed
from readingroom.anonymize.plans import ColumnPlan, TablePlan, classify
from readingroom.anonymize.preparation import Preparation
from readingroom.anonymize.treatments import Action, Treatment

__all__ = ["Action", "ColumnPlan", "Engine", "Preparation", "TablePlan", "Transformed", "Treatment", "classify"]
