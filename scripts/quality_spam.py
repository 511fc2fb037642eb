"""How good the spam checker is, and what privacy and anonymization cost it.

    python scripts/quality_spam.py [--shared ../shared] [--anonymized FILE.jsonl[.gz]] [--json]

Folds are whole corpora (mailboxes): a model is tried on mails of a mailbox it has never seen. Printed per text:
AUC without privacy (logistic regression, C = 30, scikit-learn), without privacy on the mails that the contribution
bound admits, and with (4, 1e-6)-privacy for a person. `--anonymized` takes lines of {"id", "text"} with the ids of
tenant enron's marketing e-mails and measures the same on them, on the mails that both have.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from readingroom.models import features
from readingroom.models.accounting import Budget
from readingroom.models.contributions import choose
from readingroom.models.noise import LatticeNoise
from readingroom.models.planted import draw_lots, with_planted
from readingroom.models.recipe import make_plan
from readingroom.models.train import fit, rescale

DRAWS = 3  # of the noise


class Mails(NamedTuple):
    """What is compared: texts with labels, the fold of each, and who occurs in it."""

    ids: Sequence[str]
    texts: Sequence[str]
    spam: np.ndarray
    folds: np.ndarray
    persons: Mapping[str, tuple[int, ...]]


def measure(mails: Mails, budget: Budget | None = None, *, truth: np.ndarray | None = None) -> dict[str, Any]:
    """AUC by leave-one-corpus-out, mean and worst fold, without and with privacy; scored against `truth` if given."""
    truth = mails.spam if truth is None else truth
    budget = budget or Budget()
    begun = perf_counter()
    rows = features.matrix(mails.texts)
    hashing = perf_counter() - begun
    place = {item: row for row, item in enumerate(mails.ids)}
    found: dict[str, list[float]] = defaultdict(list)
    used, seconds, cap = [], [], 0
    for fold in np.unique(mails.folds):
        test = np.flatnonzero(mails.folds == fold)
        if len(np.unique(truth[test])) < 2:
            continue
        train = np.flatnonzero(mails.folds != fold)
        choice = choose([mails.ids[row] for row in train], mails.persons)
        some, cap = np.array([place[item] for item in choice.items]), choice.cap
        for name, chosen in (("no privacy", train), ("no privacy, bounded", some)):
            model = LogisticRegression(C=30, fit_intercept=False, max_iter=500).fit(rows[chosen], mails.spam[chosen])
            found[name].append(roc_auc_score(truth[test], rows[test] @ model.coef_.ravel()))
        plan = make_plan(budget, cap=choice.cap)
        scores = []
        for draw in range(DRAWS):
            noise = LatticeNoise(draw)
            lots = draw_lots(plan.recipe.probes, len(some), noise)
            begun = perf_counter()
            fitted = fit(with_planted(rows[some], mails.spam[some], lots, mails_each=plan.cap), plan, noise)
            seconds.append(perf_counter() - begun)
            scores.append(roc_auc_score(truth[test], rescale(rows[test], fitted.scale) @ fitted.weights))
        found["private"].append(float(np.mean(scores)))
        used.append(len(some))
    figures = {name: {"auc": round(float(np.mean(v)), 4), "worst": round(min(v), 4)} for name, v in found.items()}
    size = sum(map(len, mails.texts)) / 1e6
    return {
        "mails": len(mails.ids),
        "mails_used_private": round(float(np.mean(used))),
        "mails_per_person_at_most": cap,
        "auc": figures,
        "features_mb_per_s": round(size / hashing, 1),
        "train_seconds": round(float(np.mean(seconds)), 2),
    }


def compare(raw: Mails, texts: Mapping[str, str]) -> dict[str, Any]:
    """The same measure on raw text and on other texts (anonymized) of the same mails."""
    both = [row for row, item in enumerate(raw.ids) if item in texts]
    ids = [raw.ids[row] for row in both]
    part = Mails(ids, [raw.texts[row] for row in both], raw.spam[both], raw.folds[both], raw.persons)
    return {"raw": measure(part), "anonymized": measure(part._replace(texts=[texts[item] for item in ids]))}


def corpus(shared: Path) -> Mails:
    """The public corpus: nobody says who occurs in a mail, so each mail counts as a person of its own."""
    with gzip.open(shared / "data/spam/enron_spam.jsonl.gz", "rt", encoding="utf-8") as lines:
        mails = [json.loads(line) for line in lines]
    ids = [mail["id"] for mail in mails]
    return Mails(
        ids,
        [f"{mail['subject']}\n{mail['text']}" for mail in mails],
        np.array([float(mail["spam"]) for mail in mails]),
        np.array([mail["group"] for mail in mails]),
        {item: (row,) for row, item in enumerate(ids)},
    )


def tenant(shared: Path) -> Mails:
    """Tenant enron: current marketing e-mails, gold labels, corpus of origin, and the people planted in the text."""
    home = shared / "data/tenants/enron"
    current = _current(home / "dataverse-prod-enron")
    with (home / "gold/spam_labels.csv").open(encoding="utf-8", newline="") as file:
        label = {row["msdyncrm_marketingemailid"]: float(row["label"] == "spam") for row in csv.DictReader(file)}
    with gzip.open(home / "gold/provenance.csv.gz", "rt", encoding="utf-8", newline="") as file:
        origin = {row["msdyncrm_marketingemailid"]: row["file"].split("/")[0] for row in csv.DictReader(file)}
    people: dict[str, set[str]] = defaultdict(set)
    with gzip.open(home / "gold/planted.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["column"] in {"msdyncrm_subject", "msdyncrm_emailbody"}:
                people[row["row_id"]].update(row["subject_id"].split("|"))
    ids = sorted(item for item in current if item in label)
    number: dict[str, int] = {}
    persons = {item: tuple(number.setdefault(who, len(number)) for who in sorted(people[item])) for item in ids}
    folds = np.array([origin[item] for item in ids])
    return Mails(ids, [current[item] for item in ids], np.array([label[item] for item in ids]), folds, persons)


def _current(export: Path) -> dict[str, str]:
    table = "msdyncrm_marketingemail"
    model = json.loads((export / "model.json").read_text(encoding="utf-8"))
    names = next([a["name"] for a in e["attributes"]] for e in model["entities"] if e["name"] == table)
    newest: dict[str, tuple[int, str]] = {}
    gone = set()
    for path in sorted((export / table).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for cells in csv.reader(file):
                row = dict(zip(names, cells, strict=False))
                version = int(row["versionnumber"] or 0)
                if row["IsDelete"] == "True":
                    gone.add(row["Id"])
                elif version >= newest.get(row["Id"], (-1, ""))[0]:
                    newest[row["Id"]] = (version, f"{row['msdyncrm_subject']}\n{row['msdyncrm_emailbody']}")
    return {item: text for item, (_, text) in newest.items() if item not in gone}


def _anonymized(path: Path) -> dict[str, str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return {mail["id"]: mail["text"] for mail in map(json.loads, data.splitlines())}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--anonymized", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    enron = tenant(asked.shared)
    if asked.anonymized:
        figures = {f"tenant enron, {name}": f for name, f in compare(enron, _anonymized(asked.anonymized)).items()}
    else:
        figures = {"public corpus": measure(corpus(asked.shared)), "tenant enron, raw": measure(enron)}
    if asked.json:
        print(json.dumps(figures, indent=1))
        return
    for title, found in figures.items():
        print(f"{title}: {found['mails']} mails, {found['mails_used_private']} used, "
              f"at most {found['mails_per_person_at_most']} a person; "
              f"features {found['features_mb_per_s']} MB/s, training {found['train_seconds']} s")  # fmt: skip
        for name, auc in found["auc"].items():
            print(f"  AUC {name:22} {auc['auc']:.4f}  worst fold {auc['worst']:.4f}")


if __name__ == "__main__":
    main()
