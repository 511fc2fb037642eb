"""The plan of a table: for every column one treatment, or the reason why it is withheld.

Rule 1: a plan comes from names and decisions alone; no cell is looked at.
Rule 2: every column of the table is in the plan once: treated, or withheld with a reason (empty means no).
Rule 3: a decision may make a shipped treatment stricter; it never shows what the classification hides (P14).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from readingroom.anonymize.classification import Classification, TableRules, shipped
from readingroom.anonymize.treatments import RECORD_KINDS, Action, Treatment
from readingroom.core.errors import UsageError

NOT_LISTED = "table not on the list"
TRIGGER = "erasure trigger: its rows are carried out, not copied"
NO_RULE = "no rule for this column: confirm a treatment or leave it withheld"
BY_DECISION = "withheld by decision"


@dataclass(frozen=True)
class ColumnPlan:
    """What happens to one column, what its cells identify, and whom an erasure by them reaches.

    `kind` is the kind of identifier in the cells (empty: none); `role` is `row` (the whole row belongs to that
    person), `span` (the cell mentions the person), `result` (a returned record) or empty (no tag).
    """

    name: str
    treatment: Treatment
    origin: str
    type: str = ""
    kind: str = ""
    role: str = ""

    @property
    def shown(self) -> bool:
        """Whether the column is in the copy."""
        return self.treatment.action is not Action.DROP


@dataclass(frozen=True)
class TablePlan:
    """What happens to one table; `allowed` False means that no row of it is copied, for `reason`."""

    table: str
    store: str
    allowed: bool
    reason: str = ""
    columns: tuple[ColumnPlan, ...] = ()
    withheld: tuple[tuple[str, str], ...] = ()
    record: str | None = None
    subject: str | None = None
    author: str | None = None
    person: str = ""
    item_kind: str | None = None
    quasi: tuple[str, ...] = ()
    pairs: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[ColumnPlan, ...]:
        """The columns of the copy, in order."""
        return tuple(column for column in self.columns if column.shown)

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that the engine reads: shown, or dropped but needed to know whose row it is."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ColumnPlan | None:
        """The plan of the column of that name (any case), if it is treated."""
        key = name.lower()
        return next((column for column in self.columns if column.name.lower() == key), None)


def classify(
    table: str,
    store: str,
    columns: Sequence[tuple[str, str]],
    *,
    decisions: Mapping[str, str] | None = None,
    classification: Classification | None = None,
) -> TablePlan:
    """The plan of a table with these (name, type) columns under a tenant's column decisions.

    `decisions` maps `TABLE.COLUMN` to a treatment or to `withhold`. UsageError when one of them would show what the
    classification hides, or is no treatment.
    """
    known = classification or shipped()
    rules = known.table(table, store)
    if rules.trigger:
        return TablePlan(table, store, allowed=False, reason=TRIGGER)
    if store == "schema":
        return _schema_plan(table, columns, rules)
    decided = _decisions(table, decisions or {})
    plans: list[ColumnPlan] = []
    withheld: list[tuple[str, str]] = []
    for name, declared in columns:
        found = _treat(known, (table, store, name), known_table=rules.known, decision=decided.get(name.lower()))
        if isinstance(found, str):
            withheld.append((name, found))
        else:
            plans.append(_column(known, rules, name=name, declared=declared, found=found))
    if not rules.known and not plans:
        return TablePlan(table, store, allowed=False, reason=NOT_LISTED, withheld=tuple(withheld))
    return _plan((table, store), rules, plans=tuple(plans), withheld=tuple(withheld))


def _decisions(table: str, decisions: Mapping[str, str]) -> dict[str, str]:
    prefix = f"{table.lower()}."
    return {key.lower().removeprefix(prefix): v for key, v in decisions.items() if key.lower().startswith(prefix)}


def _treat(
    known: Classification, where: tuple[str, str, str], *, known_table: bool, decision: str | None
) -> tuple[Treatment, str] | str:
    """Treatment and origin, or the reason for withholding."""
    table, store, column = where
    default = known.treatment(table, store, column=column) if known_table else None
    if decision is None:
        return default or (NO_RULE if known_table else NOT_LISTED)
    if decision == "withhold":
        return BY_DECISION
    chosen = Treatment.parse(decision)
    check_decision(default[0] if default else None, chosen, column=f"{table}.{column}")
    return chosen, "confirmed"


# what a decision may choose instead of a shipped treatment without showing more than it does
_STRICTER: Mapping[Action, frozenset[Action]] = {
    Action.DROP: frozenset({Action.DROP}),
    Action.PSEUDONYM: frozenset({Action.DROP, Action.PSEUDONYM}),
    Action.GENERALIZE: frozenset({Action.DROP, Action.GENERALIZE, Action.PSEUDONYM}),
    Action.KEEP: frozenset(Action),
    Action.TEXT: frozenset({Action.DROP, Action.PSEUDONYM, Action.TEXT, Action.HTML, Action.URL, Action.JSON}),
    Action.HTML: frozenset({Action.DROP, Action.PSEUDONYM, Action.TEXT, Action.HTML}),
    Action.URL: frozenset({Action.DROP, Action.PSEUDONYM, Action.TEXT, Action.URL}),
    Action.QUERY: frozenset({Action.DROP, Action.PSEUDONYM, Action.TEXT, Action.QUERY}),
    Action.JSON: frozenset({Action.DROP, Action.PSEUDONYM, Action.TEXT, Action.JSON}),
}


def check_decision(default: Treatment | None, chosen: Treatment, *, column: str) -> None:
    """Raise UsageError when `chosen` would show more of the column than the shipped treatment `default`."""
    if default is None or chosen == default:
        return
    if chosen.action not in _STRICTER[default.action] or chosen.action is default.action is Action.GENERALIZE:
        raise UsageError(f"{column} ships as {default}; a decision may only make that stricter (P14)")


def _column(
    known: Classification, rules: TableRules, *, name: str, declared: str, found: tuple[Treatment, str]
) -> ColumnPlan:
    treatment, origin = found
    key = name.lower()
    role = "row" if key in rules.row else "result" if key in rules.result else "span" if key in rules.span else ""
    if not role and rules.item != "query" and treatment.argument in RECORD_KINDS - {"record"}:
        role = "span"
    kind = _kind(known, key, treatment=treatment)
    return ColumnPlan(name, treatment, origin, declared, kind=kind if role else "", role=role)


# columns of interactions that hold an address or a number, whatever the channel was
_EITHER = frozenset({"recipient", "usercontactpoint"})


def _kind(known: Classification, column: str, *, treatment: Treatment) -> str:
    if treatment.action is Action.PSEUDONYM:
        return "record" if treatment.argument in RECORD_KINDS else treatment.argument
    if column in _EITHER:
        return "contactpoint"
    if column in {"domainname", "userid", "userupn"}:
        return "upn"
    kind = known.kind(column)
    return kind or ("record" if column.endswith("id") else "")


def _plan(
    where: tuple[str, str], rules: TableRules, *, plans: tuple[ColumnPlan, ...], withheld: tuple[tuple[str, str], ...]
) -> TablePlan:
    names = {plan.name.lower(): plan.name for plan in plans}
    record = next((names[key] for key in (*rules.record, "id") if key in names), None)
    subject = next((names[key] for key in rules.row if key in names), None)
    return TablePlan(
        *where,
        allowed=True,
        columns=plans,
        withheld=withheld,
        record=record,
        subject=subject,
        author=names.get(rules.author) or (names.get("ownerid") if rules.author else None),
        person=rules.person,
        item_kind=rules.item or None,
        quasi=tuple(names[key] for key in rules.quasi if key in names),
        pairs={names[a]: names[b] for a, b in rules.pairs.items() if a in names and b in names},
    )


# labels, descriptions, options and defaults are not among them (P13)
_SCHEMA_COLUMNS = frozenset(
    {"tablelogicalname", "tableschemaname", "columnlogicalname", "columnschemaname", "columntype"}
)


def _schema_plan(table: str, columns: Sequence[tuple[str, str]], rules: TableRules) -> TablePlan:
    """Names are checked row by row (schema_names, P26); nothing but names and types is there (P13)."""
    treatment = Treatment(Action.QUERY, "name")
    named = [(name, declared) for name, declared in columns if name.lower() in _SCHEMA_COLUMNS]
    plans = tuple(ColumnPlan(name, treatment, "shipped", declared) for name, declared in named)
    withheld = tuple((name, NO_RULE) for name, _ in columns if name.lower() not in _SCHEMA_COLUMNS)
    return TablePlan(table, "schema", allowed=bool(plans), columns=plans, withheld=withheld, item_kind=rules.item)
