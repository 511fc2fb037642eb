"""A bill of materials of the product (CycloneDX JSON): every package it runs on, its version, licence and hashes.

    python scripts/make_sbom.py [-o build/sbom.cdx.json]

Made from requirements/base.txt and from what is installed; a package that is pinned and absent stops it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.markers import Marker

HERE = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)(.*)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def compose(requirements: str) -> Bom:
    """The bill of what `requirements` pins; SystemExit names what is pinned and not installed in that version."""
    bom = Bom()
    bom.metadata.component = _component("readingroom", version("readingroom"), ComponentType.APPLICATION)
    for name, pinned, rest in _PIN.findall(requirements.replace("\\\n", " ")):
        marker = rest.partition("--hash")[0].partition(";")[2].strip()
        if marker and not Marker(marker).evaluate():
            continue  # for another platform
        if _installed(name) != pinned:
            raise SystemExit(f"{name} {pinned} is pinned and not installed; run make demo first")
        component = _component(name, pinned, ComponentType.LIBRARY)
        component.hashes.update(HashType(alg=HashAlgorithm.SHA_256, content=found) for found in _HASH.findall(rest))
        bom.components.add(component)
        bom.register_dependency(bom.metadata.component, [component])
    return bom


def main(arguments: Sequence[str]) -> int:
    """Write the bill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=HERE / "build/sbom.cdx.json")
    output: Path = parser.parse_args(arguments).output
    bom = compose((HERE / "requirements/base.txt").read_text(encoding="utf-8"))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(JsonV1Dot6(bom).output_as_string(indent=1), encoding="utf-8")
    print(f"{output}: {len(bom.components)} packages")
    return 0


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _component(name: str, number: str, kind: ComponentType) -> Component:
    about = metadata(name)
    told = (about.get_all("License-Expression") or about.get_all("License") or [""])[0]
    licences = [LicenseFactory().make_from_string(told)] if told and "\n" not in told and len(told) < 100 else []
    purl = PackageURL("pypi", name=name.lower().replace("_", "-"), version=number)
    return Component(name=name, version=number, type=kind, purl=purl, bom_ref=str(purl), licenses=licences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
