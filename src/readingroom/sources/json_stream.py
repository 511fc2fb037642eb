"""JSON read as a stream, decoding only what was chosen; everything else is passed over as bytes.

Rule 1: a value that was not chosen is never decoded, kept or named (P13); only the shape of its brackets and strings
is followed, to find its end.
Rule 2: bounded memory: one element of the outer array at a time, of at most ELEMENT_LIMIT chosen bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from readingroom.sources.blocks import Plain
from readingroom.sources.files import SourceFile
from readingroom.sources.model import BadData

# the fields to decode: None for a string, a mapping for an object or an array of objects
Chosen = dict[str, Any]

STRING_LIMIT = 1 << 20
_DEPTH = 64
_PIECE = 1 << 20
_TOKEN = re.compile(rb'[ \t\r\n]*([{}\[\]:,]|"(?:[^"\\\x00-\x1f]|\\.)*"|[-+.0-9A-Za-z]+(?=[ \t\r\n,\]}]))', re.DOTALL)
_BLANK = re.compile(rb"[ \t\r\n]*")
_LITERAL = re.compile(rb"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_OPEN, _CLOSE = (b"{", b"["), (b"}", b"]")


class JsonStream:
    """One document."""

    def __init__(self, source: Plain, file: SourceFile) -> None:
        self._source, self._file = source, file
        self._data = b""
        self._at = 0
        self._final = False
        self._elements = 0

    def elements(self, chosen: Chosen) -> Iterator[dict[str, Any]]:
        """The objects of the arrays that stand in the chosen fields of the document's object, one by one."""
        self._must(self._next() == b"{")
        found = False
        for name in self._members():
            if name not in chosen:
                self._skip(self._next())
                continue
            found = True
            self._must(self._next() == b"[")
            yield from self._array(chosen[name])
        self._must(found and not self._blank_left())

    def _array(self, chosen: Chosen) -> Iterator[dict[str, Any]]:
        """The objects of an array whose bracket was read."""
        token = self._next()
        while token != b"]":
            self._must(token == b"{")
            self._elements += 1
            yield self._object(chosen)
            token = self._next()
            if token == b",":
                token = self._next()
                self._must(token != b"]")
            else:
                self._must(token == b"]")

    def _object(self, chosen: Chosen) -> dict[str, Any]:
        """The chosen fields of an object whose brace was read."""
        found: dict[str, Any] = {}
        for name in self._members():
            token = self._next()
            inner = chosen.get(name)
            if name not in chosen or (inner is None and not token.startswith(b'"')):
                self._skip(token)
            elif inner is None:
                self._must(name not in found)
                found[name] = self._text(token)
            elif token == b"[":
                found[name] = [*self._inner(inner)]
            else:
                self._skip(token)
        return found

    def _inner(self, chosen: Chosen) -> Iterator[dict[str, Any]]:
        counted = self._elements
        yield from self._array(chosen)
        self._elements = counted

    def _members(self) -> Iterator[str]:
        """The names in an object whose brace was read; each time, the caller reads the value."""
        token = self._next()
        while token != b"}":
            self._must(token.startswith(b'"'))
            name = self._text(token)
            self._must(self._next() == b":")
            yield name
            token = self._next()
            if token == b",":
                token = self._next()
                self._must(token != b"}")
            else:
                self._must(token == b"}")

    def _skip(self, token: bytes) -> None:
        """Pass over the value that begins with `token`, without looking into it (rule 1)."""
        open_brackets: list[bytes] = []
        while True:
            if token in _OPEN:
                open_brackets.append(b"}" if token == b"{" else b"]")
                self._must(len(open_brackets) <= _DEPTH)
            elif token in _CLOSE:
                self._must(bool(open_brackets) and open_brackets.pop() == token)
            else:
                self._must(bool(open_brackets) or token not in {b",", b":"})
            if not open_brackets:
                return
            token = self._next()

    def _next(self) -> bytes:
        """The next token."""
        found = _TOKEN.match(self._data, self._at)
        while found is None or (found.end() == len(self._data) and not self._final):
            if self._final or len(self._data) - self._at > STRING_LIMIT:
                self._must(sound=False)
            self._more()
            found = _TOKEN.match(self._data, self._at)
        self._at = found.end()
        token = found[1]
        self._must(token[:1] in b'{}[]:,"' or _LITERAL.fullmatch(token) is not None)
        return token

    def _more(self) -> None:
        piece = bytearray(_PIECE)
        count = self._source.read_into(memoryview(piece))
        self._final = count == 0
        self._data = self._data[self._at :] + bytes(piece[:count])
        self._at = 0

    def _blank_left(self) -> bool:
        """Whether anything but blanks is left of the document."""
        while not self._final:
            self._at = self._end_of_blanks()
            if self._at < len(self._data):
                return True
            self._more()
        return self._end_of_blanks() < len(self._data)

    def _end_of_blanks(self) -> int:
        found = _BLANK.match(self._data, self._at)
        return found.end() if found else self._at

    def _text(self, token: bytes) -> str:
        """The text of a string token."""
        try:
            text = json.loads(token)
            text.encode()
        except ValueError:
            raise BadData("not_json", self._file.at(self._elements or None)) from None
        self._must("\0" not in text)
        return str(text)

    def _must(self, sound: bool) -> None:  # noqa: FBT001 - reads as an assertion
        if not sound:
            raise BadData("not_json", self._file.at(self._elements or None))
