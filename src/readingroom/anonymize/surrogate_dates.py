"""Dates moved by one number of days, the same everywhere in a run, written as they were.

Rule 1: the time between two dates stays what it was; which days they were is not told without the key.
Rule 2: what cannot be read as a date gets other digits.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from readingroom.anonymize.folding import fold
from readingroom.anonymize.surrogate_draws import Draw

LEAST, MOST = 30, 365  # days
_MONTHS = (
    "january january janvier enero januar gennaio januari",
    "february fevrier febrero februar febbraio februari",
    "march mars marzo marz maart",
    "april avril abril aprile",
    "may mai mayo maggio mei",
    "june juin junio juni giugno",
    "july juillet julio juli luglio",
    "august aout agosto augustus",
    "september septembre septiembre settembre",
    "october octobre octubre oktober ottobre",
    "november novembre noviembre",
    "december decembre diciembre dezember dicembre",
)
_COLUMN = {word: at for line in _MONTHS for at, word in enumerate(line.split())}
_NUMBER = {word: month for month, line in enumerate(_MONTHS, 1) for word in line.split()}
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
_SHORT = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_PARTS = re.compile(r"\d+|[^\W\d_]+")


class MovedDates:
    """Moves dates by the days that a key tells."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        draw = Draw(key, "days", "")
        self._days = (LEAST + draw.below(MOST - LEAST)) * (1 if draw.below(2) else -1)

    def text(self, text: str) -> str:
        """The date moved; other digits where it is none."""
        for form, order in ((_ISO, "ymd"), (_SHORT, "dmy" if "." in text else "mdy")):
            if found := form.search(text):
                made = self._numbers(found, order)
                if made is not None:
                    return text[: found.start()] + made + text[found.end() :]
        return self._words(text) or Draw(self._key, "date", text).shape(text)

    def _numbers(self, found: re.Match[str], order: str) -> str | None:
        parts = [found[1], found[3], found[4]]
        if order == "mdy" and int(parts[0]) > 12:
            order = "dmy"
        elif order == "dmy" and int(parts[1]) > 12:
            order = "mdy"
        values = {name: int(part) for name, part in zip(order, parts, strict=True)}
        year = values["y"]
        full = year if len(parts[order.index("y")]) == 4 else year + (1900 if year > 50 else 2000)
        moved = self._moved(full, values["m"], values["d"])
        if moved is None:
            return None
        shown = {"y": moved.year, "m": moved.month, "d": moved.day}
        widths = dict(zip(order, map(len, parts), strict=True))
        texts = [f"{shown[name] % 10 ** max(widths[name], 2):0{widths[name]}d}" for name in order]
        return found[2].join(texts)

    def _words(self, text: str) -> str | None:
        """`12 March 1980`, `March 12th, 1980`, `12 de marzo de 1980`."""
        parts = [(found[0], found.start(), found.end()) for found in _PARTS.finditer(text)]
        month = next(((w, a, b, _month(w)) for w, a, b in parts if _month(w)), None)
        numbers = [(w, a, b) for w, a, b in parts if w.isdigit()]
        year = next((one for one in numbers if len(one[0]) == 4), None)
        day = next((one for one in numbers if len(one[0]) <= 2), None)
        if month is None or day is None:
            return None
        moved = self._moved(int(year[0]) if year else 2023, month[3], int(day[0]))
        if moved is None:
            return None
        changes = [(month[1], month[2], _named(month[0], moved.month)), (day[1], day[2], str(moved.day))]
        if year:
            changes.append((year[1], year[2], str(moved.year)))
        for start, end, new in sorted(changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _moved(self, year: int, month: int, day: int) -> date | None:
        try:
            return date(year, month, day) + timedelta(days=self._days)
        except (ValueError, OverflowError):
            return None


def _month(word: str) -> int:
    folded = fold(word)
    if folded in _NUMBER:
        return _NUMBER[folded]
    return next((n for name, n in _NUMBER.items() if len(folded) >= 3 and name.startswith(folded)), 0)


def _named(word: str, month: int) -> str:
    """The name of a month in the language and the way of another's."""
    folded = fold(word)
    name = next((full for full in _COLUMN if full == folded or (len(folded) == 3 and full.startswith(folded))), folded)
    language = _COLUMN.get(name, 0)
    names = _MONTHS[month - 1].split()
    made = names[min(language, len(names) - 1)] if language < len(names) else names[0]
    made = made[: len(word)] if len(folded) == 3 else made
    return made.upper() if word.isupper() else made.capitalize() if word[:1].isupper() else made
