"""The anonymized mail as it may be shown: sanitized, inert, fetched once, and forgotten.

Rule 1: the sanitizer keeps structure and plain styles; scripts, handlers, links, forms and every remote address go.
Rule 2: a frame waits in memory for the browser that asked for it, at most a minute, and is handed out once.
"""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import nh3

from readingroom.access.gate import Request as Question
from readingroom.core.errors import UnknownName

WAIT: Final = timedelta(minutes=1)
MOST: Final = 64  # frames waiting at once, over all reviewers
_TAGS: Final = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "dd", "div", "dl", "dt", "em", "figcaption"),
    *("figure", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "q", "s", "small"),
    *("span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}
_STYLES: Final = {
    *("color", "background-color", "font-size", "font-weight", "font-style", "text-align", "text-decoration"),
    *("padding", "margin", "border", "width", "white-space"),
}
_ATTRIBUTES: Final = {
    "*": {"style"},
    "td": {"colspan", "rowspan", "align", "style"},
    "th": {"colspan", "rowspan", "align", "style"},
    "table": {"border", "cellpadding", "cellspacing", "style"},
}
_PLACEHOLDER: Final = re.compile(r"\[[A-Z][A-Z_]*(?:_[0-9a-f]{4,})?\]")
# right-to-left and other overrides could turn the neighbouring text: shown, never obeyed
_OVERRIDES: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SUBJECT: Final = "msdyncrm_subject"
_BODY: Final = ("msdyncrm_emailbody", "msdyncrm_textpart")


@dataclass(frozen=True)
class Waiting:
    """A document that waits, and the question to the gate that its item was handed out for."""

    document: str
    question: Question
    until: datetime


class Frames:
    """Frames that wait for their browser. Safe between threads."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._lock = threading.Lock()

    def put(self, document: str, question: Question, *, owner: str, now: datetime, item: str = "") -> None:
        """Let `document` wait for the session `owner`, under the item's id."""
        with self._lock:
            self._waiting = {k: w for k, w in self._waiting.items() if w.until > now}
            while len(self._waiting) >= MOST:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[f"{owner}/{item or question.item}"] = Waiting(document, question, now + WAIT)

    def take(self, item: str, *, owner: str, now: datetime) -> Waiting:
        """What waits under that item for that session; handed out once."""
        with self._lock:
            found = self._waiting.pop(f"{owner}/{item}", None)
        if found is None or found.until <= now:
            raise UnknownName("this frame was shown already or waits no longer; ask for the next item")
        return found


def document(cells: Mapping[str, Any]) -> str:
    """The HTML document of one mail, ready for the sandboxed frame."""
    body = next((str(cells[name]) for name in _BODY if cells.get(name)), "")
    if not body:
        rest = "".join(f"<p>{html.escape(str(v))}</p>" for k, v in cells.items() if v and k != _SUBJECT)
        body = rest or "<p>(empty)</p>"
    clean = nh3.clean(
        body,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        filter_style_properties=_STYLES,
        clean_content_tags={"script", "style", "title", "head"},
        strip_comments=True,
        link_rel=None,
    )
    return shell(clean, title="Anonymized mail")


def shell(clean: str, *, title: str) -> str:
    """A whole document around markup that is clean already, its placeholders marked."""
    clean = _OVERRIDES.sub("\N{REPLACEMENT CHARACTER}", clean)
    marked = _PLACEHOLDER.sub(lambda m: f'<span class="placeholder">{m[0]}</span>', clean)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>' + title + "</title>"
        f'<link rel="stylesheet" href="/static/frame.css"></head><body>{marked}</body></html>'
    )


def plain(text: str) -> str:
    """Text without overrides, for places where it is text."""
    return _OVERRIDES.sub("\N{REPLACEMENT CHARACTER}", text)


def subject(cells: Mapping[str, Any]) -> str:
    """The subject line, without overrides."""
    return plain(str(cells.get(_SUBJECT) or ""))


def facts(cells: Mapping[str, Any], placeholders: Mapping[str, int]) -> dict[str, str]:
    """The strip above the mail: what most decisions need, without scrolling."""
    body = " ".join(str(cells.get(name) or "") for name in _BODY)
    lower = body.lower()
    removed = ", ".join(f"{count} {kind.lower()}" for kind, count in placeholders.items()) or "nothing"
    return {
        "From": str(cells.get("msdyncrm_fromname") or "\N{EN DASH}"),
        "Links": str(lower.count("<a ")),
        "Images": str(lower.count("<img")),
        "Unsubscribe": "yes" if "unsubscribe" in lower or "subscriptioncenter" in lower or "opt out" in lower else "no",
        "Removed": removed,
    }
