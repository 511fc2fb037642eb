"""A person erased by one identifier stays erased by every other, whatever copies lived at the time (P16, P34)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def _somebody(cli: Any, store: str) -> tuple[str, str]:
    """E-mail address and record id of a contact whose address stands in `store`, and who bears no common address."""
    for line in cli.planted():
        if line["store"] == store and line["kind"] == "email" and line["subject_type"] == "contact":
            return line["value"], line["subject_id"]
    pytest.fail("the fictional tenant names nobody there")


def _find(cli: Any, folder: Path, text: str, request: str) -> Any:
    path = folder / f"{request}.txt"
    path.write_text(text + "\n", encoding="utf-8")
    return cli.ask("subject", "find", "--tenant", "alpha", "--identifiers", path, "--request", request)


def _erase(cli: Any, folder: Path, text: str, request: str) -> Any:
    path = folder / f"{request}.txt"
    path.write_text(text + "\n", encoding="utf-8")
    return cli.ask("subject", "erase", "--tenant", "alpha", "--identifiers", path, "--request", request)["receipt"]


def _mail(address: str) -> str:
    return f"email: {address}"


def test_a_query_copy_alone_knows_who_an_address_belongs_to(tiny: Any, tmp_path: Path) -> None:
    tiny.do("copy", "run", "alpha", "--category", "query")
    address, record = _somebody(tiny, "activity-log")
    assert _find(tiny, tmp_path, _mail(address), "before")["people"] == 1
    assert _erase(tiny, tmp_path, _mail(address), "case-1")["people"] == 1
    assert _find(tiny, tmp_path, f"record: {record}", "after")["total"] == 0
    tiny.do("copy", "run", "alpha", "--category", "query")
    tiny.do("copy", "run", "alpha", "--category", "marketing")
    assert _find(tiny, tmp_path, f"record: {record}", "later")["total"] == 0
    assert _find(tiny, tmp_path, _mail(address), "later-mail")["total"] == 0


def test_an_erasure_while_no_copy_lives_is_honoured_by_every_later_one(tiny: Any, tmp_path: Path) -> None:
    address, record = _somebody(tiny, "dataverse")
    tiny.do("copy", "run", "alpha", "--category", "schema")  # makes no tag key
    tiny.do("copy", "run", "alpha", "--category", "query")
    query = tiny.copies(category="query")[0]["id"]
    assert query
    receipt = _erase(tiny, tmp_path, _mail(address), "case-2")
    assert receipt["request"] == "case-2"
    tiny.do("copy", "run", "alpha", "--category", "marketing")
    assert _find(tiny, tmp_path, f"record: {record}", "later")["total"] == 0


def test_a_schema_copy_links_nobody(tiny: Any) -> None:
    """P25: names of tables and columns, and nothing else."""
    copy = tiny.copies(category="schema") or None
    if copy is None:
        tiny.do("copy", "run", "alpha", "--category", "schema")
    objects = [name for name in tiny.files() if name.startswith("places/schema-us/objects/")]
    assert objects
    assert [name for name in objects if "links" in name or "tags" in name] == []
