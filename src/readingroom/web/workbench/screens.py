"""What the bench shows of one item, by its kind: a line above, a strip of facts, and the document in the frame. Pure.

Rule: cells come from a customer's copy; each is escaped or sanitized here, and nothing of it is obeyed.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from readingroom.web.workbench import frames

_MOST_ROWS: Final = 50
_MOST_COLUMNS: Final = 12
_QUERY: Final = "Query"
_RESULTS: Final = "ReturnedRows"
_ABOUT: Final = "AdditionalInfo"
_SCHEMA: Final = {"TableLogicalName": "Table", "ColumnType": "Type", "ColumnSchemaName": "Schema name"}


@dataclass(frozen=True)
class Screen:
    """One item as the bench shows it."""

    subject: str
    facts: dict[str, str]
    document: str


def screen(kind: str, cells: Mapping[str, Any], placeholders: Mapping[str, int]) -> Screen:
    """The screen of one item; of an unknown kind every cell, escaped."""
    if kind == "mail":
        return Screen(frames.subject(cells), frames.facts(cells, placeholders), frames.document(cells))
    if kind == "query":
        return _query(cells)
    if kind == "schema":
        return _schema(cells)
    return Screen("", {}, frames.document(cells))


def _query(cells: Mapping[str, Any]) -> Screen:
    about = _parsed(cells.get(_ABOUT))
    about = about if isinstance(about, dict) else {}
    rows = _parsed(cells.get(_RESULTS))
    facts = {
        "Operation": _word(cells.get("Operation")),
        "Table": _word(cells.get("EntityName")),
        "Rows": _word(about.get("RowCount")),
        "Milliseconds": _word(about.get("DurationMs")),
    }
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    body = _table(found) if found else "<p>The copy holds no rows of its results.</p>"
    fields = cells.get("Fields")
    if fields:
        body += f"<h2>Fields</h2><pre>{_text(fields)}</pre>"
    return Screen(
        frames.plain(str(cells.get(_QUERY) or "(no query)")), facts, frames.shell(body, title="Query results")
    )


def _table(rows: list[dict[str, Any]]) -> str:
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if not name.startswith("@")]
    names = names[:_MOST_COLUMNS]
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(row.get(name))}</td>" for name in names) + "</tr>" for row in rows[:_MOST_ROWS]
    )
    more = f"<p>and {len(rows) - _MOST_ROWS} more</p>" if len(rows) > _MOST_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _schema(cells: Mapping[str, Any]) -> Screen:
    name = f"{cells.get('TableLogicalName') or '?'}.{cells.get('ColumnLogicalName') or '?'}"
    facts = {said: _word(cells.get(column)) for column, said in _SCHEMA.items()}
    shown = {key: value for key, value in cells.items() if value is not None and value != ""}
    body = "".join(f"<dt>{html.escape(key)}</dt><dd>{_text(value)}</dd>" for key, value in shown.items())
    return Screen(frames.plain(name), facts, frames.shell(f"<dl>{body}</dl>", title="Column"))


def _parsed(cell: Any) -> Any:
    try:
        return json.loads(cell) if isinstance(cell, str) else None
    except (ValueError, RecursionError):
        return None


def _word(value: Any) -> str:
    """As text."""
    return "\N{EN DASH}" if value is None or value == "" else frames.plain(str(value))


def _text(value: Any) -> str:
    """As markup."""
    return html.escape(_word(value))
