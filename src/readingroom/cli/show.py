"""How a command answers: a plain table for people, one JSON object with --json. Never a value of a customer's."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from readingroom.core.clock import format_instant
from readingroom.core.progress import Progress, silent

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]


def answer(value: Mapping[str, Any], *, as_json: bool, text: str = "") -> None:
    """Print `value` as JSON, or `text` (or key: value lines) for people."""
    if as_json:
        print(json.dumps(value, default=_plain, ensure_ascii=False, indent=1))  # noqa: T201 - this is the answer
        return
    if text:
        typer.echo(text)
        return
    for key, item in value.items():
        typer.echo(f"{key.replace('_', ' ')}: {_cell(item)}")


def rows(name: str, items: Sequence[Mapping[str, Any]], *, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Print `items` as `{"name": [...]}`, or as a table of `columns` (all keys of the first row by default)."""
    if as_json:
        answer({name: list(items)}, as_json=True)
        return
    if not items:
        typer.echo(f"no {name}")
        return
    chosen = list(columns) or list(items[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in chosen:
        table.add_column(column.replace("_", " "), overflow="fold")
    for item in items:
        table.add_row(*(escape(_cell(item.get(column))) for column in chosen))
    Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 160).print(table)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return str(value)


class Bar:
    """A Progress that draws one line per stage on a terminal and stays silent elsewhere."""

    def __init__(self) -> None:
        self.stage = ""
        self.on = sys.stderr.isatty()

    def __call__(self, stage: str, done: int, total: int | None = None) -> None:
        """Redraw the line of `stage`."""
        if not self.on:
            return
        if self.stage and stage != self.stage:
            sys.stderr.write("\n")
        self.stage = stage
        if total:
            share = min(done / total, 1.0)
            sys.stderr.write(f"\r  {stage:<28} [{'#' * int(share * 30):<30}] {share:4.0%}")
        else:
            sys.stderr.write(f"\r  {stage:<28} {done:,}")
        sys.stderr.flush()

    def close(self) -> None:
        """End the last line."""
        if self.on and self.stage:
            sys.stderr.write("\n")
            self.stage = ""


def progress(*, as_json: bool) -> Progress:
    """The bar, or silence where JSON was asked for."""
    return silent if as_json else Bar()
