"""Duties that come with time: recover, end, purge, expire, watch, answer triggers, and write it all to the Merkle log.

Each duty opens the house in its own role (least privilege). A round is idempotent, two workers at once take turns, and
a duty that fails is reported and retried in the next round without keeping the others from their work: a purge must
not wait for a broken mail queue. In a simulation room `advance` moves the clock, stops at every deadline on the way and
does that day's duties (rule 6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from readingroom.access.grants import deadlines as grant_deadlines
from readingroom.access.grants import expire_due
from readingroom.access.monitor import monitor
from readingroom.access.people import forget_people
from readingroom.audit.sequencer import sequence_all
from readingroom.bootstrap import only_one, open_house, simulated_clock
from readingroom.copies.purge import purge_all, purge_deadlines, purge_due
from readingroom.copies.recover import recover
from readingroom.core.errors import ReadingroomError
from readingroom.engagement.feedback import seal_open_feedback
from readingroom.engagement.mirror import refresh
from readingroom.engagement.optin import deadlines as engagement_deadlines
from readingroom.engagement.optin import end_due, statuses
from readingroom.engagement.states import EngagementState
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.operations.heartbeat import beat
from readingroom.review.flag import deadlines as flag_deadlines
from readingroom.review.ordering import end_tasks, order_queues
from readingroom.subjects.asks import deadlines as ask_deadlines
from readingroom.subjects.duties import carry_out
from readingroom.subjects.requests import deadlines as request_deadlines


@dataclass(frozen=True)
class Duty:
    """One duty: its name, the role it runs in, and what it did, a line each."""

    name: str
    role: Role
    act: Callable[[House], list[str]]


@dataclass(frozen=True)
class Stop:
    """One deadline that a simulated clock stopped at, and what was done there."""

    at: datetime
    why: str
    done: tuple[str, ...]


@dataclass(frozen=True)
class Round:
    """What one round of duties did, and which duties failed."""

    done: tuple[str, ...]
    failed: tuple[str, ...]


def _recover(house: House) -> list[str]:
    found = recover(house)
    lines = [f"recovered: copy {copy} refused, its process had died" for copy in found.refused]
    lines += [f"recovered: purge of {copy} finished" for copy in found.purged]
    counts = {"rewrites": found.rewrites, "keys": found.keys, "objects": found.objects}
    return lines + [f"recovered: {count} {what}" for what, count in counts.items() if count]


def _engagements(house: House) -> list[str]:
    mirrored = [f"mirror of {tenant} brought in line" for tenant in refresh(house)]
    ended = [f"engagement of {tenant} ended" for tenant in end_due(house)]
    count = seal_open_feedback(house)
    return mirrored + ended + ([f"{count} entries of feedback sealed"] if count else [])


def _purge_ended(house: House) -> list[str]:
    ended = [one.tenant for one in statuses(house) if one.state is EngagementState.ENDED]
    return [
        f"purged {c['copy']} of {tenant}" for tenant in ended for c in purge_all(house, tenant, why="engagement ended")
    ]


def _purge(house: House) -> list[str]:
    return [f"purged {c['copy']} of {c['tenant']}: its time was up" for c in purge_due(house)]


def _grants(house: House) -> list[str]:
    count = expire_due(house)
    return [f"{count} requests or grants expired"] if count else []


def _watch(house: House) -> list[str]:
    return [f"access: {alert.kind.value}" for alert in monitor(house)]


def _flags(house: House) -> list[str]:
    now = house.clock.now()
    return [f"overdue: {why}" for at, why in flag_deadlines(house) if at < now]


def _queues(house: House) -> list[str]:
    ended, ordered = end_tasks(house), order_queues(house)
    return [
        f"{count} tasks {what}" for count, what in ((ended, "of purged copies ended"), (ordered, "ordered")) if count
    ]


def _forget(house: House) -> list[str]:
    count = forget_people(house)
    return [f"{count} people forgotten"] if count else []


def _subjects(house: House) -> list[str]:
    return [f"data subjects: {line}" for line in carry_out(house)]


def _sequence(house: House) -> list[str]:
    count = sequence_all(house)
    return [f"{count} events written to the log"] if count else []


# purges come before everything that could fail for other reasons; the log comes last, to hold the round's own events
DUTIES = (
    Duty("recover", Role.WORKER, _recover),
    Duty("engagements", Role.WORKER, _engagements),
    Duty("purge what ended", Role.WORKER, _purge_ended),
    Duty("purge what is due", Role.WORKER, _purge),
    Duty("expire grants", Role.WORKER, _grants),
    Duty("watch access", Role.WORKER, _watch),
    Duty("data subjects", Role.SUBJECTS, _subjects),
    Duty("queues", Role.WORKER, _queues),
    Duty("flags on time", Role.WORKER, _flags),
    Duty("forget people", Role.WORKER, _forget),
    Duty("sequence the log", Role.WORKER, _sequence),
)


def run_round(root: Path) -> Round:
    """Do every duty once; a failed one is named, and the others are done all the same."""
    done: list[str] = []
    failed: list[str] = []
    with ExitStack() as opened:  # what was opened is closed when the next cannot be
        houses = {
            role: opened.enter_context(closing(open_house(root, role)))
            for role in sorted({duty.role for duty in DUTIES})
        }
        with only_one(houses[Role.WORKER], "worker"):
            for duty in DUTIES:
                try:
                    done += duty.act(houses[duty.role])
                except ReadingroomError as error:
                    failed.append(f"{duty.name}: {error}")
        now = houses[Role.WORKER].clock.now()
    beat(root, now, [line.split(":")[0] for line in failed])
    return Round(tuple(done), tuple(failed))


def advance(root: Path, span: timedelta) -> list[Stop]:
    """Move a simulation room's clock by `span`, stopping at each deadline on the way to do that day's duties."""
    stops: list[Stop] = []
    with closing(open_house(root, Role.WORKER)) as house:
        clock = simulated_clock(house)
        target = clock.now() + span
        while True:
            now = clock.now()
            ahead = [(at, why) for at, why in _deadlines(house) if now < at <= target]
            if not ahead:
                break
            at = min(ahead)[0]
            whys = sorted({why for instant, why in ahead if instant <= at})
            clock.advance(at - now + timedelta(milliseconds=1))
            stops.append(_stop(root, clock.now(), "; ".join(whys)))
        left = target - clock.now()
        if left > timedelta(0):
            clock.advance(left)
        stops.append(_stop(root, clock.now(), "arrived"))
    return stops


def _stop(root: Path, at: datetime, why: str) -> Stop:
    found = run_round(root)
    return Stop(at, why, (*found.done, *(f"FAILED {line}" for line in found.failed)))


def _deadlines(house: House) -> Iterator[tuple[datetime, str]]:
    yield from engagement_deadlines(house)
    yield from purge_deadlines(house)
    yield from grant_deadlines(house)
    yield from request_deadlines(house)
    yield from ask_deadlines(house)
    yield from flag_deadlines(house)
