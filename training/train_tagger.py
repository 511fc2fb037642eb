"""Train the tagger on the corpora of data/pii/train; nothing called dev is ever opened.

    pip install faker==40.54.0
    python training/train_tagger.py [--shared ../shared] [--seed 7] [--epochs 6] [--taught TAUGHT.jsonl.gz]
    python training/train_tagger.py --leave-out 3   # one file fold-N.npz per third of each corpus that is left out

A conditional random field by stochastic gradient (AdaGrad), one document after the other. A class that a corpus does
not label is left open there: the words outside its spans may be that class or none. Names are exchanged for others of
the public name lists in most passes, so that the model learns where names stand and not who is written about.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import synthetic
from numba import njit

from readingroom.anonymize.kernels import empty_table
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.lexicon import lexicon
from readingroom.anonymize.names import Rules, marks_of
from readingroom.anonymize.reading import buffers, read
from readingroom.anonymize.tag_features import BITS, VERSION, features_of, see
from readingroom.anonymize.tagger import (
    ADDRESS,
    CLASSES,
    DATE,
    LOCATION,
    ORG,
    OTHER,
    PERSON,
    QUIET,
    Weights,
    probabilities,
)
from readingroom.anonymize.tokens import tokenize

CLASS = {
    "PERSON": PERSON, "PER": PERSON, "person": PERSON, "NOMBRE_SUJETO_ASISTENCIA": PERSON,
    "NOMBRE_PERSONAL_SANITARIO": PERSON, "LOC": LOCATION, "LOCATION": LOCATION, "location": LOCATION,
    "TERRITORIO": LOCATION, "PAIS": LOCATION, "ORG": ORG, "corporation": ORG, "group": ORG, "HOSPITAL": ORG,
    "INSTITUCION": ORG, "CENTRO_SALUD": ORG, "CALLE": ADDRESS, "ADDRESS": ADDRESS, "FECHAS": DATE, "DATE": DATE,
}  # fmt: skip
LABELLED = {"meddocan": {PERSON, LOCATION, ORG, ADDRESS, DATE}, "synthetic": {PERSON, LOCATION, ORG, ADDRESS, DATE}}
SHARE = {"taught": 1.0, "lifebench": 0.35, "enron_threads": 3.0, "synthetic": 1.0, "meddocan": 0.6, "sec_filings": 1.0}
ALL = (1 << CLASSES) - 1
RATE = 0.12
AVERAGED = 3
SURE = 0.9  # from which probability the first look counts as a third voice for "nobody"


class Corpus(NamedTuple):
    """Words of documents: what is seen, the classes allowed, names to exchange, and where documents begin."""

    seen: np.ndarray
    allowed: np.ndarray
    swap: np.ndarray
    first: np.ndarray
    share: float


def words_of(texts: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(seen, start, end) of every word; start and end in bytes of the joined texts."""
    cells = pa.array([t.encode("utf-8", "replace") for t in texts], pa.large_binary()).cast(pa.large_string())
    letters, _, _ = read(cells, "plain")
    tokens = tokenize(letters)
    nobody = KnownBuilder(b"", b"").build()
    rules = Rules(lexicon(), empty_table(1), nobody.table, nobody.entries, strict=False)
    source = buffers(cells)[0]
    seen = see(letters, source, tokens, marks_of(tokens, rules))
    start = letters.start[tokens.parts["start"][tokens.words["first"]]]
    end = letters.end[tokens.parts["end"][tokens.words["last"] - 1] - 1]
    return seen, start, end


def near_dates(seen: np.ndarray) -> np.ndarray:
    """Months, and numbers and what stands between numbers, within two words of one."""
    month = seen["marks"] & 256 != 0
    close = _within(month, 2) & ((seen["shape"] & 4 != 0) | month)
    digits = (seen["shape"] & 4) != 0
    run = digits & _within(digits, 1)
    return close | run


def near_numbers(seen: np.ndarray) -> np.ndarray:
    """Numbers, and capitalised words within four words after one."""
    digits = (seen["shape"] & 4) != 0
    after = digits.copy()
    for step in range(1, 5):
        after[step:] |= digits[:-step]
    return after & ((seen["shape"] & 5) != 0) & _within(digits & np.roll(seen["shape"] & 1 == 1, -1), 6)


def _within(flags: np.ndarray, steps: int) -> np.ndarray:
    near = flags.copy()
    for step in range(1, steps + 1):
        near[step:] |= flags[:-step]
        near[:-step] |= flags[step:]
    return near


def corpus_of(name: str, rows: list[dict[str, Any]]) -> Corpus:
    """Documents with spans as a corpus."""
    texts = [row["text"] for row in rows]
    seen, start, end = words_of(texts)
    labelled = LABELLED.get(name, {PERSON, LOCATION, ORG})
    allowed = np.full(len(seen), 1 << OTHER, np.uint8)
    if DATE not in labelled:
        allowed[near_dates(seen)] |= 1 << DATE
    if ADDRESS not in labelled:
        allowed[near_numbers(seen)] |= 1 << ADDRESS
    swap = np.zeros(len(seen), bool)
    base = 0
    first = []
    for row in rows:
        text = row["text"]
        first.append(np.searchsorted(start, base))
        sizes = np.zeros(len(text) + 1, np.int64)
        np.cumsum([len(c.encode("utf-8", "replace")) for c in text], out=sizes[1:])
        for low, high, label, *_ in row["spans"]:
            a, b = base + sizes[low], base + sizes[high]
            at = slice(int(np.searchsorted(end, a, side="right")), int(np.searchsorted(start, b)))
            if label in CLASS:
                kind = CLASS[label]
                # an address is a place to a corpus without that label
                allowed[at] = 1 << kind | (1 << ADDRESS if kind == LOCATION and ADDRESS not in labelled else 0)
                swap[at] = kind == PERSON
            elif not label.endswith(("_PRON", "_NOM")):
                allowed[at] = ALL
        base += int(sizes[-1])
    first.append(len(seen))
    return Corpus(seen, allowed, swap, np.array(first), SHARE.get(name, 1.0))


def taught(rows: list[dict[str, Any]], first_look: Weights) -> Corpus:
    """Mail that teachers labelled: what they agree on is learnt; where they or the first look differ, all is open."""
    seen, start, end = words_of([row["text"] for row in rows])
    doubt = probabilities(seen, first_look)[:, OTHER] < SURE
    said = np.zeros((2, len(seen)), np.uint8)
    base, first = 0, []
    for row in rows:
        text = row["text"]
        first.append(np.searchsorted(start, base))
        sizes = np.zeros(len(text) + 1, np.int64)
        np.cumsum([len(c.encode("utf-8", "replace")) for c in text], out=sizes[1:])
        for number, teacher in enumerate(("spacy", "rampart")):
            for low, high, label in row[teacher]:
                a, b = base + sizes[low], base + sizes[high]
                said[number, int(np.searchsorted(end, a, side="right")) : int(np.searchsorted(start, b))] = CLASS[label]
        base += int(sizes[-1])
    first.append(len(seen))
    agreed = (said[0] == said[1]) & ((said[0] != OTHER) | ~doubt)
    allowed = np.where(agreed, 1 << said[0], ALL).astype(np.uint8)
    return Corpus(seen, allowed, agreed & (said[0] == PERSON), np.array(first), SHARE["taught"])


def name_pool() -> np.ndarray:
    """What is seen of the names of the public lists."""
    from readingroom.anonymize.lexicon import _lines

    given, family = _lines("names-given"), _lines("names-family")
    seen, _, _ = words_of([word.capitalize() for word in given + family])
    return seen


@njit(cache=True)
def learn(seen, allowed, first, order, w, g2, trans, t2, rate):  # noqa: ANN001, ANN201, C901, PLR0912, PLR0913, PLR0915, PLR0917
    """One pass over the documents in `order`; the mean loss."""
    row = np.zeros(30, np.uint32)
    loss = 0.0
    count = 0
    for d in order:
        low, high = first[d], first[d + 1]
        n = high - low
        if n <= 0:
            continue
        score = np.zeros((n, CLASSES), np.float32)
        feats = np.zeros((n, 30), np.uint32)
        doc = seen[low:high]
        follows = np.exp(trans)
        for i in range(n):
            if doc[i].quiet:
                score[i, :] = QUIET
                score[i, 0] = 1
                continue
            features_of(doc, i, row)
            feats[i] = row
            best = -1e30
            for c in range(CLASSES):
                total = 0.0
                for k in range(30):
                    total += w[row[k], c]
                score[i, c] = total
                best = max(best, total)
            for c in range(CLASSES):
                score[i, c] = np.exp(max(score[i, c] - best, -30.0))
        free = np.zeros((n, CLASSES), np.float32)
        held = np.zeros((n, CLASSES), np.float32)
        pair = np.zeros((CLASSES, CLASSES), np.float32)
        for kind in range(2):
            alpha = np.zeros((n, CLASSES))
            out = free if kind == 0 else held
            for i in range(n):
                total = 0.0
                for c in range(CLASSES):
                    ok = kind == 0 or (allowed[low + i] >> c) & 1
                    reach = 1.0
                    if i > 0:
                        reach = 0.0
                        for b in range(CLASSES):
                            reach += alpha[i - 1, b] * follows[b, c]
                    alpha[i, c] = reach * score[i, c] if ok else 0.0
                    total += alpha[i, c]
                total = max(total, 1e-30)
                loss += np.log(total) * (1 if kind == 0 else -1)
                for c in range(CLASSES):
                    alpha[i, c] /= total
            beta = np.ones(CLASSES)
            for i in range(n - 1, -1, -1):
                norm = 0.0
                for c in range(CLASSES):
                    out[i, c] = alpha[i, c] * beta[c]
                    norm += out[i, c]
                for c in range(CLASSES):
                    out[i, c] /= max(norm, 1e-30)
                if i == 0:
                    break
                here = np.zeros(CLASSES)
                for c in range(CLASSES):
                    ok = kind == 0 or (allowed[low + i] >> c) & 1
                    here[c] = score[i, c] * beta[c] if ok else 0.0
                total = 0.0
                joint = np.zeros((CLASSES, CLASSES))
                for b in range(CLASSES):
                    for c in range(CLASSES):
                        joint[b, c] = alpha[i - 1, b] * follows[b, c] * here[c]
                        total += joint[b, c]
                sign = 1.0 if kind == 0 else -1.0
                for b in range(CLASSES):
                    for c in range(CLASSES):
                        pair[b, c] += sign * joint[b, c] / max(total, 1e-30)
                after = np.zeros(CLASSES)
                norm = 0.0
                for b in range(CLASSES):
                    for c in range(CLASSES):
                        after[b] += follows[b, c] * here[c]
                    norm += after[b]
                for b in range(CLASSES):
                    beta[b] = after[b] / max(norm, 1e-30)
        count += n
        for i in range(n):
            if doc[i].quiet:
                continue
            for c in range(CLASSES):
                grad = free[i, c] - held[i, c]
                if abs(grad) < 1e-4:
                    continue
                for k in range(30):
                    at = feats[i, k]
                    g2[at, c] += grad * grad
                    w[at, c] -= rate * grad / np.sqrt(g2[at, c] + 0.1)
        for b in range(CLASSES):
            for c in range(CLASSES):
                grad = pair[b, c]
                t2[b, c] += grad * grad
                trans[b, c] -= rate * grad / np.sqrt(t2[b, c] + 1.0)
    return loss / max(count, 1)


def exchanged(corpus: Corpus, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The words seen, most names exchanged for others, some for words of no list, some documents in one case."""
    seen = corpus.seen.copy()
    at = np.flatnonzero(corpus.swap & (rng.random(len(seen)) < 0.6))
    other = pool[rng.integers(0, len(pool), len(at))]
    unknown = rng.random(len(at)) < 0.35
    for field in ("hash", "prefix", "two", "three", "four", "marks"):
        seen[field][at] = other[field]
    seen["hash"][at[unknown]] = rng.integers(1, 1 << 63, int(unknown.sum()), np.uint64)
    seen["marks"][at[unknown]] = 0
    for document in np.flatnonzero(rng.random(len(corpus.first) - 1) < 0.06):
        part = slice(int(corpus.first[document]), int(corpus.first[document + 1]))
        lower = rng.random() < 0.6
        shape = seen["shape"][part]
        letters = (shape & 4) == 0
        seen["shape"][part] = np.where(letters, (shape & ~np.uint32(3)) | np.uint32(0 if lower else 3), shape)
        seen["quiet"][part] = 0
    return seen


def train(corpora: Iterable[Corpus], *, seed: int, epochs: int, quiet: bool = False) -> Weights:
    """Weights from corpora."""
    corpora = list(corpora)
    rng = np.random.default_rng(seed)
    pool = name_pool()
    w = np.zeros((1 << BITS, CLASSES), np.float32)
    g2 = np.zeros_like(w)
    trans, t2 = np.zeros((CLASSES, CLASSES), np.float32), np.zeros((CLASSES, CLASSES), np.float32)
    mean, means = np.zeros_like(w), np.zeros_like(trans)
    for epoch in range(epochs):
        losses = []
        chosen = []
        for number, corpus in enumerate(corpora):
            documents = len(corpus.first) - 1
            whole, part = divmod(corpus.share, 1.0)
            chosen += [(number, rng.permutation(documents)) for _ in range(int(whole))]
            if part:
                chosen.append((number, rng.permutation(documents)[: int(part * documents)]))
        pieces = [(number, piece) for number, order in chosen for piece in np.array_split(order, 8)]
        views = {}
        for turn in rng.permutation(len(pieces)):
            number, piece = pieces[turn]
            corpus = corpora[number]
            if number not in views:
                views[number] = exchanged(corpus, pool, rng) if epoch % 4 != 3 else corpus.seen
            rate = RATE * (1 - epoch / epochs * 0.7)
            losses.append(learn(views[number], corpus.allowed, corpus.first, piece, w, g2, trans, t2, rate))
        if not quiet:
            print(f"pass {epoch + 1}: loss {np.mean(losses):.4f}", flush=True)
        if epoch >= epochs - AVERAGED:  # the mean of late passes errs less than the last one
            mean += w / AVERAGED
            means += trans / AVERAGED
    return packed(mean, means)


def packed(w: np.ndarray, trans: np.ndarray) -> Weights:
    """Weights as they ship: small whole numbers."""
    scale = np.float32(np.quantile(np.abs(w[w != 0]), 0.9995) / 127)
    table = np.clip(np.round(w / scale), -127, 127).astype(np.int8)
    return Weights(table, np.array([scale], np.float32), np.exp(trans).astype(np.float32))


def read_corpus(folder: Path, name: str) -> list[dict[str, Any]]:
    """The documents of a training corpus."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    """Train and write, or leave out and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--made-up", type=int, default=12000, metavar="DOCUMENTS")
    parser.add_argument(
        "--taught", type=Path, help="what training/teachers.py wrote; without it, gold and made-up text"
    )
    parser.add_argument("--leave-out", type=int, default=0, metavar="FOLDS")
    parser.add_argument("-o", "--output", type=Path, default=Path("src/readingroom/anonymize/data/tagger.npz"))
    asked = parser.parse_args()
    folder = asked.shared / "data/pii/train"
    names = sorted(path.name.removesuffix(".jsonl.gz") for path in folder.glob("*.jsonl.gz"))
    rows = {name: read_corpus(folder, name) for name in names}
    rows["synthetic"] = synthetic.documents(asked.made_up, asked.seed)
    corpora = {name: corpus_of(name, some) for name, some in rows.items()}
    labelled = read_corpus(asked.taught.parent, asked.taught.name.removesuffix(".jsonl.gz")) if asked.taught else []
    if asked.leave_out:
        made_up = corpora["synthetic"]
        for fold in range(asked.leave_out):
            kept = {name: [row for i, row in enumerate(rows[name]) if i % asked.leave_out != fold] for name in names}
            some = [*(corpus_of(name, part) for name, part in kept.items()), made_up]
            write(
                train_twice(some, labelled, seed=asked.seed, epochs=asked.epochs),
                asked.output.with_name(f"fold-{fold}.npz"),
            )
        return
    write(train_twice(list(corpora.values()), labelled, seed=asked.seed, epochs=asked.epochs), asked.output)


def train_twice(corpora: list[Corpus], labelled: list[dict[str, Any]], *, seed: int, epochs: int) -> Weights:
    """Weights; where teachers labelled mail, a first look without it says where they may be trusted."""
    if labelled:
        first_look = train(corpora, seed=seed, epochs=max(epochs - 2, AVERAGED))
        corpora = [*corpora, taught(labelled, first_look)]
    return train(corpora, seed=seed, epochs=epochs)


def write(weights: Weights, path: Path) -> None:
    """The weights as a file of the package."""
    np.savez_compressed(path, version=np.int64(VERSION), **weights._asdict())
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
