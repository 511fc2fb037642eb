"""Hashed 1-2-grams of a mail's subject and text: a fixed public hash, no vocabulary, nothing of customers kept.

Rule 1 (P31): a feature is a bucket number from a public function of the token. No token, count table or document
frequency of any customer's text is part of the result of a training.
Rule 2: whole batches as arrays. Joined texts are one byte buffer; token hashes are differences of one running
polynomial; nothing loops over tokens or rows in Python.
Rule 3: a row has length at most 1 (L2), bias included, so that a mail's gradient has a known bound before clipping.
Placeholders of the anonymization (`[PERSON_7f3a2c]`) and merge fields count as their kind alone; digits as one shape.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

BITS = 14  # 16,384 buckets: chosen on a public corpus (scripts/quality_spam.py), never on a customer's mails
BIAS_SHARE = 0.05  # of a row's squared length
_BLOCK = 1 << 22  # characters hashed at a time: about 200 MB of arrays
_PRIME = 0x9E3779B97F4A7C15 | 1
_INVERSE = pow(_PRIME, -1, 1 << 64)
_END = "\x00"

# each pattern is linear: none of its loops can begin again inside what another has just consumed
_HIDDEN = re.compile(
    r"<(style|script|head|title)\b[^<\x00]*(?:<(?!/\1)[^<\x00]*)*|<!--[^-\x00]*(?:-(?!->)[^-\x00]*)*(?:-->)?",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-zA-Z!][^<>\x00]*>?")
_PLACEHOLDER = re.compile(r"\[([A-Z]{2,20}(?:_[A-Z]{2,20}){0,3})(?:_[0-9a-z]{2,32})?\]")
_MERGE = re.compile(r"\{\{[^{}\x00]{0,200}\}\}")
_DIGIT = re.compile(r"\d")

_CLASSES = np.zeros(256, dtype=np.uint8)  # 0 separates, 1 word, 2 marks that advertising likes
_CLASSES[[*range(ord("a"), ord("z") + 1), ord("0"), 1, *range(128, 256)]] = 1
_CLASSES[[ord(c) for c in "!$%"]] = 2


@dataclass(frozen=True)
class Grams:
    """Token hashes of a batch of texts: `rows[i]` is the text that holds the gram of hash `hashes[i]`."""

    rows: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]
    words: int  # the first `words` entries are single tokens in reading order; pairs follow


def plain(texts: Sequence[str]) -> str:
    """The texts as the model reads them, joined by NUL: no tags, kinds for placeholders, shapes for digits."""
    joined = _END.join(text.replace(_END, " ").replace("\x01", " ") for text in texts)
    joined = _TAG.sub(" ", _HIDDEN.sub(" ", joined))
    joined = _PLACEHOLDER.sub(" \x01\\1 ", _MERGE.sub(" \x01merge ", joined))
    # an entity may hide a NUL; it must not begin a new text
    joined = _END.join(html.unescape(text).replace(_END, " ") for text in joined.split(_END))
    return _DIGIT.sub("0", joined).casefold()


def grams(texts: Sequence[str]) -> Grams:
    """Hashes of every token and of every pair of neighbouring tokens of each text."""
    if not texts:
        return Grams(np.zeros(0, np.int64), np.zeros(0, np.uint64), 0)
    data = np.frombuffer(plain(texts).encode("utf-8", "surrogatepass"), dtype=np.uint8)
    classes = _CLASSES[data]
    edges = np.flatnonzero(np.diff(classes, prepend=0, append=0) != 0)
    starts = edges[:-1] if len(edges) else edges
    ends = edges[1:] if len(edges) else edges
    real = classes[starts] > 0
    starts, ends = starts[real], ends[real]
    rows = np.searchsorted(np.flatnonzero(data == 0), starts)
    single = _mix(_polynomial(data, starts, ends))
    same = rows[1:] == rows[:-1]
    pairs = _mix(single[:-1][same] * np.uint64(0xD6E8FEB86659FD93) + single[1:][same])
    return Grams(np.concatenate([rows, rows[1:][same]]), np.concatenate([single, pairs]), len(single))


def matrix(texts: Sequence[str], *, bits: int = BITS) -> Any:
    """One row a text, 2^bits + 1 columns (the last is the bias), float64 CSR, every row of length at most 1."""
    blocks = [_block(block, bits) for block in _blocks(texts)]
    return sparse.vstack(blocks, format="csr") if blocks else sparse.csr_matrix((0, (1 << bits) + 1))


def buckets(hashes: npt.NDArray[np.uint64], *, bits: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The column of each gram, and its sign."""
    sign = np.where(hashes >> np.uint64(63), -1.0, 1.0)
    return (hashes & np.uint64((1 << bits) - 1)).astype(np.int64), sign


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    first, size = 0, 0
    for position, text in enumerate(texts):
        size += len(text)
        if size >= _BLOCK:
            yield texts[first : position + 1]
            first, size = position + 1, 0
    if first < len(texts):
        yield texts[first:]


def _block(texts: Sequence[str], bits: int) -> Any:
    found = grams(texts)
    columns, sign = buckets(found.hashes, bits=bits)
    shape = (len(texts), 1 << bits)
    rows = sparse.csr_matrix((sign, (found.rows, columns)), shape=shape)  # adds up what falls into one bucket
    rows.data = np.sign(rows.data) * np.log1p(np.abs(rows.data))
    rows.eliminate_zeros()
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    # a hair below the bound, so that rounding cannot lift a row above length 1 (rule 3)
    scale = np.sqrt(1 - BIAS_SHARE) * (1 - 1e-9) / np.where(length > 0, length, 1.0)
    bias = np.full((len(texts), 1), np.sqrt(BIAS_SHARE) * (1 - 1e-9))
    return sparse.hstack([sparse.diags(scale) @ rows, bias], format="csr")


def _polynomial(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """The polynomial hash (mod 2^64) of data[start:end] for every pair, from one running sum."""
    powers = np.full(len(data), _PRIME, dtype=np.uint64)
    np.cumprod(powers, out=powers)
    running = np.zeros(len(data) + 1, dtype=np.uint64)
    np.cumsum((data.astype(np.uint64) + np.uint64(1)) * powers, out=running[1:])
    back = np.full(len(data) + 1, _INVERSE, dtype=np.uint64)
    back[0] = 1
    np.cumprod(back, out=back)
    return (running[ends] - running[starts]) * back[starts]


def _mix(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finalizer: every input bit reaches every output bit."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
