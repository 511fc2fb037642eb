"""Evidence of review and models: labels from views, released models with card, gate and budget (P30-P33)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from readingroom.assure.finding import Finding, count, not_yet, weigh
from readingroom.assure.labelling import labels_as_entered
from readingroom.assure.register import place_leaves, place_rows, room_leaves, rows_of, views
from readingroom.assure.withholding import unqueued
from readingroom.core.canonical import parse_object
from readingroom.core.clock import format_instant
from readingroom.core.errors import ReadingroomError
from readingroom.core.ids import ModelId
from readingroom.engagement.tenants import list_tenants
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.models import artefact, ledger, shelf
from readingroom.models.card import check_card
from readingroom.models.spam_checker import balance
from readingroom.models.states import ModelState
from readingroom.models.tables import LEDGER, MODELS
from readingroom.review.tables import LABELS

_FILES: Final = frozenset({shelf.ARTEFACT, shelf.CARD, shelf.SIGNATURE})
_LABELLED: Final = ("label.recorded", "label.undone")
_OUT: Final = frozenset({ModelState.RELEASED.value, ModelState.RETIRED.value})


def reviewed(house: House) -> Finding:
    """P30: every label was given by somebody to whom the gate had handed that item; models are trained from them."""
    labels = [row for _, row in place_rows(house, LABELS)]
    entered = {leaf.facts["label"] for leaf in place_leaves(house, *_LABELLED)}
    wrong = ["a label that the log names is not there" for _ in entered - {row["id"] for row in labels}]
    wrong += unqueued(house)
    if not labels and not wrong:
        return not_yet("nothing has been labelled")
    shown: dict[tuple[str, str], Any] = {}
    for one in views(house):
        shown.setdefault((one.actor, one.item), one.at)
    wrong += ["a label has no entry in the log" for row in labels if row["id"] not in entered]
    wrong += [
        "a label was given to an item that its author was not shown"
        for row in labels
        if (row["actor"], row["item"]) not in shown or shown[row["actor"], row["item"]] > row["at"]
    ]
    models = rows_of(house.db, MODELS)
    lineage = {leaf.facts["model"] for leaf in room_leaves(house, "model.trained")}
    wrong += ["a model's training is not in the log" for row in models if row["id"] not in lineage]
    entries = labels_as_entered(house)
    wrong += entries.wrong
    people = len({row["actor"] for row in labels})
    said = f"{count(len(labels), 'label')} by {count(people, 'person', 'people')}, each after a view; "
    said += f"{entries.opened} as committed to in the log"
    said += f", {entries.sealed} of purged copies no longer to be opened; " if entries.sealed else "; "
    said += count(len(models), "model")
    return weigh(wrong, shown=said, lacks="" if models else "no model was trained from them yet")


def no_data(house: House) -> Finding:
    """P31: every released model passed the gate, has its budget in the ledger, a signed card, and is numbers only."""
    rows = rows_of(house.db, MODELS)
    known = {row["id"] for row in rows}
    wrong = list(_shelf(house, known))
    released = [row for row in rows if row["state"] in _OUT]
    out = {leaf.facts["model"] for leaf in room_leaves(house, "model.released")}
    wrong += ["a released model is not there" for _ in out - {row["id"] for row in released}]
    if not released and not wrong:
        return not_yet("no model has been released")
    logged = {leaf.facts["model"]: leaf.facts["sha256"] for leaf in room_leaves(house, "model.released")}
    gated = {leaf.facts["model"]: leaf.facts for leaf in room_leaves(house, "model.gated")}  # the last of each
    spent = {(row["tenant"], row["model"]): row for row in rows_of(house.db, LEDGER)}
    for row in rows:
        wrong += _file(house, row)
    for row in released:
        if logged.get(row["id"]) != row["sha256"]:
            wrong.append("a released model is not the one that the log names")
        if not _passed(row, gated.get(row["id"])):
            wrong.append("a released model has not passed the gate")
        if row["released_actor"] in {None, row["trained_actor"]}:
            wrong.append("a model was not released by a second person")
        wrong += _unbudgeted(row, spent)
        wrong += _card(house, row)
    balances = [balance(house, tenant.name) for tenant in list_tenants(house)]
    most = max((one.epsilon_released for one in balances), default=0.0)
    wrong += ["the lifetime budget is overspent"] if most > ledger.LIFETIME.epsilon else []
    shown = f"{count(len(released), 'released model')}: gate passed, card signed, file = log, numbers only; "
    return weigh(wrong, shown=f"{shown}lifetime ε {most:.2f} of {ledger.LIFETIME.epsilon:g} per person")


def _passed(row: Mapping[str, Any], entry: Mapping[str, Any] | None) -> bool:
    """Whether the gate said yes to this very file, by the row and by the log; without checks nothing has passed."""
    checks = row["gate"].get("checks") or ()
    said = row["gate"].get("passed") is True and bool(checks) and all(check["passed"] is True for check in checks)
    return said and entry is not None and entry["passed"] is True and entry["sha256"] == row["sha256"]


def _shelf(house: House, known: set[str]) -> Iterator[str]:
    """Whatever else lies among the models: nobody looked at it."""
    root = house.settings.root / "models"
    for path in sorted(root.rglob("*")) if root.is_dir() else []:
        if not path.is_dir() and not _expected(path.relative_to(root), known):
            yield "a file among the models is no part of one"


def _expected(path: Path, known: set[str]) -> bool:
    return len(path.parts) == 2 and path.parts[0] in known and path.parts[1] in _FILES


def _file(house: House, row: Mapping[str, Any]) -> Iterator[str]:
    try:
        data = shelf.get(house, ModelId(row["id"]), shelf.ARTEFACT)
        if artefact.sha256(data) != row["sha256"]:
            yield "a model's file is not the one that was trained"
        artefact.decode(data)  # one public header and floats: no pickle, no archive, no text (rule 2 of artefact)
    except ReadingroomError:
        yield "a model's file is not a model"


def _unbudgeted(row: Mapping[str, Any], spent: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[str]:
    said = row["record"].get("budget") or {}
    for tenant in row["record"]["tenants"]:
        entry = spent.get((tenant, row["id"]))
        if not said or entry is None or not entry["released"]:
            yield "a released model has no budget in the ledger"
        elif (entry["epsilon"], entry["delta"]) != (said["epsilon"], said["delta"]):
            yield "a model's budget is not the one in the ledger"


def _card(house: House, row: Mapping[str, Any]) -> Iterator[str]:
    model = ModelId(row["id"])
    try:
        data, signature = shelf.get(house, model, shelf.CARD), shelf.get(house, model, shelf.SIGNATURE)
        role = Role(parse_object(data, what="a model card")["signed_by"])
        card = check_card(data, signature, house.keys.public(role))
    except ReadingroomError:
        yield "a model's card does not verify"
        return
    said = card["model"]
    if said["sha256"] != row["sha256"]:
        yield "a card is another model's"
    if any(said[name] != value for name, value in _carded(row).items()) or not _budget_carded(said, row):
        yield "a model's record is not the one on its signed card"


def _carded(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the signed card of a released model says, as its row has it; its state may have moved on since."""
    record = row["record"]
    same = ("id", "kind", "purpose", "owner", "confidentiality", "manifest", "plan", "gate")
    times = {name: row[name] and format_instant(row[name]) for name in ("trained_at", "gated_at", "released_at")}
    told = {"tenants": record["tenants"], "data": record["counts"], "held_out": record["held_out"]}
    told |= {"secure_noise": record["secure_noise"]}
    people = {"trained_by": row["trained_actor"], "released_by": row["released_actor"]}
    return {name: row[name] for name in same} | times | told | people


def _budget_carded(said: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return all(said["budget"].get(name) == value for name, value in (row["record"]["budget"] or {}).items())


def better(house: House) -> Finding:
    """P32: the spam checker's held-out figures; the scheduler is not there yet."""
    out = [row for row in rows_of(house.db, MODELS) if row["state"] == ModelState.RELEASED.value]
    if not out:
        return not_yet("no model has been released")
    latest = max(out, key=lambda row: row["released_at"])
    figures = ", ".join(f"{name} {value:.3g}" for name, value in _figures(latest["record"]["held_out"]))
    lacks = "a comparison with the model before it, and the send-time scheduler"
    return weigh((), shown=f"spam checker, held out: {figures or 'no figure'}", lacks=lacks)


def _figures(held_out: Any) -> list[tuple[str, float]]:
    if not isinstance(held_out, dict):
        return []
    return [(name, value) for name, value in held_out.items() if isinstance(value, float)]


def new_models(_house: House) -> Finding:
    """P33: no model of a new kind is there yet."""
    return not_yet("schema classifier and query assist are not built yet")
