"""Candidates of patterns made findings: distinct values are read once, whatever their number."""

from __future__ import annotations

from functools import cache

import numpy as np

from readingroom.anonymize import patterns, spans
from readingroom.anonymize.ibans import find_ibans
from readingroom.anonymize.kernels import U64, hash_words, look_up
from readingroom.anonymize.patterns import candidates, read_cluster
from readingroom.anonymize.pem import find_keys
from readingroom.anonymize.phone_ends import named_after, with_extensions
from readingroom.anonymize.proofs_find import find_proofs
from readingroom.anonymize.proofs_phones import phone_after
from readingroom.anonymize.rare import Vocabulary, hash_spans
from readingroom.anonymize.remembered import Remembered
from readingroom.anonymize.spans import FINDING, findings
from readingroom.anonymize.tokens import Records, Tokens
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


def find_forms(letters: Letters, tokens: Tokens, vocabulary: Vocabulary, *, strict: bool) -> Records:
    """Findings of every pattern in the view."""
    found = candidates(letters, tokens.parts)
    ibans = _iban_findings(letters, tokens)
    parts = [ibans, find_keys(letters)]
    for what, kind in _DIRECT:
        chosen = found[found["what"] == what]
        if what == patterns.HANDLE:  # @media and @import are no people
            chosen = chosen[letters.flags[chosen["start"]] & MARKUP == 0]
        parts.append(findings(chosen, np.full(len(chosen), kind), np.full(len(chosen), -1)))
    proved = find_proofs(letters, tokens)
    clusters = found[found["what"] == patterns.CLUSTER]
    clusters = _readings(letters, clusters, named_after(letters, clusters).astype(np.int64))
    phones = clusters["kind"] == spans.PHONE
    clusters[phones] = with_extensions(letters, clusters[phones])
    parts += [proved, _unproved(clusters, np.concatenate([proved, ibans]))]
    if strict:
        hosts = found[found["what"] == patterns.HOST]
        hashes = np.empty(len(hosts), np.uint64)
        hash_spans(letters, hosts, hashes)
        shown = (look_up(vocabulary.table, hashes) != 0) | np.isin(hashes, _public_hosts())
        hosts = hosts[~shown & (letters.flags[hosts["start"]] & BLOB == 0)]
        parts.append(findings(hosts, np.full(len(hosts), spans.HOST), np.full(len(hosts), -1)))
    return np.concatenate(parts)


@cache
def _public_hosts() -> U64:
    return hash_words(_PUBLIC_HOSTS)


def _read(named: int, text: bytes) -> list[tuple[int, int, int]]:
    """What a digit cluster is; `named`: a word after it says that it is a phone number."""
    written = text.decode("ascii", "replace")
    found = [(start, end, _CLUSTER_KINDS[kind]) for start, end, kind in read_cluster(written)]
    if named and (span := phone_after(written)):
        found.append((*span, spans.PHONE))
    return found


_readings = Remembered(_read)


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
    found = np.empty(len(tokens.parts), FINDING)
    return found[: find_ibans(letters, tokens.parts, found)]
