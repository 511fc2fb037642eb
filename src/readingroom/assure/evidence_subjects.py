"""Evidence of the register and of requests: what customers and data subjects can hold us to (P10, P34)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from readingroom.assure.finding import Finding, count, not_yet, weigh
from readingroom.assure.register import VIEWED, Leaf, Seen, place_leaves, place_rows, views
from readingroom.assure.withholding import forgotten, shown_again
from readingroom.audit.verify import verify_all
from readingroom.core.canonical import canonical
from readingroom.core.clock import format_instant
from readingroom.core.errors import KeyFault
from readingroom.engagement.optin import statuses
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.keys.signing import verify
from readingroom.subjects.states import RequestKind, RequestState
from readingroom.subjects.tables import REQUESTS

_MONTH: Final = timedelta(days=30)  # GDPR Art. 12(3)


def register(house: House) -> Finding:
    """P10: every log verifies and agrees with its database; every view has its entry, every entry its view."""
    if not any(status.state for status in statuses(house)):
        return not_yet("no customer has opted in")
    logs = verify_all(house)
    wrong = [f"log {log.origin}: {log.problem}" for log in logs if log.problem]
    entries = {leaf.id: leaf for leaf in place_leaves(house, *VIEWED)}
    seen = {one.event: one for one in views(house)}
    wrong += ["a view has no entry in the log" for one in seen.values() if not _told(one, entries.get(one.event))]
    wrong += ["an entry's view is not there" for identity in entries if identity not in seen]
    lines, pending = sum(log.size for log in logs), sum(log.pending for log in logs)
    wait = f" ({pending} wait for the worker)" if pending else ""
    shown = f"{count(len(logs), 'log')} of {count(lines, 'entry')} verify{wait}; {count(len(seen), 'view')} = entries"
    return weigh(wrong, shown=shown)


def _told(one: Seen, leaf: Leaf | None) -> bool:
    """Whether the entry says what the row says."""
    if leaf is None:
        return False
    facts = leaf.facts
    said = (leaf.tenant, leaf.copy, leaf.actor, facts["purpose"], facts["action"], facts.get("workstation", ""))
    return (
        said == (one.tenant, one.copy, one.actor, one.purpose, one.action, one.workstation) and leaf.place == one.place
    )


def requests(house: House) -> Finding:
    """P34: every request was answered before it was due, with a signed receipt that the log agrees with."""
    rows = [row for _, row in place_rows(house, REQUESTS)]
    now = house.clock.now()
    erased = {(leaf.tenant, leaf.facts["request"]): leaf for leaf in place_leaves(house, "subject.erased")}
    entered = place_leaves(house, "subject.erasure_accepted", "subject.found")
    accepted = {(leaf.tenant, leaf.facts["request"]) for leaf in entered}
    known = {(row["tenant"], row["id"]) for row in rows}
    wrong = ["a request that was accepted is not in the register" for key in accepted if key not in known]
    wrong += [*forgotten(house), *shown_again(house)]
    if not rows and not wrong:
        return not_yet("no request has been made")
    for row in rows:
        done = row["done_at"]
        if row["due_at"] > row["received_at"] + _MONTH:
            wrong.append("a request is due later than a month after it came")
        if (done or now) > row["due_at"]:
            wrong.append("a request was not answered in time")
        if row["state"] == RequestState.DONE.value and row["kind"] != RequestKind.FIND.value:
            wrong += _unproved(house, row, erased.get((row["tenant"], row["id"])))
    answered = sum(row["state"] == RequestState.DONE.value for row in rows)
    shown = (
        f"{count(len(rows), 'request')}, {answered} answered, all within their month; receipts signed and in the log"
    )
    return weigh(wrong, shown=shown, lacks="restriction, objection, rectification and export are not built yet")


def _unproved(house: House, row: Mapping[str, Any], leaf: Leaf | None) -> Iterator[str]:
    """What is wrong with the receipt of an erasure."""
    receipt = row["receipt"]
    if not receipt:
        yield "an answered request has no receipt"
        return
    try:
        role = Role(receipt["role"])
        verify(house.keys.public(role), canonical(receipt["receipt"]), b64decode(receipt["signature"]))
    except (KeyFault, ValueError):
        yield "a receipt of an erasure does not verify"
        return
    body = receipt["receipt"]
    same = body["request"] == row["id"] and row["done_at"] and body["done_at"] == format_instant(row["done_at"])
    if not same or leaf is None or any(leaf.facts[name] != body[name] for name in ("copies", "rows", "spans")):
        yield "a receipt says something else than the log"
