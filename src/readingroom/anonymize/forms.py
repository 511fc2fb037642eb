"""Candidates of patterns made findings: distinct values are read once, whatever their number."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa

from readingroom.anonymize import patterns, spans
from readingroom.anonymize.kernels import U64, hash_words, look_up
from readingroom.anonymize.patterns import candidates, read_cluster, read_iban
from readingroom.anonymize.phone_ends import named_after, with_extensions
from readingroom.anonymize.proofs_find import find_proofs
from readingroom.anonymize.proofs_phones import phone_after
from readingroom.anonymize.rare import Vocabulary, hash_spans
from readingroom.anonymize.remembered import Remembered
from readingroom.anonymize.spans import FINDING, findings
from readingroom.anonymize.tokens import ALL_UPPER, DIGITS, JOINED, Records, Tokens
from readingroom.anonymize.views import BLOB, MARKUP, Letters

_DIRECT = ((patterns.EMAIL, spans.EMAIL), (patterns.HANDLE, spans.HANDLE), (patterns.GUID, spans.RECORD))
_CLUSTER_KINDS = {"ip": spans.IP, "id": spans.ID, "card": spans.CARD, "phone": spans.PHONE, "number": spans.NUMBER}
_PUBLIC_HOSTS = [
    "www.w3.org",
    "w3.org",
    "schemas.microsoft.com",
    "schemas.openxmlformats.org",
    "www.microsoft.com",
    "microsoft.com",
    "www.google.com",
    "google.com",
    "fonts.googleapis.com",
    "ajax.googleapis.com",
    "www.facebook.com",
    "facebook.com",
    "twitter.com",
    "www.twitter.com",
    "www.linkedin.com",
    "linkedin.com",
    "www.instagram.com",
    "www.youtube.com",
    "youtube.com",
    "www.yahoo.com",
    "yahoo.com",
    "localhost",
]
IBAN_LIMIT = 48


def find_forms(letters: Letters, tokens: Tokens, vocabulary: Vocabulary, *, strict: bool) -> Records:
    """Findings of every pattern in the view."""
    found = candidates(letters)
    ibans = _iban_findings(letters, tokens)
    parts = [ibans]
    for what, kind in _DIRECT:
        chosen = found[found["what"] == what]
        if what == patterns.HANDLE:  # @media and @import are no people
            chosen = chosen[letters["flags"][chosen["start"]] & MARKUP == 0]
        parts.append(findings(chosen, np.full(len(chosen), kind), np.full(len(chosen), -1)))
    proved = find_proofs(letters, tokens)
    clusters = _cluster_findings(letters, found[found["what"] == patterns.CLUSTER])
    phones = clusters["kind"] == spans.PHONE
    clusters[phones] = with_extensions(letters, clusters[phones])
    parts += [proved, _unproved(clusters, np.concatenate([proved, ibans]))]
    if strict:
        hosts = found[found["what"] == patterns.HOST]
        hashes = np.empty(len(hosts), np.uint64)
        hash_spans(letters, hosts, hashes)
        shown = (look_up(vocabulary.table, hashes) != 0) | np.isin(hashes, _public_hosts())
        hosts = hosts[~shown & (letters["flags"][hosts["start"]] & BLOB == 0)]
        parts.append(findings(hosts, np.full(len(hosts), spans.HOST), np.full(len(hosts), -1)))
    return np.concatenate(parts)


@cache
def _public_hosts() -> U64:
    return hash_words(_PUBLIC_HOSTS)


def texts_of(letters: Letters, spans_: Records) -> pa.LargeBinaryArray:
    """The folded letters of each span as one array."""
    lengths = (spans_["end"] - spans_["start"]).astype(np.int64)
    offsets = np.zeros(len(spans_) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    index = np.repeat(spans_["start"] - offsets[:-1], lengths) + np.arange(offsets[-1])
    data = np.ascontiguousarray(letters["folded"][index])
    return pa.Array.from_buffers(pa.large_binary(), len(spans_), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


_readings = Remembered(lambda text: read_cluster(text.decode("ascii", "replace")))


def _cluster_findings(letters: Letters, clusters: Records) -> Records:
    """What the digit clusters are; each distinct text is read once."""
    if not len(clusters):
        return np.empty(0, FINDING)
    encoded = texts_of(letters, clusters).dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    readings = [_readings(text) for text in texts]
    codes = encoded.indices.to_numpy()
    rows = [
        (start + found[0], start + found[1], -1, _CLUSTER_KINDS[found[2]])
        for start, code in zip(clusters["start"].tolist(), codes.tolist(), strict=True)
        for found in readings[code]
    ]
    named = np.flatnonzero(named_after(letters, clusters))
    for start, code in zip(clusters["start"][named].tolist(), codes[named].tolist(), strict=True):
        if span := phone_after(texts[code].decode("ascii", "replace")):
            rows.append((start + span[0], start + span[1], -1, spans.PHONE))
    return np.array(rows, FINDING) if rows else np.empty(0, FINDING)


def _unproved(clusters: Records, proved: Records) -> Records:
    """The readings of clusters without those that lie inside a proved number: its proof knows better what it is."""
    ids = np.sort(
        proved[np.isin(proved["kind"], [spans.ID, spans.DATE, spans.SECRET, spans.IBAN])], order=["start", "end"]
    )
    if not len(ids):
        return clusters
    # the end that reaches farthest among those that begin at or before each place
    reach = np.maximum.accumulate(ids["end"])
    before = np.searchsorted(ids["start"], clusters["start"], side="right") - 1
    inside = (before >= 0) & (reach[before] >= clusters["end"])
    return clusters[~inside]


def _iban_findings(letters: Letters, tokens: Tokens) -> Records:
    """IBANs: two letters and two digits, and the check digits are right."""
    parts = tokens.parts
    if len(parts) < 2:
        return np.empty(0, FINDING)
    size = parts["end"] - parts["start"]
    flags = parts["flags"]
    begins = (size[:-1] == 2) & (flags[:-1] & (DIGITS | JOINED) == 0)
    begins &= (flags[1:] & (DIGITS | JOINED) == DIGITS | JOINED) & (size[1:] >= 2)
    rows = []
    capital = (flags[:-1] & ALL_UPPER != 0)[begins].tolist()
    for start, upper in zip(parts["start"][:-1][begins].tolist(), capital, strict=True):
        text = letters["folded"][start : start + IBAN_LIMIT].tobytes().decode("ascii", "replace")
        length = read_iban(text)
        if length and (upper or " " not in text[:length]):  # `at 12 people` and the like begin in small letters, too
            rows.append((start, start + length, -1, spans.IBAN))
    return np.array(rows, FINDING) if rows else np.empty(0, FINDING)
