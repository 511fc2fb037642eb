"""Conventions that matter, checked over the whole code base (house style 28)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from readingroom.bootstrap import import_tables
from readingroom.db.schema import PLACE, ROOM

SOURCE = Path(__file__).parent.parent.parent / "src" / "readingroom"
MODULES = sorted(SOURCE.rglob("*.py"))
BANNED_NAMES = {"utils.py", "util.py", "helpers.py", "common.py", "manager.py", "misc.py"}
# foreign calls are wrapped here, and the last fence of the command line
BROAD_EXCEPT_ALLOWED = re.compile(r"except (Exception|BaseException).*# noqa: BLE001 - \w+")


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in MODULES:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_no_module_is_longer_than_400_lines() -> None:
    long = {str(path.relative_to(SOURCE)): n for path in MODULES if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_no_module_is_named_for_nothing() -> None:
    assert [path.name for path in MODULES if path.name in BANNED_NAMES] == []


def test_every_module_says_what_it_promises() -> None:
    assert [str(path.relative_to(SOURCE)) for path, tree in _trees() if not ast.get_docstring(tree)] == []


def test_broad_excepts_carry_their_reason_on_the_line() -> None:
    wrong = []
    for path in MODULES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"except (Exception|BaseException)\b", line) and not BROAD_EXCEPT_ALLOWED.search(line):
                following = "\n".join(path.read_text().splitlines()[number : number + 8])
                if not re.search(r"^\s+raise\b", following, re.MULTILINE):
                    wrong.append(f"{path.relative_to(SOURCE)}:{number}")
    assert wrong == []


def test_every_lint_exemption_carries_its_reason() -> None:
    wrong = []
    for path in MODULES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if "# noqa" in line and not re.search(r"# noqa: [A-Z0-9, ]+ - .+", line):
                wrong.append(f"{path.relative_to(SOURCE)}:{number}")
    assert wrong == []


def test_every_table_of_a_place_names_its_tenant() -> None:
    """P18: row-level security hangs on it; events of the place itself have the empty tenant."""
    import_tables()
    assert [name for name, table in PLACE.tables.items() if "tenant" not in table.columns] == []


def test_no_table_holds_key_bytes() -> None:
    """Rule 4: wrapped keys live in the keyring, never in the database or its backups."""
    import_tables()
    names = [f"{t.name}.{c.name}" for schema in (ROOM, PLACE) for t in schema.tables.values() for c in t.columns]
    suspicious = [n for n in names if re.search(r"(wrapped|secret|private|data_key|part_key|copy_key|epoch_key)", n)]
    assert suspicious == []


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[-2] in {"anonymize", "sources"}], ids=lambda p: p.name)
def test_engine_and_sources_write_no_file(path: Path) -> None:
    """Rule 1: raw data never rests; nothing that holds raw values opens a file to write."""
    text = path.read_text()
    assert not re.search(r"open\([^)]*[\"'](w|a|x|wb|ab|xb|r\+)", text)
    assert not re.search(r"\b(write_text|write_bytes|NamedTemporaryFile|mkstemp|TemporaryFile)\b", text)


def test_nobody_reads_the_evaluation_files() -> None:
    """Gold is what we are measured by: only tests, scripts and the check command take its path, as an argument."""
    for path in MODULES:
        assert "/gold/" not in path.read_text(), path
        assert "heldout" not in path.read_text(), path


def test_the_second_look_shares_no_code_with_the_engine() -> None:
    """P14: what one overlooks the other must be able to see: nothing of `anonymize` is imported, at whatever depth."""
    waiting, seen = [SOURCE / "copies" / "second_look.py", *(SOURCE / "copies").glob("look*.py")], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in _imported(path):
            parts = name.split(".")[1:]
            assert parts[:1] != ["anonymize"], path
            for file in (SOURCE.joinpath(*parts).with_suffix(".py"), SOURCE.joinpath(*parts) / "__init__.py"):
                waiting += [file] if parts and file.is_file() else []
    assert len(seen) > 8


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("readingroom"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("readingroom"))
