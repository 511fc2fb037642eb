"""The model card: what a model is for, what it learned from, what it may reveal, and what was not tested.

Rule 1 (P31): counts, numbers and fixed sentences; no word of a customer's, no item, no person.
Rule 2 (P09, P23): whose it is, how it is classed, what for. Rule 3: attacks that were not run are listed as such.
The card is canonical JSON, signed with the role's Ed25519 key; anybody with the public key can check it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from readingroom.core.canonical import canonical, parse_object
from readingroom.keys.signing import verify

GUARANTEE: Final = (
    "Change what all mails of one person say and how they were labelled: the model's numbers change in distribution by "
    "no more than (epsilon, delta). A person is everybody whose identifier was found in a mail, by the tenant's tables."
)
NO_GUARANTEE: Final = (
    "people in none of the tenant's tables, and people whose identifiers were not found in a mail",
    "people who stand only in columns that the model does not read (owner, sender)",
    "the fact that somebody occurs in mails at all, and in how many (the graph is held the same in both worlds)",
    "the fact that a mail got a clear label at all, rather than which (the labelled mails are the same in both worlds)",
    "what one person's mails do to the words shown in other people's mails (the rare-word rule counts over mails)",
    "what many people have in common: that is what the model is meant to learn",
    "the held-out and attack figures on this card, measured on customer mails outside the budget",
)
NOT_RUN: Final = (
    "reconstruction of mails from the weights",
    "attribute inference about one person",
    "RMIA and LiRA with more than the stated number of shadow models",
    "one-run audit by other software (jax-privacy)",
    "attacks that combine several releases (the ledger bounds them)",
    "verification of inclusion or absence by the tenant",
)


def make_card(model: Mapping[str, Any], facts: Mapping[str, Any]) -> bytes:
    """The card's canonical bytes; `model` is the row's public part, `facts` what the gate found."""
    body = {
        "card": "readingroom model card 1",
        "model": dict(model),
        "guarantee": GUARANTEE,
        "no_guarantee_for": list(NO_GUARANTEE),
        "attacks_not_run": list(NOT_RUN),
        "intended_use": "advice to a person who writes a marketing mail: 0-100, bands at 40 and 80, reasons by class",
        "not_for": "decisions about a person; blocking mail without a person",
        **facts,
    }
    return canonical(body)


def check_card(data: bytes, signature: bytes, public: bytes) -> Mapping[str, Any]:
    """The card, if its signature is by the holder of `public`; KeyFault otherwise."""
    verify(public, data, signature)
    return parse_object(data, what="a model card")
