"""Surrogates: false values that look true, in the place of findings, so that a missed name hides among false ones.

Rule 1: the key, the kind and the value decide alone: one value has one surrogate wherever it stands in a run.
Rule 2: a surrogate is never the value that it stands for.
Rule 3: only distinct values are worked out; none outlives the block but the words of names.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import quote, unquote

import numpy as np
from typing_extensions import override

from readingroom.anonymize import spans
from readingroom.anonymize import surrogate_numbers as numbers
from readingroom.anonymize.folding import fold
from readingroom.anonymize.hits import Named
from readingroom.anonymize.kernels import I64, hash_words
from readingroom.anonymize.known import Known, entries_of
from readingroom.anonymize.normalize import normalize
from readingroom.anonymize.opened import Stand
from readingroom.anonymize.same import texts_of
from readingroom.anonymize.splice import Placeholders
from readingroom.anonymize.surrogate_dates import MovedDates
from readingroom.anonymize.surrogate_draws import Draw
from readingroom.anonymize.surrogate_words import FalseNames
from readingroom.anonymize.texts import Painted
from readingroom.anonymize.views import BLOB

_TAG = re.compile(r"<[^<>]*>")
_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_PIECE = re.compile(r"[^\W\d_]+|\d+")
_MAILERS = "gmail googlemail yahoo hotmail outlook live msn aol icloud gmx web proton protonmail mail"
_FREE = frozenset(_MAILERS.split())
_SPARE = ("example.com", "example.net", "example.org")
_WAYS = (
    "street st road rd avenue ave lane ln drive dr court ct boulevard blvd way place pl square sq terrace close"
    " rue chemin impasse allee calle avenida plaza paseo via viale piazza corso weg platz strasse str gasse straat"
    " laan plein suite apt floor box po no nr north south east west n s e w de la le del des du di the of and"
)
_STREETS = frozenset(_WAYS.split())
_COMPOUND = re.compile(r"(?i)^(.{2,})(stra(?:ss|ß)e|str|gasse|weg|platz|allee|straat|laan|gracht|plein)$")
_FIRST = "Ash Brook Cald Dun Elm Fair Glen Har Kings Lang Marl Nor Oak Pem Roth Stan Thorn Wel West Wick"
_LAST = "bridge bury dale field ford ham hurst mere port stead ton well wick wood"
_HEADS, _TAILS = _FIRST.split(), _LAST.split()


class Surrogates(Stand):
    """Surrogates of one run."""

    def __init__(self, key: bytes, known: Known) -> None:
        self._key, self._known = key, known
        self._names = FalseNames(key, self._is_known)
        self._dates = MovedDates(key)
        self._make: dict[int, Callable[[str], str]] = {
            **dict.fromkeys((spans.PERSON, spans.NAME, spans.RARE), self._names.text),
            spans.HANDLE: self._handle,
            spans.ORG: self._names.text,
            spans.EMAIL: self._email,
            spans.PHONE: self._numbered("phone", numbers.phone),
            spans.CARD: self._numbered("id", numbers.card),
            spans.IBAN: self._numbered("iban", numbers.account),
            spans.ID: self._numbered("id", numbers.identifier),
            spans.RECORD: self._numbered("record", numbers.guid),
            spans.IP: self._numbered("ip", numbers.address),
            spans.DATE: self._dates.text,
            spans.ADDRESS: self._address,
            spans.PLACE: self._place,
            spans.HOST: self._host,
        }

    def one(self, kind: int, text: str) -> str:
        """The surrogate of one value of a kind (spans)."""
        try:
            made = self._make.get(kind, self._shape)(text)
        except (ValueError, LookupError):  # a form that no proof or parser knows
            made = self._shape(text)
        return made if fold(made) != fold(text) else self._shape(text)

    @override
    def shown(self, painted: Painted, named: Named) -> Placeholders:
        """A surrogate for every finding that is seen; each distinct value is worked out once."""
        seen = np.unique(painted.labels[painted.labels >= 0]).astype(np.int64)
        texts, made = self._texts(painted, seen), [b""]
        numbered: dict[tuple[int, str], int] = {}
        which = np.zeros(len(painted.hits.found), np.int32)
        kinds = painted.hits.found["kind"][seen].tolist()
        for finding, kind, text in zip(seen.tolist(), kinds, texts, strict=True):
            number = numbered.setdefault((kind, text), len(made))
            if number == len(made):
                made.append(self._escaped(kind, text).encode("utf-8", "replace"))
            which[finding] = number
        offsets = np.zeros(len(made) + 1, np.int64)
        np.cumsum([len(one) for one in made], out=offsets[1:])
        return Placeholders(np.frombuffer(b"".join(made), np.uint8), offsets, which)

    def identifier(self, text: str) -> str:
        """A row id of the same form, long enough that no two are one."""
        draw = Draw(self._key, "row", fold(text))
        bare = sum(sign.isalnum() for sign in text)
        if bare == 32 and _HEX.fullmatch(re.sub(r"[-{}()]", "", text)):
            return numbers.guid(text, draw)
        if text.isdigit():
            return "".join(str(1 + draw.below(9)) for _ in range(max(15, len(text))))
        return draw.shape(text) if bare >= 12 else f"{draw.shape(text)}{draw.hexes('0' * 12)}"

    def _texts(self, painted: Painted, seen: I64) -> list[str]:
        """What stands where each finding is; of what was decoded from something opaque, its folded letters."""
        letters, found = painted.hits.letters, painted.hits.found[seen]
        first, last = found["start"], found["end"] - 1
        source = painted.source.tobytes()
        texts = [
            source[start:end].decode("utf-8", "replace")
            for start, end in zip(letters.start[first].tolist(), letters.end[last].tolist(), strict=True)
        ]
        opaque = np.flatnonzero(letters.flags[first] & BLOB)
        inside = texts_of(letters, found[opaque]).to_pylist()
        for at, text in zip(opaque.tolist(), inside, strict=True):
            texts[at] = text.decode("utf-8", "replace")
        return texts

    def _escaped(self, kind: int, text: str) -> str:
        """The surrogate of a value as it is written: without tags, and escaped the way it was."""
        plain = _TAG.sub("", text) if "<" in text else text
        if "&" in plain and ";" in plain:
            return html.escape(self.one(kind, html.unescape(plain)))
        if re.search(r"%[0-9A-Fa-f]{2}", plain):
            return quote(self.one(kind, unquote(plain)), safe="")
        return self.one(kind, plain)

    def _is_known(self, word: str) -> bool:
        return bool(entries_of(self._known, hash_words([word]))[0] >= 0)

    def _numbered(self, use: str, make: Callable[[str, Draw], str]) -> Callable[[str], str]:
        return lambda text: make(text, Draw(self._key, use, normalize(use, text)))

    def _shape(self, text: str) -> str:
        return Draw(self._key, "shape", fold(text)).shape(text)

    def _email(self, text: str) -> str:
        if _HEX.fullmatch(text):
            return Draw(self._key, "digest", fold(text)).hexes(text)
        spaced = "@" not in text
        if spaced:
            words = re.sub(r"(?i)\s*[(\[]?\b(at|arroba|arobase)\b[)\]]?\s*", "@", text, count=1)
            text = re.sub(r"(?i)\s*[(\[]?\b(dot|punkt|point|punto)\b[)\]]?\s*", ".", words)
        local, at, domain = text.rpartition("@")
        if not at:
            return self._handle(text)
        made = f"{self._local(local)}@{self._domain(domain)}"
        return made.replace("@", " at ").replace(".", " dot ") if spaced else made

    def _local(self, local: str) -> str:
        draw = Draw(self._key, "local", normalize("email", f"{local}@"))
        local = local.partition("+")[0] or local
        made = _PIECE.sub(lambda found: self._user(found[0], draw), local)
        return made if any(sign.isdigit() for sign in made) else f"{made}{draw.below(90) + 10}"

    def _user(self, piece: str, draw: Draw) -> str:
        if piece.isdigit():
            return draw.shape(piece)
        made = "".join(
            self._names.initial(part) if len(part) == 1 else self._names.word(part)
            for part in self._names.parts(fold(piece))
        )
        ascii_only = "".join(sign for sign in fold(made) if sign.isascii())
        return ascii_only.capitalize() if piece[:1].isupper() else ascii_only

    def _domain(self, domain: str) -> str:
        labels = [label for label in fold(domain).split(".") if label]
        own = labels[-2] if len(labels) > 1 else "".join(labels)
        if own in {"co", "com", "org", "ac", "gov"} and len(labels) > 2:
            own = labels[-3]
        if own in _FREE:
            return Draw(self._key, "mailer", own).one(_SPARE)
        return f"{self._user(re.sub(r'[^a-z]', '', own) or 'host', Draw(self._key, 'domain', own)).lower()}.example"

    def _host(self, text: str) -> str:
        return f"www.{self._domain(text)}" if fold(text).startswith("www.") else self._domain(text)

    def _handle(self, text: str) -> str:
        draw = Draw(self._key, "handle", fold(text))
        return _PIECE.sub(lambda found: self._user(found[0], draw), text)

    def _place(self, text: str) -> str:
        draw = Draw(self._key, "place", fold(text))
        made = draw.one(_HEADS) + draw.one(_TAILS)
        return made.upper() if text.isupper() else made.lower() if text.islower() else made

    def _address(self, text: str) -> str:
        draw = Draw(self._key, "address", fold(text))

        def other(found: re.Match[str]) -> str:
            word = found[0]
            if word.isdigit():
                return draw.shape(word)
            if fold(word) in _STREETS:
                return word
            if parts := _COMPOUND.match(word):
                return self._names.text(parts[1]) + parts[2]
            return draw.shape(word) if len(word) <= 2 else self._names.text(word)

        return _PIECE.sub(other, text)
