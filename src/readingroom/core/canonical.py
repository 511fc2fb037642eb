"""Canonical JSON (RFC 8785): one value, one sequence of bytes, so that hashes and signatures can be recomputed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from readingroom.core.errors import UsageError


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        raise UsageError("a value has no canonical JSON form (RFC 8785)") from None


def digest(value: Any) -> str:
    """SHA-256, in hex, of the canonical bytes of a JSON value."""
    return hashlib.sha256(canonical(value)).hexdigest()


def parse_object(data: bytes | str, *, what: str) -> Mapping[str, Any]:
    """The JSON object in `data`; an error naming `what`, without its content, otherwise."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise UsageError(f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise UsageError(f"{what} is not a JSON object")
    return value
