"""Names that no current row holds: a former name, and somebody who was deleted at the source, are known too."""

from __future__ import annotations

from typing import Any

import pytest

from readingroom.copies.reader import read_item, read_rows
from readingroom.copies.records import get_copy, list_items, list_parts
from readingroom.keys.roles import Role

# words of the language, so that only knowledge of the people can tell that they are names
FORMER, GONE = ("Boromir", "Harbour"), ("Winter", "Monday")


@pytest.fixture
def renamed(export: Any) -> Any:
    """The second contact had another name; a fourth was deleted; a mail tells of both."""
    second, fourth = list(export.contacts)[1], "00000001-0000-4000-8000-000000000099"
    lines = (export.folder / "contact/2026-05.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    old = _line(second, FORMER, 1)
    gone = _line(fourth, GONE, 2)
    deleted = _line(fourth, None, 9_000_000)
    body = (
        f"<html><body><p>Dear {' '.join(FORMER)}, we met {' '.join(GONE)}.</p><p>{GONE[0]} {GONE[1]} left.</p></body>"
    )
    export.mails["00000002-0000-4000-8000-000000000077"] = ("news 77", "of people", body + "</html>")
    export.write()
    (export.folder / "contact/2026-05.csv").write_text("".join([old, gone, *lines, deleted]), encoding="utf-8")
    return export


def _line(identity: str, name: tuple[str, str] | None, version: int) -> str:
    sink = '"5/3/2026 9:00:58 AM"'
    first, last = name or ("", "")
    address = f"{first}.{last}@fabrikam.example".lower()
    cells = f'"{first}","{last}","{first} {last}","{address}"' if name else ",,,"
    created = '"2026-05-03T09:30:00.0000000+00:00"'
    return f"{identity},{sink},{sink},{identity},{cells},,{version},{created},{'' if name else 'True'}\n"


def test_former_and_deleted_people_are_not_named_in_a_copy(room: Any, renamed: Any, run: Any) -> None:
    assert renamed.mails
    identity = run(room.open(Role.COPY))
    web = room.open(Role.WEB)
    copy = get_copy(web, identity)
    shown = [read_item(web, copy, item) for item in list_items(web, copy)]
    told = next(one["msdyncrm_emailbody"] for one in shown if "we met" in str(one["msdyncrm_emailbody"]))
    assert not any(word in told for word in (*FORMER, *GONE))
    # nothing of such a row is in the copy: three contacts, and the links of their present names
    contacts = next(part for part in list_parts(web, copy) if part.table_name == "contact")
    assert read_rows(web, copy, contacts.name).num_rows == len(renamed.contacts)
