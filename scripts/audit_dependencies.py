"""Whether a known vulnerability stands in what is pinned: every pinned package asked of the advisory database.

    python scripts/audit_dependencies.py [REQUIREMENTS …]

Exit 1 where one is known. Where the database cannot be reached, or does not know a package, that is said and is no
failure: a build without a network must not stop, and must not claim an audit either.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 120


def main(files: Sequence[str]) -> int:
    """Audit each file of pinned requirements; 1 if a vulnerability is known."""
    worst = 0
    for file in files or (str(HERE / "requirements/base.txt"),):
        command = [sys.executable, "-m", "pip_audit", "-r", file, "--disable-pip", "--require-hashes", "-f", "json"]
        command += ["--progress-spinner", "off", "--timeout", "10"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
            found = json.loads(done.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            print(f"{file}: NOT AUDITED, the advisory database cannot be reached")
            continue
        unknown = [one["name"] for one in found if "vulns" not in one]
        known = [(one["name"], one["version"], v["id"]) for one in found for v in one.get("vulns", ())]
        for name, version, identity in known:
            print(f"{file}: {name} {version}: {identity}")
        audited = len(found) - len(unknown)
        print(f"{file}: {audited} packages audited, {len(known)} vulnerabilities; not in the database: {len(unknown)}")
        worst |= bool(known)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
