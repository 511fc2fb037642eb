"""Errors without values: whatever fails while cells are worked on names the table and the column, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from readingroom.anonymize.plans import TablePlan
from readingroom.core.errors import Fault, ReadingroomError


@contextmanager
def nameless(plan: TablePlan, doing: str, *, column: str = "") -> Iterator[None]:
    """Turn every foreign error into a Fault that says where and in which step, without its text."""
    where = f'table "{plan.table}"' + (f', column "{column}"' if column else "")
    try:
        yield
    except ReadingroomError:
        raise
    except Exception as error:  # noqa: BLE001 - foreign errors carry cells in their text
        raise Fault(f"{where}: {doing} failed ({type(error).__name__})") from None
