"""The engine on labelled corpora: the table is printed, and must not fall below what was reached before."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.quality

LEAST = {  # persons masked, balanced and strict: what was reached, less one in a hundred
    "tab": (0.84, 0.95),
    "presidio_templates": (0.93, 0.98),
    "meddocan": (0.89, 0.96),
    "lifebench": (0.92, 0.97),
    "wnut17": (0.62, 0.90),
}
PATTERNS = {  # found and precise in presidio_templates, balanced
    "PERSON": (0.90, 0.86),
    "EMAIL": (0.99, 0.99),
    "PHONE": (0.95, 0.95),
    "CARD": (1.0, 1.0),
    "IBAN": (1.0, 1.0),
    "ID": (0.99, 0.99),
    "ADDRESS": (0.90, 0.88),
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
    assert crm["known"]["known"] >= 0.999
    assert crm["known"]["unknown"] >= 0.985
    assert crm["EMAIL"]["masked"] >= 0.999
    assert crm["over_masked"] <= 0.02
    assert figures["dev/crm_emails strict"]["over_masked"] <= 0.10
    for profile, direct, clean in (("balanced", 0.97, 0.92), ("strict", 0.99, 0.97)):
        assert figures[f"dev/tab {profile}"]["DIRECT"]["masked"] >= direct
        assert figures[f"dev/tab {profile}"]["DOCS"]["clean"] >= clean
    for corpus, least in LEAST.items():
        for profile, share in zip(("balanced", "strict"), least, strict=True):
            assert figures[f"dev/{corpus} {profile}"]["PERSON"]["masked"] >= share, (corpus, profile)
    for kind, (found, precise) in PATTERNS.items():
        reached = figures["dev/presidio_templates balanced"][kind]
        assert reached["found"] >= found, kind
        assert reached["precise"] >= precise, kind
