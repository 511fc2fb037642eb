"""The bill of materials is valid CycloneDX and names everything that is pinned for this platform."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "make_sbom.py"


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sbom") / "bill.json"
    done = subprocess.run([sys.executable, SCRIPT, "-o", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path.read_text()


def test_the_bill_is_valid(bill: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


def test_the_bill_names_what_is_pinned_with_hashes_and_most_licences(bill: str) -> None:
    components = json.loads(bill)["components"]
    names = {one["name"].replace("_", "-") for one in components}
    wanted = (ROOT / "requirements" / "base.in").read_text().replace("_", "-").split("\n")
    assert {w.partition("[")[0] for w in wanted if w and not w.startswith("#")} <= names
    assert all(one["hashes"] for one in components)
    assert sum("licenses" in one for one in components) > len(components) // 2
