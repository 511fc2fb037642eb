"""This engine and its peers on the same texts, in one run, on one core: KB/s, memory, what is masked, how precisely.

Usage: .venv/bin/python benchmarks/anonymize.py [--quick] [--json]

Every engine has a process of its own, pinned to one core; CPU time of the best of three passes (one with --quick)
counts. This engine gets the mails eight times over. Peers run in .venv-bench (requirements/bench.txt, `make bench`
installs it); one that is not there is named as absent. All see the same mails from the front; an engine that is slow
sees fewer of them, and how many is said. Masked and precise are measured by ../shared/tools/score_pii.py on the mails
that every engine saw. Texts: the mails of ../shared/data/pii (enron_threads, crm_emails); without that folder,
generated ones, which are scored by nobody. Without --quick, table and plot are written to docs/benchmarks/.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
PII = SHARED / "data" / "pii"
CORPORA = {"enron_threads": PII / "train" / "enron_threads.jsonl.gz", "crm_emails": PII / "dev" / "crm_emails.jsonl.gz"}
CONTACTS = PII / "dev" / "crm_contacts.jsonl.gz"
PEERS = ROOT / ".venv-bench" / "bin" / "python"
OURS = ("readingroom balanced", "readingroom strict", "readingroom balanced, contacts", "readingroom strict, contacts")
SLOW = ("presidio default", "presidio batch")
FAST = ("datafog regex", "datafog rust", "scrubadub")
SLOW_BYTES, QUICK_BYTES = 120_000, 20_000
TIMES = 8  # over: this engine works in blocks of 1 MiB
GROUPS = ("PERSON", "EMAIL", "PHONE")
Documents = list[dict[str, Any]]


def read_texts() -> dict[str, Documents]:
    """The documents of each corpus, with gold spans; generated ones if there is none."""
    found = {}
    for name, path in CORPORA.items():
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                found[name] = [{**json.loads(line), "corpus": name} for line in lines]
    return found or {"generated": list(generated())}


def generated(count: int = 3000) -> Iterator[dict[str, Any]]:
    """Fictional mails, for where the corpora are absent."""
    chance = np.random.default_rng(1)
    names = ("Ada Example", "Bob Sample", "Cy Muster", "Dee Placeholder")
    for number in range(count):
        first, second = (names[at] for at in chance.integers(0, len(names), 2))
        phone, day = f"212-555-01{chance.integers(100):02d}", int(chance.integers(1, 29))
        text = (
            f"Dear {first},\n\nthe meeting about order {number} is on the {day}th. Please call {phone} or write to "
            f"{second.split()[0].lower()}{number}@fabrikam.example before noon.\n\nBest regards,\n{second}\n"
        )
        yield {"id": f"g{number}", "text": text, "spans": [], "corpus": "generated"}


def front(corpora: dict[str, Documents], limit: int) -> Documents:
    """From each corpus whole documents from the front, about `limit` bytes in all."""
    chosen = []
    for documents in corpora.values():
        sizes = np.cumsum([len(one["text"].encode()) for one in documents])
        chosen += documents[: max(int(np.searchsorted(sizes, limit / len(corpora))), 1)]
    return chosen


def size_of(documents: Documents) -> int:
    return sum(len(one["text"].encode()) for one in documents)


def run(engine: str, documents: Documents, *, repeat: int, known: str = "") -> dict[str, Any]:
    """One engine over the documents: figures and spans, or why it is absent."""
    ours = engine in OURS
    if not ours and not PEERS.is_file():
        return {"absent": "no .venv-bench: `make bench` installs it"}
    script = "anonymize_engine.py" if ours else "anonymize_peers.py"
    times = TIMES if ours else 1
    asked = {"engine": engine, "repeat": repeat, "times": times, "known": known if engine.endswith("contacts") else ""}
    lines = [asked, *({"id": f"{one['corpus']}/{one['id']}", "text": one["text"]} for one in documents)]
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        [sys.executable if ours else str(PEERS), str(Path(__file__).parent / script)],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    if done.returncode:
        return {"absent": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]}
    *spans, last = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    size = size_of(documents) * times
    return {**last["figures"], "bytes": size, "kb_per_s": size / 1000 / last["figures"]["cpu_s"], "spans": spans}


def score(documents: Documents, spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By corpus, what score_pii.py says of the spans on these documents."""
    tool = SHARED / "tools" / "score_pii.py"
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for corpus in sorted({one["corpus"] for one in documents} & set(CORPORA)) if tool.is_file() else ():
            gold, guess = Path(name) / "gold.jsonl", Path(name) / "guess.jsonl"
            own = [one for one in documents if one["corpus"] == corpus]
            gold.write_text("".join(json.dumps({**one, "id": f"{corpus}/{one['id']}"}) + "\n" for one in own))
            guess.write_text("".join(json.dumps(one) + "\n" for one in spans))
            command = [sys.executable, str(tool), str(gold), str(guess), "--json"]
            found[corpus] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def measure(*, quick: bool) -> dict[str, Any]:
    corpora = read_texts()
    few, all_of_them = front(corpora, QUICK_BYTES if quick else SLOW_BYTES), front(corpora, 1 << 40)
    engines = [*OURS, *FAST, *SLOW]
    if quick:
        engines = [*OURS[:2], *FAST, *SLOW]
    results = {}
    with tempfile.TemporaryDirectory() as name:
        known = Path(name) / "contacts.jsonl"
        if CONTACTS.is_file():
            known.write_bytes(gzip.decompress(CONTACTS.read_bytes()))
        for engine in engines:
            if engine.endswith("contacts") and not known.is_file():
                continue
            slow = engine in SLOW
            result = run(engine, few if slow else all_of_them, repeat=1 if quick and slow else 3, known=str(known))
            if "spans" in result:
                spans = result.pop("spans")
                result["quality"] = {} if quick else score(few, spans)
            results[engine] = result
    return {
        "texts": {name: len(one) for name, one in corpora.items()},
        "scored_bytes": size_of(few),
        "engines": results,
    }


def table(measured: dict[str, Any]) -> str:
    """The figures as a table in Markdown."""
    head = ["engine", "KB/s", "wall s", "peak MB", "on KB"]
    corpora = [name for name in measured["texts"] if name in CORPORA]
    head += [f"{corpus}: {group} masked / precise" for corpus in corpora for group in GROUPS]
    head += [f"{corpus}: over-masked" for corpus in corpora]
    lines = [head, ["---"] * len(head)]
    for engine, one in measured["engines"].items():
        if "absent" in one:
            lines.append([engine, f"absent ({one['absent']})", *[""] * (len(head) - 2)])
            continue
        row = [
            engine,
            f"{one['kb_per_s']:,.1f}",
            f"{one['wall_s']:.2f}",
            f"{one['peak_mb']:.0f}",
            f"{one['bytes'] / 1000:,.0f}",
        ]
        for corpus in corpora:
            row += [_quality(one["quality"].get(corpus, {}).get(group)) for group in GROUPS]
        row += [f"{one['quality'].get(corpus, {}).get('over_masked', 0):.1%}" for corpus in corpora]
        lines.append(row)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _quality(found: dict[str, Any] | None) -> str:
    if not found:
        return "-"
    precise = found["precise"]
    return f"{found['masked']:.3f} / " + ("-" if precise is None else f"{precise:.3f}")


def plot(measured: dict[str, Any]) -> str:
    """KB/s of every engine as bars on a logarithmic scale (SVG)."""
    rates = {engine: one["kb_per_s"] for engine, one in measured["engines"].items() if "kb_per_s" in one}
    top = math.ceil(math.log10(max(rates.values())))
    width, left, bar = 560, 220, 22
    scale = lambda rate: max(math.log10(rate), 0) / top * width  # noqa: E731 - one line says it
    height = bar * len(rates) + 50
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height}">',
        "<style>text { font: 12px sans-serif }</style>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for power in range(top + 1):
        at = left + scale(10**power)
        out.append(f'<line x1="{at:.0f}" y1="10" x2="{at:.0f}" y2="{height - 30}" stroke="#ddd"/>')
        out.append(f'<text x="{at:.0f}" y="{height - 12}" text-anchor="middle" fill="#555">{10**power:,}</text>')
    for row, (engine, rate) in enumerate(rates.items()):
        y = 12 + row * bar
        colour = "#1f5fa8" if engine in OURS else "#999"
        out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{engine}</text>')
        out.append(f'<rect x="{left}" y="{y}" width="{scale(rate):.0f}" height="{bar - 6}" fill="{colour}"/>')
        out.append(f'<text x="{left + scale(rate) + 5:.0f}" y="{y + 13}">{rate:,.1f}</text>')
    out.append(
        f'<text x="{left + width}" y="{height - 12}" text-anchor="start" fill="#555">&#160;&#160;KB/s</text></svg>'
    )
    return "\n".join(out) + "\n"


def page(measured: dict[str, Any]) -> str:
    texts = ", ".join(f"{count:,} of {name}" for name, count in measured["texts"].items())
    default = measured["engines"].get("presidio default", {}).get("kb_per_s")
    rates = [(engine, measured["engines"][engine]["kb_per_s"]) for engine in OURS[:2]]
    ratios = ", ".join(f"{engine} {rate / default:,.0f} times" for engine, rate in rates) if default else "unknown"
    notes = "\n".join(f"- {engine}: {one['note']}" for engine, one in measured["engines"].items() if "note" in one)
    return f"""# This engine and its peers

Made by `make bench` (`benchmarks/anonymize.py`); not edited by hand. One core, CPU time of the best of three passes,
every engine in a process of its own; ratios of one run count, absolute figures depend on the machine.
Texts: {texts}. Masked and precise by `score_pii.py` on the first {measured["scored_bytes"] / 1000:,.0f} KB, which every
engine saw; "on KB" is what it was timed on. This engine is timed with everything on, on the mails
{TIMES} times over, and rewrites them; the peers only find.

The tagger learnt from enron_threads, among others: what this engine masks there is no measure of what it masks in mail
it never saw; `make quality` measures that. It does not learn from crm_emails.

As fast as Presidio default: {ratios}.

![KB/s](anonymize.svg)

{table(measured)}

{notes}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = measure(quick=options.quick)
    rates = {engine: round(one["kb_per_s"], 1) for engine, one in measured["engines"].items() if "kb_per_s" in one}
    absent = {engine: one["absent"] for engine, one in measured["engines"].items() if "absent" in one}
    if not options.quick and measured["texts"].keys() <= CORPORA.keys():
        target = ROOT / "docs" / "benchmarks"
        target.mkdir(exist_ok=True, parents=True)
        (target / "anonymize.md").write_text(page(measured), encoding="utf-8")
        (target / "anonymize.svg").write_text(plot(measured), encoding="utf-8")
    if options.json:
        notes = {engine: one["note"] for engine, one in measured["engines"].items() if "note" in one}
        body = {"kb_per_s": rates, "absent": absent, "notes": notes}
        print(json.dumps(body if options.quick else body | {"engines": measured["engines"]}))
        return
    print(table(measured))


if __name__ == "__main__":
    main()
