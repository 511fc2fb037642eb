"""What may be done to a column: one word with at most one argument, the same in TOML, on the command line and in code.

Rule 1: there is no treatment "raw": `keep` of a text shows codes that many share, nothing else (engine, P14).
Rule 2: an argument outside the table below is an error, never a default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from typing_extensions import override

from readingroom.core.errors import UsageError


class Action(StrEnum):
    """The verb of a treatment."""

    DROP = "drop"
    KEEP = "keep"
    PSEUDONYM = "pseudonym"
    GENERALIZE = "generalize"
    TEXT = "text"
    HTML = "html"
    URL = "url"
    QUERY = "query"
    JSON = "json"


# `record` is any row id: one id has one pseudonym wherever it stands; contact, lead, user and account say whose it is.
RECORD_KINDS = frozenset({"record", "contact", "lead", "user", "account"})
_ARGUMENTS: dict[Action, frozenset[str]] = {
    Action.PSEUDONYM: RECORD_KINDS | {"email", "phone", "name", "upn", "visitor"},
    # `birth` is a band of ten years, `date` a month, `time` an hour
    Action.GENERALIZE: frozenset({"date", "birth", "place", "number", "time"}),
    # `name` is the name of a table or column, shown only if it holds no person's name (P26)
    Action.QUERY: frozenset({"odata", "fetchxml", "sql", "natural", "auto", "name"}),
}
_FORM = re.compile(r"([a-z]+)(?:\(([a-z]+)\))?")


@dataclass(frozen=True)
class Treatment:
    """One treatment, for example `generalize(date)`."""

    action: Action
    argument: str = ""

    @staticmethod
    def parse(text: str) -> Treatment:
        """The treatment that `text` names; UsageError lists what there is otherwise."""
        form = _FORM.fullmatch(text.strip().lower())
        if form is None or form[1] not in set(Action):
            raise UsageError(f"no such treatment; there are: {', '.join(described())}")
        action, argument = Action(form[1]), form[2] or ""
        allowed = _ARGUMENTS.get(action, frozenset({""}))
        if argument not in allowed:
            raise UsageError(f"{action} must be written as one of: {', '.join(_forms(action))}")
        return Treatment(action, argument)

    @override
    def __str__(self) -> str:
        """As it is written."""
        return f"{self.action}({self.argument})" if self.argument else str(self.action)


def described() -> tuple[str, ...]:
    """Every treatment that can be written."""
    return tuple(form for action in Action for form in _forms(action))


def _forms(action: Action) -> tuple[str, ...]:
    arguments = _ARGUMENTS.get(action)
    return tuple(f"{action}({argument})" for argument in sorted(arguments)) if arguments else (str(action),)
