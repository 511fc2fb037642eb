"""Addresses of machines: IPv6 and MAC, each read by its grammar."""

from __future__ import annotations

import ipaddress
import re

_MAC = re.compile(r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}")
LONGEST_IPV6 = 45


def is_ipv6(text: str) -> bool:
    """An IPv6 address of three groups or more (folded); `::` and `a::b` are C++ as often."""
    if not 5 <= len(text) <= LONGEST_IPV6 or text.count(":") < 3 or not any(c.isdigit() for c in text):
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def is_mac(text: str) -> bool:
    """A MAC address in one of the three usual forms (folded), not all digits with dashes, which may be a date."""
    return bool(_MAC.fullmatch(text)) and (":" in text or any(c.isalpha() for c in text))
