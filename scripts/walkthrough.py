"""Run the walkthrough on the tenant `enron` and write docs/walkthrough.md with the real output.

Usage: .venv/bin/python scripts/walkthrough.py [ROOM]      (needs ../shared/data/tenants/enron)

The sequence is data: a title, a sentence, and commands; `{name}` stands for something an earlier answer gave.
Real people's names stand in the source, so nothing that shows a cell is written into the document.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent.parent
SHARED = HERE.parent / "shared"
ENRON = SHARED / "data" / "tenants" / "enron"
COMMAND = Path(sys.executable).parent / "readingroom"
SUBPROCESSORS = """[[subprocessor]]
name = "Example Review Services"
country = "IE"
service = "human review of mails"
"""
MAIL = "Subject: You have WON!!!\n\nDear winner, claim your FREE prize today: http://win.example/now\n"


@dataclass
class Step:
    """One command; `keep` names what its --json answer gives to later ones; `hide` leaves its output out."""

    command: str
    keep: dict[str, str] = field(default_factory=dict)
    hide: str = ""
    expect: int = 0
    feed: str = ""


@dataclass
class Chapter:
    """A heading, a sentence, and its steps."""

    title: str
    text: str
    steps: list[Step]


PEOPLE = ("ada", "ben", "cleo", "dora", "emil", "finn")
ROLES = {"ada": "reviewer", "ben": "reviewer", "cleo": "approver", "dora": "privacy-officer"}
CHAPTERS = [
    Chapter(
        "The room opens",
        "A simulation room: people may be spoken for with `--as` and `--by`, and the clock can be moved.",
        [
            Step("readingroom init {room} --simulation"),
            Step("readingroom notice publish"),
            Step("readingroom subprocessor publish {subprocessors}"),
            Step(
                "readingroom tenant add enron --geo US --synapse {enron}/dataverse-prod-enron "
                "--interactions {enron}/interactions --activity-log {enron}/activity-log "
                "--entity-definitions {enron}/schema/EntityDefinitions.json"
            ),
        ],
    ),
    Chapter(
        "The customer opts in",
        "Before that, no copy can be made: the refusal has exit code 3.",
        [
            Step("readingroom copy run enron --category schema", expect=3),
            Step("readingroom engagement opt-in enron --by admin@enron-customer.example"),
            Step("readingroom engagement opt-in enron --by admin@enron-customer.example", expect=3),
            Step("readingroom engagement status enron --json"),
            Step("readingroom columns list enron --withheld"),
        ],
    ),
    Chapter(
        "Copies are made, checked and sealed",
        "All three categories; `copy check` says which planted identifiers can still be read.",
        [
            Step("readingroom copy run enron"),
            Step(
                "readingroom copy list --json",
                keep={"marketing": "category=marketing", "query": "category=query", "schema": "category=schema"},
            ),
            Step("readingroom copy check {marketing} --gold {enron}/gold/planted.csv.gz"),
            Step("readingroom copy check {query} --gold {enron}/gold/planted.csv.gz"),
            Step("readingroom copy check {marketing} --gold {enron}/gold/canaries.csv"),
        ],
    ),
    Chapter(
        "People are vetted",
        "Each fact is asserted by one person and confirmed by another; nobody has access yet.",
        [
            *(
                Step(
                    f"readingroom person add {name} --employer 'Example Vendor' --role {ROLES.get(name, 'ml-engineer')}"
                )
                for name in PEOPLE
            ),
            *(
                Step(
                    f"readingroom person fact {name} {kind} --until 2028-01-01 "
                    f"--by {'cleo' if name != 'cleo' else 'ada'} --confirmed-by {'dora' if name != 'dora' else 'ben'}"
                )
                for name in PEOPLE
                for kind in ("screening", "training", "agreement")
            ),
            *(
                Step(f"readingroom workstation enrol desk-{name} --for {name}", hide="device key, shown once")
                for name in ("ada", "ben")
            ),
        ],
    ),
    Chapter(
        "Access is asked for and approved by somebody else",
        "The gate denies before the approval and says why; exit code 3.",
        [
            Step("readingroom access decide --as ada --copy {marketing}", expect=3),
            *(
                step
                for name in ("ada", "ben", "emil")
                for step in (
                    Step(
                        f"readingroom access request --as {name} --tenant enron --category marketing "
                        "--purpose spam-checker --hours 8 --why 'label mails for the spam checker' --json",
                        keep={f"grant_{name}": "id"},
                    ),
                    Step(f"readingroom access approve {{grant_{name}}} --as cleo"),
                )
            ),
            Step("readingroom access decide --as ada --copy {marketing}"),
            Step("readingroom access list"),
        ],
    ),
    Chapter(
        "Mails are reviewed",
        "One item by hand, then two simulated reviewers with a stated, seeded error rate.",
        [
            Step("readingroom review next --as ada --json", keep={"item": "item"}, hide="the anonymized mail"),
            Step("readingroom review label {item} ham --as ada"),
            Step("readingroom review simulate --gold {enron}/gold/spam_labels.csv"),
            Step("readingroom review stats"),
        ],
    ),
    Chapter(
        "A model is trained, gated and released by a second person",
        "The unit of the privacy budget is a person; the trainer cannot release.",
        [
            Step("readingroom model train spam-checker --as emil --json", keep={"model": "id"}, hide="the model card"),
            Step("readingroom model gate {model}"),
            Step("readingroom model release {model} --as emil", expect=3),
            Step("readingroom model release {model} --as finn"),
            Step("readingroom model score {model} {mail}"),
        ],
    ),
    Chapter(
        "A data subject is found and erased",
        "The identifiers come on standard input and are kept nowhere.",
        [
            Step(
                "readingroom subject find --tenant enron --identifiers - --request case-1",
                feed="email: horatio.tolliverton@tolliverton-labs.example\n",
            ),
            Step(
                "readingroom subject erase --tenant enron --identifiers - --request case-2",
                feed="email: horatio.tolliverton@tolliverton-labs.example\n",
            ),
            Step(
                "readingroom subject find --tenant enron --identifiers - --request case-3",
                feed="email: horatio.tolliverton@tolliverton-labs.example\n",
            ),
        ],
    ),
    Chapter(
        "The register",
        "Every line can be verified without us.",
        [Step("readingroom audit verify")],
    ),
    Chapter(
        "The customer opts out, and time passes",
        "The toggle ends every view at once and purges; certificates verify with the public key alone.",
        [
            Step("readingroom engagement opt-out enron"),
            Step("readingroom copy list"),
            Step("readingroom access decide --as ada --copy {marketing}", expect=3),
            Step("readingroom purge certificate {marketing}", hide="the certificate", keep={"certificate": "!file"}),
            Step("readingroom purge verify {certificate} --key {room}/roles/public.json"),
            Step("readingroom clock advance 31d"),
            Step("readingroom purge run"),
            Step("readingroom worker --once"),
        ],
    ),
    Chapter("The promises", "With live evidence.", [Step("readingroom assure")]),
]


class Walk:
    """One run in a fresh room."""

    def __init__(self, room: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="walkthrough-"))
        self.known = {"room": str(room), "enron": str(ENRON), "mail": str(self.folder / "mail.eml")}
        self.known["subprocessors"] = str(self.folder / "subprocessors.toml")
        (self.folder / "mail.eml").write_text(MAIL)
        (self.folder / "subprocessors.toml").write_text(SUBPROCESSORS)
        self.lines: list[str] = []

    def run(self, step: Step) -> None:
        """Run one step and keep what it said."""
        command = step.command.format(**self.known)
        begun = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", command],
            input=step.feed,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "READINGROOM_ROOM": self.known["room"],
                "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
            },
        )
        spent = time.monotonic() - begun
        print(f"{spent:6.1f} s  [{done.returncode}] {self.shown(command)[:110]}", flush=True)
        if done.returncode != step.expect:
            sys.exit(f"expected exit {step.expect}, got {done.returncode}:\n{done.stdout}\n{done.stderr}")
        self.keep(step, done.stdout)
        if step.feed:
            command = f"echo '{step.feed.strip()}' | {command}"
        output = f"({step.hide})" if step.hide else (done.stdout + done.stderr).rstrip()
        self.lines += [f"$ {self.shown(command)}", self.shown(output)]
        if step.expect:
            self.lines.append(f"(exit {step.expect})")

    def keep(self, step: Step, output: str) -> None:
        """Remember what later steps need."""
        for name, where in step.keep.items():
            if where == "!file":
                path = self.folder / f"{name}.json"
                path.write_text(output)
                self.known[name] = str(path)
                continue
            answer = json.loads(output)
            if "=" in where:
                key, value = where.split("=")
                rows = next(v for v in answer.values() if isinstance(v, list))
                self.known[name] = next(row["id"] for row in rows if row[key] == value)
            else:
                self.known[name] = str(answer[where])

    def shown(self, text: str) -> str:
        """Without the paths of this machine."""
        text = text.replace(str(ENRON), "../shared/data/tenants/enron").replace(self.known["room"], "ROOM")
        text = text.replace(str(self.folder), ".")
        return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def main() -> None:
    """Walk, and write the page."""
    if not ENRON.is_dir():
        sys.exit("../shared/data/tenants/enron is absent: the walkthrough runs on it")
    room = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/readingroom-walkthrough")  # noqa: S108 - a scratch room
    shutil.rmtree(room, ignore_errors=True)
    walk = Walk(room)
    page = ["# Walkthrough", "", "One engagement on the tenant `enron`, with its real output. Generated by"]
    page += ["`scripts/walkthrough.py`; do not edit. `export READINGROOM_ROOM=ROOM` names the room throughout.", ""]
    for chapter in CHAPTERS:
        walk.lines = []
        for step in chapter.steps:
            walk.run(step)
        page += [f"## {chapter.title}", "", chapter.text, "", "```console", *walk.lines, "```", ""]
    (HERE / "docs" / "walkthrough.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
