"""The engine on labelled corpora: the table is printed, and must not fall below what was reached before."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.quality

LEAST = {  # persons masked, balanced and strict: what was reached, less one in a hundred
    "tab": (0.86, 0.92),
    "presidio_templates": (0.94, 0.96),
    "meddocan": (0.89, 0.89),
    "lifebench": (0.92, 0.95),
    "wnut17": (0.67, 0.84),
}
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
    assert crm["known"]["known"] >= 0.995
    assert crm["known"]["unknown"] >= 0.98
    assert crm["EMAIL"]["masked"] >= 0.999
    for corpus, least in LEAST.items():
        for profile, share in zip(("balanced", "strict"), least, strict=True):
            assert figures[f"dev/{corpus} {profile}"]["PERSON"]["masked"] >= share, (corpus, profile)
