"""Mails without anybody in them: one message in, a valid message out; headers, texts and HTML rewritten.

Rule 1: only headers that are listed here are in what comes out; names and addresses in them are as in the text.
Rule 2: a part that is no text is taken out, and a line says so; nothing is passed on unread.
Rule 3: a part whose bytes are not of the character set it names is read with its unreadable signs replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.utils import format_datetime, formataddr, getaddresses, parsedate_to_datetime
from typing import Any

import pyarrow as pa

from readingroom.anonymize.choices import Cells, Choice
from readingroom.anonymize.runs import Run

ADDRESSES = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc")
IDS = ("Message-ID", "In-Reply-To", "References")
WORDS = ("Subject", "Thread-Topic", "Comments", "Keywords", "Importance", "Priority", "Auto-Submitted", "Precedence")
LISTED = frozenset(name.lower() for name in (*ADDRESSES, *IDS, *WORDS, "Date"))
_COLUMNS = {
    "name": Choice(Cells.NAME, "name"),
    "address": Choice(Cells.EMAIL, "name"),
    "subject": Choice(Cells.TEXT, "name"),
    "message id": Choice(Cells.ID, "name"),
    "text": Choice(Cells.TEXT, "type"),
    "html": Choice(Cells.HTML, "type"),
}
TEXT = pa.large_string()
_POLICY = policy.SMTP.clone(max_line_length=998)
_OUT = policy.default.clone(linesep="\n", max_line_length=78, refold_source="all")
DEEPEST = 20


@dataclass
class _Cells:
    """The cells of some messages, by column, and where each goes."""

    texts: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})

    def add(self, column: str, text: str) -> tuple[str, int]:
        cells = self.texts[column]
        cells.append(text.encode("utf-8", "replace").decode().replace("\x00", " "))
        return column, len(cells) - 1


_Place = tuple[str, int]


@dataclass
class _Part:
    """One part of a message: a text, a line in place of what was taken out, or several parts."""

    kind: str
    place: _Place | None = None
    parts: list[_Part] = field(default_factory=list)


@dataclass
class _Mail:
    addresses: dict[str, list[tuple[_Place | None, _Place | None]]]
    words: dict[str, _Place]
    ids: dict[str, list[_Place]]
    date: str
    body: _Part


class Mails:
    """Rewrites messages."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.removed: Counter[str] = Counter()
        for name, choice in _COLUMNS.items():
            run.choices.setdefault(name, choice)

    def people(self, data: bytes) -> Iterator[tuple[str | None, dict[str, Any]]]:
        """The people in the headers of a message who have a name and an address, each with a record id."""
        message = _parsed(data)
        for name, address in _addresses(message, ADDRESSES):
            if "@" in address:
                record = self._run.identity({Cells.EMAIL: address})
                yield record, {"email": address, **({"fullname": name} if " " in name.strip() else {})}

    def rewrite(self, messages: Sequence[bytes]) -> list[bytes]:
        """The messages without anybody in them."""
        cells = _Cells()
        mails = [self._read(_parsed(data), cells) for data in messages]
        shown = {
            name: self._run.rewrite(name, pa.array(texts, TEXT)).cells.to_pylist()
            for name, texts in cells.texts.items()
        }
        return [_written(mail, shown) for mail in mails]

    def _read(self, message: EmailMessage, cells: _Cells) -> _Mail:
        """Everything of a message that may be shown, its texts as cells."""
        addresses = {}
        for header in ADDRESSES:
            pairs = list(_addresses(message, (header,)))
            addresses[header] = [
                (cells.add("name", name) if name else None, cells.add("address", one) if one else None)
                for name, one in pairs
            ]
        words = {h: cells.add("subject", text) for h in WORDS if (text := _header(message, h))}
        ids = {h: [cells.add("message id", one.strip("<>")) for one in _header(message, h).split()] for h in IDS}
        received = len(message.get_all("Received", []))
        others = [header for header in message if header.lower() not in LISTED]
        self.removed["headers"] += sum(not one.lower().startswith(("content-", "mime-", "received")) for one in others)
        self.removed["Received"] += received
        return _Mail(addresses, words, ids, _date(message), self._part(message, cells, depth=0))

    def _part(self, message: MIMEPart, cells: _Cells, *, depth: int) -> _Part:
        kind = message.get_content_type()
        if message.is_multipart() and kind != "message/rfc822" and depth < DEEPEST:
            parts = [self._part(part, cells, depth=depth + 1) for part in message.iter_parts()]
            subtype = kind.partition("/")[2] if kind in {"multipart/alternative", "multipart/related"} else "mixed"
            return _Part(subtype, parts=parts or [_Part("gone", cells.add("text", ""))])
        if kind in {"text/plain", "text/html", "text/csv", "text/calendar", "text/markdown"}:
            column = "html" if kind == "text/html" else "text"
            return _Part(column, cells.add(column, _text(message)))
        if kind == "message/rfc822" and depth < DEEPEST:
            return _Part("mixed", parts=[self._forwarded(part, cells, depth) for part in message.iter_parts()])
        self.removed[kind.partition("/")[0] if "/" in kind else "other"] += 1
        return _Part("gone", None)

    def _forwarded(self, message: MIMEPart, cells: _Cells, depth: int) -> _Part:
        """A message inside a message, as a text with its first headers before it."""
        lines = [f"{h}: {text}" for h in ("From", "To", "Cc", "Date", "Subject") if (text := _header(message, h))]
        head = _Part("text", cells.add("text", "\n".join(lines)))
        return _Part("mixed", parts=[head, self._part(message, cells, depth=depth + 1)])


def _parsed(data: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=_POLICY).parsebytes(data)


def _header(message: MIMEPart, name: str) -> str:
    """A header as text; what cannot be read is empty."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (MessageError, ValueError, LookupError, AttributeError, TypeError):
        return ""  # the parser of the standard library fails on some headers; what is not read is not shown


def _date(message: MIMEPart) -> str:
    """The date as it is written by this module, empty when it cannot be read: a header may hold anything."""
    try:
        return format_datetime(parsedate_to_datetime(_header(message, "Date")))
    except (ValueError, TypeError, IndexError):
        return ""


def _addresses(message: EmailMessage, headers: Sequence[str]) -> Iterator[tuple[str, str]]:
    texts = [_header(message, header) for header in headers]
    yield from ((name.strip(), one.strip()) for name, one in getaddresses([t for t in texts if t]))


def _text(message: MIMEPart) -> str:
    """The text of a part, whatever its transfer encoding and character set."""
    data = message.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = message.get_content_charset("utf-8") or "utf-8"
    try:
        return data.decode(charset, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _written(mail: _Mail, shown: dict[str, list[str]]) -> bytes:
    """The message put together anew."""
    message = EmailMessage(policy=_OUT)
    for header, text in _headers(mail, shown):
        message[header] = text
    _fill(message, mail.body, shown)
    if "MIME-Version" not in message:
        message["MIME-Version"] = "1.0"
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_part-{number}")  # never in quoted-printable text; the same input, the same bytes
    return message.as_bytes()


def _headers(mail: _Mail, shown: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    def at(place: _Place | None) -> str:
        return "" if place is None else " ".join(shown[place[0]][place[1]].split())

    for header, pairs in mail.addresses.items():
        if texts := [formataddr((at(name), _mailbox(at(one)))) for name, one in pairs if one or name]:
            yield header, ", ".join(texts)
    for header, place in mail.words.items():
        yield header, at(place)
    for header, places in mail.ids.items():
        if places:
            yield header, " ".join(f"<{at(place).replace('@', '.')}@message.example>" for place in places)
    if mail.date:
        yield "Date", mail.date


def _mailbox(address: str) -> str:
    """What stands in for an address, as a mailbox of plain letters, so that the header stays one."""
    plain = address.strip("[]").encode("ascii", "ignore").decode()
    return plain if "@" in plain.strip("@") or not plain else f"{plain.strip('@')}@placeholder.example"


def _fill(message: EmailMessage, part: _Part, shown: dict[str, list[str]]) -> None:
    if part.parts:
        getattr(message, f"make_{part.kind}")()
        for inner in part.parts:
            child = EmailMessage(policy=_OUT)
            _fill(child, inner, shown)
            message.attach(child)
        return
    if part.place is None:
        message.set_content("[an attachment that is no text was taken out]\n")
        return
    text = shown[part.place[0]][part.place[1]]
    message.set_content(text, subtype="html" if part.kind == "html" else "plain", cte="quoted-printable")
