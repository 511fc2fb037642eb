"""The engine on labelled corpora: the table is printed, and must not fall below what was reached before."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.quality

ROOT = Path(__file__).parents[2]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("quality_pii", ROOT / "scripts/quality_pii.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_engine_finds_no_less_than_before(shared: Path) -> None:
    quality = script()
    figures = quality.measure(shared)
    print()
    print(quality.table(figures))
    crm = figures["dev/crm_emails balanced"]
    assert crm["known"]["known"] >= 0.97
    assert crm["EMAIL"]["masked"] >= 0.999
