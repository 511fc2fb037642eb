"""Write the migration from the newest revision to the tables as tables.py has them now: `make migration NAME=why`.

Both schemas are compared on SQLite; a file is written only where something differs. Read it before you commit it: a
renamed column looks like one dropped and one added, and the value that old rows get in a new column is a guess.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import Boolean, Integer, LargeBinary, MetaData, create_engine, types

from readingroom.bootstrap import import_tables
from readingroom.db.migrating import MIGRATIONS, Step, move, newest, revisions
from readingroom.db.schema import PLACE, ROOM, Instant

HEAD = '''"""{title}."""

from __future__ import annotations

{imports}
revision = "{revision}"
down_revision = {before}


def upgrade() -> None:
    """To {revision}."""
{up}


def downgrade() -> None:
    """Back from {revision}."""
{down}
'''


def main(why: str) -> None:
    """Write what is missing."""
    import_tables()
    for folder, schema in (("room", ROOM), ("place", PLACE)):
        text = render(schema, why)
        if not text:
            print(f"{folder}: nothing differs")
            continue
        slug = re.sub(r"[^a-z0-9]+", "_", why.lower()).strip("_")
        path = MIGRATIONS / folder / f"r{_next(schema)}_{slug}.py"
        path.write_text(text, encoding="utf-8")
        print(f"{folder}: {path}: read it, then `ruff format` it")


def render(schema: MetaData, why: str) -> str:
    """The text of the next migration; "" where nothing differs."""
    engine = create_engine("sqlite://")
    known = revisions(schema)
    with engine.begin() as connection:
        if known:
            move(connection, schema, Step("new", "", newest(schema), known))
        opts = {"target_metadata": schema, "render_as_batch": True, "render_item": _render_item}
        context = MigrationContext.configure(connection, opts=opts)
        script = produce_migrations(context, schema)
    if script.upgrade_ops is None or script.downgrade_ops is None or script.upgrade_ops.is_empty():
        return ""
    _fill_in(script.upgrade_ops.ops)
    up, down = (_code(found, context) for found in (script.upgrade_ops, script.downgrade_ops))
    imports = ["import sqlalchemy as sa\n"] if "sa." in up + down else []
    imports += ["from alembic import op\n"]
    imports += ["\nfrom readingroom.db.schema import Instant\n"] if "Instant()" in up + down else []
    before = f'"{known[-1]}"' if known else "None"
    values = {"title": why, "revision": _next(schema), "before": before, "up": up, "down": down}
    return HEAD.format(imports="".join(imports), **values)


def _next(schema: MetaData) -> str:
    return f"{len(revisions(schema)) + 1:04d}"


def _code(found: Any, context: MigrationContext) -> str:
    text = render_python_code(found, render_as_batch=True, migration_context=context, render_item=_render_item)
    return "\n".join(line for line in text.splitlines() if "###" not in line)


def _render_item(kind: str, value: Any, _context: Any) -> str | bool:
    return "Instant()" if kind == "type" and isinstance(value, Instant) else False


def _fill_in(found: list[Any]) -> None:
    """Rows that are there already need a value in a new column that may not be empty."""
    for operation in found:
        if isinstance(operation, ops.ModifyTableOps):
            _fill_in(list(operation.ops))
        elif isinstance(operation, ops.AddColumnOp):
            column = operation.column
            if not column.nullable and column.server_default is None:
                column.server_default = _default(column)


def _default(column: Any) -> Any:
    from sqlalchemy import DefaultClause, text

    if column.default is not None and column.default.is_scalar:
        value = column.default.arg
        literal = str(int(value)) if isinstance(value, bool | int) else f"'{value}'"
    elif isinstance(column.type, Boolean):
        literal = "false"
    elif isinstance(column.type, Integer | types.Float):
        literal = "0"
    elif isinstance(column.type, types.JSON):
        literal = "'{}'"
    elif isinstance(column.type, LargeBinary):
        literal = "''"
    else:
        literal = "''"
    return DefaultClause(text(literal))


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or sys.exit("say why: make migration NAME='what the migration is for'"))
