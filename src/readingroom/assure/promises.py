"""The promises of the notice, in our own words: who enforces each, and what kind of evidence there is for it. Data.

The kinds: `recomputed` (a verifier needs the published log, signatures and hashes only), `observed` (looked at on the
running room just now), `attested` (somebody says so and signs it; the row says how a lie would be noticed).
Ids never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """What the evidence of a promise rests on."""

    RECOMPUTED = "recomputed"
    OBSERVED = "observed"
    ATTESTED = "attested"


@dataclass(frozen=True)
class Promise:
    """One sentence of the notice that binds somebody."""

    id: str
    text: str
    enforced_by: tuple[str, ...]  # the rooms (packages) where the data flows
    kind: Kind
    how_a_lie_shows: str = ""  # of attested ones


_R, _O, _A = Kind.RECOMPUTED, Kind.OBSERVED, Kind.ATTESTED

_ALL: Final = (
    Promise(
        "P01",
        "A notice with both exhibits comes before opt-in; every version is kept word for word.",
        ("engagement",),
        _R,
    ),
    Promise(
        "P02",
        "Outside the engagement, from opt-in until its end, no copy is made and nobody at the vendor reads.",
        ("engagement", "copies", "access"),
        _R,
    ),
    Promise(
        "P03",
        "The customer may leave at any time: by the switch at once, or by e-mail with 30 days' notice; no copy lives "
        "past that date.",
        ("engagement", "copies"),
        _R,
    ),
    Promise(
        "P04",
        "Being contacted is a permission of its own; contacts go to the administrator, periodically, while it is on.",
        ("engagement",),
        _R,
    ),
    Promise(
        "P05",
        "Suspending, resuming or leaving changes nothing else for the customer.",
        ("engagement",),
        _A,
        "another agreement, fee or service that changed would show at the customer, beside its receipts",
    ),
    Promise(
        "P06",
        "The vendor may end the engagement; for the data that is the same as the customer leaving.",
        ("engagement", "copies"),
        _R,
    ),
    Promise(
        "P07",
        "Taking part is free for both sides.",
        ("engagement",),
        _A,
        "an invoice would contradict the notice that the customer's receipt names by its hash",
    ),
    Promise("P08", "Feedback is voluntary, kept with its licence terms and its giver's warranty.", ("engagement",), _R),
    Promise(
        "P09",
        "Customer data stays the customer's and confidential, improvements are the vendor's; everything says which.",
        ("copies", "review", "models"),
        _O,
    ),
    Promise("P10", "The customer can see how its data is used.", ("web", "audit"), _R),
    Promise(
        "P11",
        "Marketing Data: contacts and marketing activity, and contacts' behaviour, and nothing else.",
        ("sources", "copies"),
        _R,
    ),
    Promise("P12", "Query Data: users' queries, their telemetry and results.", ("sources", "copies"), _R),
    Promise("P13", "Data Schema: names of tables and columns and no data.", ("sources", "copies"), _R),
    Promise("P14", "A reviewer sees anonymized data only.", ("anonymize", "copies", "access"), _R),
    Promise(
        "P15",
        "Copies of Marketing and Query Data are gone after 30 days, everywhere.",
        ("copies", "keys", "stores"),
        _O,
    ),
    Promise(
        "P16",
        "Every copy keeps the tags by which a data subject's request can be answered.",
        ("copies", "subjects"),
        _O,
    ),
    Promise("P17", "Copies and what is derived from them stay in the geo of the source.", ("stores", "db"), _O),
    Promise("P18", "Copies are kept apart by tenant.", ("stores", "keys"), _O),
    Promise(
        "P19",
        "Nothing of a tenant's is shared outside its environment.",
        ("stores", "review", "web"),
        _A,
        "an export would need code: none of the commands and routes has one, and every read is an event in the log",
    ),
    Promise("P20", "No more people than necessary have access.", ("access",), _R),
    Promise("P21", "Review happens on secure access workstations only.", ("access",), _R),
    Promise("P22", "Access only as needed: every grant has a business justification.", ("access",), _O),
    Promise("P23", "Use for the purposes of the engagement only.", ("access", "models"), _R),
    Promise(
        "P24",
        "Schemas are kept in the United States for up to 12 months and may be combined.",
        ("stores", "copies"),
        _O,
    ),
    Promise("P25", "Schemas may lie on lower systems: so their place holds nothing else.", ("stores",), _O),
    Promise("P26", "No personal data stands in any schema.", ("anonymize", "copies"), _R),
    Promise("P27", "A subprocessor's people only if it is on the published list.", ("access",), _O),
    Promise(
        "P28",
        "Eligibility is current: screening, security training, confidentiality, access approval.",
        ("access",),
        _O,
    ),
    Promise("P29", "Access is watched; what is unused or unjustified is taken away.", ("access",), _O),
    Promise(
        "P30",
        "People review the data to build, validate and improve the models of the named services.",
        ("review", "models"),
        _O,
    ),
    Promise("P31", "No customer data is contained in any model.", ("models",), _R),
    Promise("P32", "Spam checker and send-time scheduler get better from aggregate patterns.", ("models",), _O),
    Promise("P33", "New models for new features can be derived.", ("models",), _O),
    Promise("P34", "GDPR requests can be made and are answered in time.", ("subjects",), _R),
    Promise("P35", "After the customer left its data is used no more.", ("engagement", "copies"), _R),
)

PROMISES: Final[Mapping[str, Promise]] = MappingProxyType({promise.id: promise for promise in _ALL})
