"""One error tree; the exit code and the HTTP status of each stand in one table at its end.

ReadingroomError
├── UsageError                 the request itself is wrong (exit 2, HTTP 400)
│   ├── UnknownName            no such tenant, copy, person, … (exit 2, HTTP 404)
│   └── BadSetting             a configuration that cannot be obeyed stops the start (exit 2, HTTP 500)
├── Refusal                    a rule said no; nothing is broken (exit 3, HTTP 403)
│   ├── AccessDenied           the gate said no; carries its reasons (exit 3, HTTP 403)
│   ├── WrongState             the state machine has no such step now (exit 3, HTTP 409)
│   ├── SimulationOnly         only a simulation room may act for another (exit 3, HTTP 403)
│   ├── TooFast                more requests in a minute than one visitor may make (exit 3, HTTP 429)
│   ├── CopyRefused            the copy run ended `refused`; its keys and bytes are gone (exit 3, HTTP 409)
│   └── ReleaseRefused         the release gate said no; carries its reasons (exit 3, HTTP 409)
└── Fault                      something is broken (exit 1, HTTP 500)
    ├── SourceFault            a source cannot be read: code, file, row, column
    ├── StoreFault             an object store failed
    │   ├── ObjectMissing      no such object
    │   └── ObjectExists       create-if-absent found something
    ├── KeyFault               a key is missing, destroyed, or not for this role
    ├── SealFault              a part is corrupt, swapped, or sealed for another place
    ├── DatabaseFault          a database failed or is of another version
    ├── EventMissing           rule 5: a state change without its event was about to be committed
    └── LogFault               the Merkle log does not verify

No message of this tree holds a personal value: positions, kinds, counts and names of files, tables and columns only.
Foreign errors carry values in their text, so they are re-raised as one of these, `from None`.
"""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override


class ReadingroomError(Exception):
    """Root of every error that Readingroom raises on purpose."""


class UsageError(ReadingroomError):
    """The request itself is wrong; the message says what to do instead."""


class UnknownName(UsageError):  # noqa: N818 - reads as what happened, like the rest of the tree
    """Nothing of that name is here."""


class BadSetting(UsageError):  # noqa: N818 - reads as what happened, like the rest of the tree
    """A setting cannot be obeyed; nothing starts on a broken configuration (rule 2)."""


class Refusal(ReadingroomError):  # noqa: N818 - reads as what happened, like the rest of the tree
    """A rule said no. `reasons` says which, each as a short sentence."""

    def __init__(self, message: str, *, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons


class AccessDenied(Refusal):
    """The gate denied the request."""


class WrongState(Refusal):
    """The state machine has no such step from the present state."""


class SimulationOnly(Refusal):
    """Acting for another person and moving the clock exist in simulation rooms only."""


class TooFast(Refusal):
    """More requests in a minute than one visitor may make; `seconds` says how long to wait."""

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class CopyRefused(Refusal):
    """The copy run ended in `refused`: keys and bytes were destroyed in the same step."""


class ReleaseRefused(Refusal):
    """The release gate refused a model."""


class Fault(ReadingroomError):  # noqa: N818 - reads as what happened, like the rest of the tree
    """Something is broken; nothing was half-done."""


@dataclass(frozen=True)
class Position:
    """Where in a source something is wrong; never what stands there."""

    file: str
    table: str = ""
    row: int | None = None
    column: str = ""

    @override
    def __str__(self) -> str:
        """`file, row 3, column "x"`, as far as known."""
        parts = [self.file or self.table]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column:
            parts.append(f'column "{self.column}"')
        return ", ".join(parts)


class SourceFault(Fault):
    """A source cannot be read; `code` is stable, `position` says where."""

    def __init__(self, code: str, position: Position, advice: str) -> None:
        super().__init__(f"{position}: {code}: {advice}")
        self.code = code
        self.position = position
        self.advice = advice


class StoreFault(Fault):
    """An object store failed."""


class ObjectMissing(StoreFault):
    """No such object."""


class ObjectExists(StoreFault):
    """Create-if-absent found an object of that path."""


class KeyFault(Fault):
    """A key is missing, destroyed, or wrapped for another role."""


class SealFault(Fault):
    """A part does not open: corrupt, swapped, or bound to another place, tenant, copy or position."""


class DatabaseFault(Fault):
    """A database failed, or its schema is of another version."""


class EventMissing(Fault):
    """Rule 5: a state change was about to be committed without its event."""


class LogFault(Fault):
    """The Merkle log, a checkpoint or a proof does not verify."""


# exit code, HTTP status; the nearest class in the method resolution order counts
STATUS: dict[type[BaseException], tuple[int, int]] = {
    ReadingroomError: (1, 500),
    UsageError: (2, 400),
    UnknownName: (2, 404),
    BadSetting: (2, 500),
    Refusal: (3, 403),
    WrongState: (3, 409),
    TooFast: (3, 429),
    CopyRefused: (3, 409),
    ReleaseRefused: (3, 409),
    Fault: (1, 500),
}


def exit_code(error: BaseException) -> int:
    """The exit code that STATUS gives to `error` (1 for anything foreign)."""
    return _status(error)[0]


def http_status(error: BaseException) -> int:
    """The HTTP status that STATUS gives to `error` (500 for anything foreign)."""
    return _status(error)[1]


def _status(error: BaseException) -> tuple[int, int]:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), (1, 500))
