"""How well the engine finds people and identifiers: the table of the issue, on corpora of labelled text.

    python scripts/quality_pii.py [--shared ../shared] [--only NAME …] [--folds FOLDER] [--json]

Every corpus is run through `readingroom detect` in both profiles and scored by ../shared/tools/score_pii.py. The
shipped tagger has seen the names of the train corpora: `--folds` measures those with taggers that have not
(python training/train_tagger.py --leave-out 3 -o FOLDER/x.npz writes FOLDER/fold-0.npz …).
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from readingroom.anonymize import texts
from readingroom.anonymize.tagger import Weights, load
from readingroom.anonymize.texts import PROFILES
from readingroom.cli.main import execute

CORPORA = (
    "dev/crm_emails",
    "dev/tab",
    "dev/presidio_templates",
    "dev/meddocan",
    "dev/lifebench",
    "dev/wnut17",
    "train/enron_threads",
)
LEFT_OUT = ("enron_threads", "wnut17", "btc_b", "btc_g", "wikigold", "sec_filings", "lifebench", "meddocan")
_KINDS = ("PERSON", "DIRECT", "EMAIL", "PHONE", "CARD", "IBAN", "ID", "ADDRESS", "LOCATION", "ORG", "DATE", "URL", "IP")


def measure(shared: Path, corpora: Sequence[str] = CORPORA) -> dict[str, dict[str, Any]]:
    """Scores by `corpus profile`."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for corpus in corpora:
            gold = shared / "data/pii" / f"{corpus}.jsonl.gz"
            for profile in sorted(PROFILES):
                spans = Path(folder) / "spans.jsonl"
                asked = ["detect", str(gold), "--profile", profile, "-o", str(spans)]
                if corpus == "dev/crm_emails":
                    asked += ["--known", str(gold.with_name("crm_contacts.jsonl.gz"))]
                if execute(asked):
                    raise SystemExit(f"{corpus}: detection failed")
                figures[f"{corpus} {profile}"] = score(shared, gold, spans)
                if corpus == "dev/crm_emails":
                    figures[f"{corpus} {profile}"] |= {"known": _known(gold, spans)}
    return figures


def measure_left_out(shared: Path, folds: Path, corpus: str) -> dict[str, dict[str, Any]]:
    """A train corpus, every document by the tagger that was trained without it."""
    gold = shared / f"data/pii/train/{corpus}.jsonl.gz"
    with gzip.open(gold, "rt", encoding="utf-8") as lines:
        documents = list(lines)
    weights = sorted(folds.glob("fold-*.npz"))
    figures = {}
    shipped = texts.tagger
    with tempfile.TemporaryDirectory() as folder:
        some, spans, together = (Path(folder) / name for name in ("some.jsonl", "spans.jsonl", "all.jsonl"))
        for profile in sorted(PROFILES):
            found = ""
            for number, path in enumerate(weights):
                with path.open("rb") as file:
                    own = load(file)
                texts.tagger = partial(_same, own)
                some.write_text("".join(documents[number :: len(weights)]), encoding="utf-8")
                execute(["detect", str(some), "--profile", profile, "-o", str(spans)])
                found += spans.read_text(encoding="utf-8")
            together.write_text(found, encoding="utf-8")
            figures[f"train/{corpus} left out, {profile}"] = score(shared, gold, together)
    texts.tagger = shipped
    return figures


def _same(weights: Weights) -> Weights:
    return weights


def score(shared: Path, gold: Path, spans: Path) -> dict[str, Any]:
    """What the shared measure says."""
    command = [sys.executable, str(shared / "tools/score_pii.py"), str(gold), str(spans), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _known(gold: Path, spans: Path) -> dict[str, float]:
    """The share of masked persons, apart for those in the contact table and those who are not."""
    with gzip.open(gold.with_name("crm_contacts.jsonl.gz"), "rt", encoding="utf-8") as lines:
        contacts = {json.loads(line)["id"] for line in lines}
    with spans.open(encoding="utf-8") as lines:
        found = {row["id"]: row["spans"] for row in map(json.loads, lines)}
    count, masked = {True: 0, False: 0}, {True: 0, False: 0}
    with gzip.open(gold, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            covered = set()
            for start, end, _ in found.get(row["id"], ()):
                covered.update(range(start, end))
            for start, end, label, who in row["spans"]:
                if label == "PERSON":
                    letters = {i for i in range(start, end) if row["text"][i].isalnum()}
                    count[who in contacts] += 1
                    masked[who in contacts] += letters <= covered
    return {name: round(masked[is_known] / max(count[is_known], 1), 4)
            for name, is_known in (("known", True), ("unknown", False))}  # fmt: skip


def table(figures: dict[str, dict[str, Any]]) -> str:
    """The figures as lines: masked share, and found/precise where a kind is asked for by name."""
    lines = []
    for title, found in figures.items():
        kinds = [
            f"{kind} {found[kind]['masked']:.3f} ({found[kind]['found']:.2f}/{found[kind]['precise'] or 0:.2f})"
            for kind in _KINDS
            if kind in found
        ]
        if "known" in found:
            kinds.insert(0, f"known {found['known']['known']:.3f} unknown {found['known']['unknown']:.3f}")
        clean = f"{found['DOCS']['clean']:.3f}" if found["DOCS"]["clean"] is not None else "-"
        lines.append(
            f"{title}: over-masked {found['over_masked']:.3f}, clean documents {clean}\n    {'; '.join(kinds)}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--only", nargs="*", default=CORPORA)
    parser.add_argument("--folds", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = measure(asked.shared, asked.only)
    if asked.folds:
        for corpus in LEFT_OUT:
            figures |= measure_left_out(asked.shared, asked.folds, corpus)
    print(json.dumps(figures, indent=1) if asked.json else table(figures))


if __name__ == "__main__":
    main()
