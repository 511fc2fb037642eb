"""A purge certificate: what is destroyed, what is only scheduled and until when, and what remains. Verified offline.

`document` is JSON `{"certificate": {…}, "key": hex, "signature": base64}`: Ed25519 by the worker's key over the
RFC 8785 bytes of the certificate. The Merkle root is RFC 6962's over the canonical JSON of each object listed.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from readingroom.audit.merkle import leaf_hash, root_of
from readingroom.copies.destroy import Probes, StoredObject
from readingroom.copies.records import Copy
from readingroom.copies.tables import CERTIFICATES
from readingroom.core.canonical import canonical, parse_object
from readingroom.core.clock import format_instant, parse_instant
from readingroom.core.errors import Refusal, UnknownName, UsageError
from readingroom.core.ids import CopyId
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.keys.signing import verify

FORMAT: Final = "readingroom/purge-certificate/v1"
REMAINS: Final = (
    "labels: they refer to item ids, which lead nowhere now",
    "models: trained under a privacy budget, scanned before release",
    "the log: its commitments to items can be linked to nothing, the salts are gone",
    "the names, counts and hashes in this certificate and on the copy's row",
)


def merkle_root(objects: Sequence[Mapping[str, Any]]) -> str:
    """The RFC 6962 root, in hex, over the objects as listed."""
    return root_of([leaf_hash(canonical(dict(one))) for one in objects]).hex()


def compose(
    copy: Copy, *, limit: datetime, objects: Sequence[StoredObject], probes: Probes, at: datetime
) -> dict[str, Any]:
    """The certificate of a purge that was finished and probed at `at`."""
    listed = [{"path": one.path, "bytes": one.bytes, "sha256": one.sha256, "key": one.key} for one in objects]
    started = copy.purge_started_at or at
    return {
        "format": FORMAT,
        "copy": copy.id,
        "place": copy.place,
        "tenant": copy.tenant,
        "category": copy.category.value,
        "owner": copy.owner,
        "created_at": format_instant(copy.created_at),
        "sealed_at": format_instant(copy.sealed_at or copy.created_at),
        "expires_at": format_instant(copy.expires_at),
        "limit": format_instant(limit),
        "why": copy.reason,
        "purge_started_at": format_instant(started),
        "purged_at": format_instant(at),
        "within_limit": at <= limit,
        "destroyed": {
            "keys": {"names": [one.key for one in objects], "chain": "copy and parts", "by": format_instant(at)},
            "objects": {"count": len(listed), "bytes": sum(one.bytes for one in objects), "listed": listed},
            "merkle_root": merkle_root(listed),
            "rows": "items, parts, objects and salts of the copy",
        },
        "probes": probes.as_json(),
        "scheduled_until": None,  # a file keyring destroys at once; a cloud KMS may only schedule
        "remains": list(REMAINS),
    }


def signed(house: House, certificate: Mapping[str, Any]) -> str:
    """The document: the certificate with this role's signature."""
    signature = b64encode(house.keys.sign(canonical(dict(certificate)))).decode("ascii")
    body = {"certificate": dict(certificate), "key": house.keys.public().hex(), "signature": signature}
    return json.dumps(body, indent=2, sort_keys=True) + "\n"


def read_certificate(house: House, copy: CopyId) -> str:
    """The signed document of a purged copy; UnknownName if there is none."""
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            document = connection.scalar(select(CERTIFICATES.c.document).where(CERTIFICATES.c.copy == copy))
        if document is not None:
            return str(document)
    raise UnknownName(f"no certificate of {copy!r}: it was not purged, or not in the places of this process")


def verify_certificate(document: bytes | str, public: bytes) -> Mapping[str, Any]:
    """The certificate, if it is signed by the holder of `public` and agrees with itself. Needs no room.

    KeyFault: the signature does not verify. Refusal: signed, but it contradicts itself or is out of its limit.
    """
    body = parse_object(document, what="the certificate")
    certificate, signature = body.get("certificate"), body.get("signature")
    if not isinstance(certificate, dict) or not isinstance(signature, str) or certificate.get("format") != FORMAT:
        raise UsageError("this is not a purge certificate of a format that is known here")
    try:
        raw = b64decode(signature, validate=True)
    except ValueError:
        raise UsageError("the certificate's signature is not base64") from None
    verify(public, canonical(certificate), raw)
    reasons = tuple(_contradictions(certificate))
    if reasons:
        raise Refusal("the certificate is signed but does not hold: " + "; ".join(reasons), reasons=reasons)
    return certificate


def _contradictions(certificate: Mapping[str, Any]) -> list[str]:
    try:
        destroyed, probes = certificate["destroyed"], certificate["probes"]
        purged, limit = (parse_instant(certificate[name]) for name in ("purged_at", "limit"))
        checks = (
            (merkle_root(destroyed["objects"]["listed"]) == destroyed["merkle_root"], "the Merkle root is another"),
            (len(destroyed["objects"]["listed"]) == destroyed["objects"]["count"], "the object count is another"),
            (probes["objects_found"] == 0 and probes["keys_found"] == 0, "a probe found something"),
            (certificate["within_limit"] is (purged <= limit), "the instants contradict the word about the limit"),
            (purged <= limit, "it was purged after the limit"),
        )
    except (KeyError, TypeError, UsageError):
        return ["it is incomplete"]
    return [reason for holds, reason in checks if not holds]
