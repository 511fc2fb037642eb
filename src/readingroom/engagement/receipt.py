"""Receipts: what was agreed or ended, when, under which notice, signed, and verifiable without us. Pure.

The fields are those of ISO/IEC TS 27560:2023 (consent record information structure) in the terms of the W3C Data
Privacy Vocabulary (https://w3id.org/dpv). The one who agrees is a customer, an organisation and the controller of its
data, not a data subject: that is why the legal basis is the agreement between controller and processor, and why the
person who acted appears as a contact id and never by address.

Rule 1: the signature covers the canonical bytes (RFC 8785) of the whole receipt, under a prefix of its own, so that no
        other thing we sign can pass for a receipt.
Rule 2: a receipt holds no personal value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from readingroom.core.canonical import canonical
from readingroom.core.clock import format_instant
from readingroom.core.errors import KeyFault, LogFault, UsageError
from readingroom.engagement.notice_form import Form
from readingroom.engagement.states import EngagementState, Step
from readingroom.keys.signing import verify

SCHEMA = "ISO/IEC TS 27560:2023"
PREFIX = b"readingroom receipt v1\n"
_CONTEXT = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/eu-gdpr#",
    "readingroom": "urn:readingroom:receipt:",
}
_STATUS = {
    Step.OPT_IN: "dpv:ConsentGiven",
    Step.RESUME: "dpv:ConsentGiven",
    Step.ACCEPT_NOTICE: "dpv:ConsentGiven",
    Step.SUSPEND: "dpv:ConsentUnknown",
    Step.GIVE_NOTICE: "dpv:ConsentWithdrawn",
    Step.OPT_OUT: "dpv:ConsentWithdrawn",
    Step.RUN_OUT: "dpv:ConsentWithdrawn",
    Step.TERMINATE: "dpv:ConsentRevoked",
}
# purpose of the engagement → the DPV purpose it is a case of
_PURPOSES = {
    "subject-request": "dpv:RightsFulfilment",
    "check": "dpv:EnforceSecurity",
    "review": "dpv:ImproveInternalCRMProcesses",
}
_IMPROVE = "dpv:ImproveExistingProductsAndServices"
_DATA = {
    "marketing": ("dpv:PseudonymisedData", "contact information and marketing activity (Marketing Data)"),
    "query": ("dpv:PseudonymisedData", "queries, telemetry and results (Query Data)"),
    "schema": ("dpv:NonPersonalData", "names of tables and columns (Data Schema)"),
}


@dataclass(frozen=True)
class LogHead:
    """Where the customer's log stands when the receipt is made."""

    origin: str
    public_key: str  # C2SP signed-note verifier key: origin+hash+key
    checkpoint: str | None  # the signed checkpoint; None until the worker has opened the log


@dataclass(frozen=True)
class Facts:
    """What a receipt is made of."""

    identity: str
    number: int  # of the tenant's receipts
    tenant: str
    vendor: str
    step: Step
    state: EngagementState
    at: datetime
    began_at: datetime
    ends_at: datetime | None
    indicated_by: str  # a contact id, a pseudonym or a role
    notice_version: int
    notice_sha256: str
    form: Form
    geo: str
    places: Mapping[str, str]  # category → place
    contact_ok: bool
    log: LogHead


def build_receipt(facts: Facts) -> dict[str, Any]:
    """The receipt of one step, unsigned."""
    return {
        "@context": dict(_CONTEXT),
        "@type": "dpv:ConsentReceipt",
        # header (27560: schema version, record id, receipt id, principal id)
        "dct:conformsTo": SCHEMA,
        "dct:identifier": facts.identity,
        "readingroom:record": f"{facts.tenant}/{facts.number}",
        "dct:language": facts.form.language,
        "readingroom:customer": facts.tenant,
        "dpv:hasDataSubject": "dpv:Customer",
        **_processing(facts),
        **_parties(facts),
        **_event(facts),
        "readingroom:log": {
            "readingroom:origin": facts.log.origin,
            "readingroom:publicKey": facts.log.public_key,
            "readingroom:checkpoint": facts.log.checkpoint,
        },
    }


def sign_receipt(receipt: Mapping[str, Any], *, role: str, sign: Callable[[bytes], bytes]) -> dict[str, Any]:
    """The receipt with the signature of the role that issued it."""
    value = base64.b64encode(sign(PREFIX + canonical(receipt))).decode()
    return {"receipt": dict(receipt), "signature": {"algorithm": "Ed25519", "role": role, "value": value}}


def verify_receipt(document: Mapping[str, Any], public_key: bytes) -> None:
    """LogFault unless `document` is a receipt exactly as the holder of `public_key` signed it; needs nothing else."""
    receipt, signature = document.get("receipt"), document.get("signature")
    if not isinstance(receipt, dict) or not isinstance(signature, dict) or set(document) != {"receipt", "signature"}:
        raise LogFault("this is not a receipt")
    try:
        value = base64.b64decode(str(signature.get("value")), validate=True)
    except (binascii.Error, ValueError):
        raise LogFault("the receipt's signature is not readable") from None
    if signature.get("algorithm") != "Ed25519":
        raise LogFault("the receipt's signature is of an unknown kind")
    try:
        verify(public_key, PREFIX + canonical(receipt), value)
    except (KeyFault, UsageError):
        raise LogFault("the receipt's signature does not verify") from None


def _processing(facts: Facts) -> dict[str, Any]:
    days = facts.form.retention_days
    return {
        "dpv:hasNotice": {
            "@type": "dpv:ConsentNotice",
            "readingroom:version": facts.notice_version,
            "readingroom:sha256": facts.notice_sha256,
            "dct:title": facts.form.title,
        },
        "dpv:hasLegalBasis": "dpv:ControllerProcessorAgreement",
        "dpv:hasPurpose": [
            {
                "@type": _PURPOSES.get(purpose.id, _IMPROVE),
                "dct:identifier": purpose.id,
                "dct:description": purpose.text,
            }
            for purpose in facts.form.purposes  # P23
        ],
        "dpv:hasPersonalData": [
            {
                "@type": kind,
                "dct:identifier": category,
                "dct:description": words,
                "dpv:hasStorageCondition": {
                    "dpv:hasLocation": {"readingroom:place": facts.places[category]},  # P17, P24
                    "dpv:hasDuration": f"P{days[category]}D",  # P15, P24
                },
            }
            for category, (kind, words) in _DATA.items()
        ],
        "dpv:hasProcessing": ["dpv:Copy", "dpv:Anonymise", "dpv:Store", "dpv:Consult", "dpv:Analyse", "dpv:Erase"],
        "dpv:hasHumanInvolvement": "dpv:HumanInvolved",  # P30
        "dpv:hasJurisdiction": facts.geo,
        "dpv:hasRight": ["eu-gdpr:A15", "eu-gdpr:A16", "eu-gdpr:A17", "eu-gdpr:A18", "eu-gdpr:A20", "eu-gdpr:A21"],
    }


def _parties(facts: Facts) -> dict[str, Any]:
    return {
        "dpv:hasDataController": {"@type": "dpv:DataController", "dct:title": facts.tenant},
        "dpv:hasDataProcessor": {
            "@type": "dpv:DataProcessor",
            "dct:title": facts.vendor,
            "dpv:hasContact": facts.form.contact_email,
        },
        "dpv:hasRecipient": "people of the processor, and of subprocessors on its published list (P27)",
        "dpv:hasConsentControl": {  # the withdrawal method
            "@type": "dpv:WithdrawConsent",
            "dct:description": "the data sharing switch in the portal, at once",
            "readingroom:mail": facts.form.contact_email,
            "readingroom:noticeDays": facts.form.opt_out_notice_days,  # P03
        },
    }


def _event(facts: Facts) -> dict[str, Any]:
    return {
        "dpv:hasConsentStatus": {
            "@type": _STATUS[facts.step],
            "readingroom:step": facts.step.value,
            "readingroom:state": facts.state.value,
            "dpv:isIndicatedAtTime": format_instant(facts.at),
            "dpv:isIndicatedBy": facts.indicated_by,
            "dpv:hasIndicationMethod": "dpv:ExplicitlyExpressedConsent",
        },
        "dpv:hasDuration": {
            "readingroom:from": format_instant(facts.began_at),
            "readingroom:until": format_instant(facts.ends_at) if facts.ends_at else None,  # None: open
        },
        "readingroom:contactPermission": facts.contact_ok,  # P04
    }
