"""Secrets: keys of services, wallets of crypto currencies, and what follows `password=` or `token=`.

Rule 1: a wallet is proved by its checksum, a key by a prefix that its issuer gives out and by its length.
Rule 2: an unknown token is a secret only after a word that says so, and if no human would have written it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter

_KEYS = re.compile(
    r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{24,}"
    r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z2-7]{16}|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|key-[0-9a-f]{32}"
    r"|sk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}"
    r"|dop_v1_[0-9a-f]{64}|shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}"
    r"|AC[0-9a-f]{32}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)
LEAST_ENTROPY = 3.0  # bits a sign: English words have less than tokens of twenty signs


def entropy(text: str) -> float:
    """Bits per sign, by the counts of the text itself."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def is_key(text: str) -> bool:
    """A key with a prefix that its issuer gives out, and random enough behind it."""
    return bool(_KEYS.fullmatch(text)) and entropy(text[-16:]) >= 2.0


# ---- wallets
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = str.maketrans("rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz", _BASE58)
_VALUE58 = {sign: value for value, sign in enumerate(_BASE58)}
_BECH32 = {sign: value for value, sign in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PREFIXES = ("bc1", "tb1", "ltc1")
_ETHEREUM = re.compile(r"0x[0-9a-fA-F]{40}")


def _base58check(text: str) -> bool:
    number = 0
    for sign in text:
        value = _VALUE58.get(sign)
        if value is None:
            return False
        number = number * 58 + value
    data = number.to_bytes(max(25, (number.bit_length() + 7) // 8), "big")
    digest = hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()
    return len(data) == 25 and digest[:4] == data[-4:]


def _bech32(text: str) -> bool:
    low = text.lower()
    if text not in {low, text.upper()} or not low.startswith(_PREFIXES):
        return False
    human, _, data = low.rpartition("1")
    values = [_BECH32.get(sign, -1) for sign in data]
    if len(values) < 14 or min(values) < 0:
        return False
    check = 1
    for value in [ord(c) >> 5 for c in human] + [0] + [ord(c) & 31 for c in human] + values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check in {1, 0x2BC830A3}  # BIP 173, BIP 350


def _ethereum(text: str) -> bool:
    """EIP-55: the case of the letters is the checksum; without capitals there is none."""
    if not _ETHEREUM.fullmatch(text):
        return False
    low = text[2:].lower()
    digest = keccak256(low.encode()).hex()
    return all(c == (c.upper() if int(digest[i], 16) >= 8 else c.lower()) for i, c in enumerate(text[2:]))


def is_wallet(text: str) -> bool:
    """An address of Bitcoin, Litecoin, Dogecoin, Tron, Ripple or Ethereum whose checksum is right."""
    if 25 <= len(text) <= 36 and text[0] in "13LMDATm2n" and _base58check(text):
        return True
    if 25 <= len(text) <= 35 and text[0] == "r" and _base58check(text.translate(_RIPPLE)):
        return True
    return (14 <= len(text) <= 90 and text[:4].lower().startswith(_PREFIXES) and _bech32(text)) or _ethereum(text)


_ROUNDS = (
    *(0x1, 0x8082, 0x800000000000808A, 0x8000000080008000, 0x808B, 0x80000001, 0x8000000080008081, 0x8000000000008009),
    *(0x8A, 0x88, 0x80008009, 0x8000000A, 0x8000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003),
    *(0x8000000000008002, 0x8000000000000080, 0x800A, 0x800000008000000A, 0x8000000080008081, 0x8000000000008080),
    *(0x80000001, 0x8000000080008008),
)
_MASK = (1 << 64) - 1


def _rotate(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK if by else value


def _permute(lanes: list[list[int]]) -> None:
    """Keccak-f[1600]."""
    for constant in _ROUNDS:
        columns = [a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] for a in lanes]
        turned = [columns[(x + 4) % 5] ^ _rotate(columns[(x + 1) % 5], 1) for x in range(5)]
        for x in range(5):
            lanes[x] = [value ^ turned[x] for value in lanes[x]]
        x, y, current = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _rotate(current, (step + 1) * (step + 2) // 2 % 64)
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & _MASK & row[(x + 2) % 5])
        lanes[0][0] ^= constant


def keccak256(data: bytes) -> bytes:
    """The digest of at most 135 bytes (Ethereum's padding, which is not that of SHA-3)."""
    block = bytearray(data[:135].ljust(136, b"\0"))
    block[min(len(data), 135)] |= 1
    block[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for i in range(17):
        lanes[i % 5][i // 5] = int.from_bytes(block[8 * i : 8 * i + 8], "little")
    _permute(lanes)
    return b"".join(lanes[i][0].to_bytes(8, "little") for i in range(4))


# ---- what follows a word
PASSWORD_WORDS = ("password", "passwd", "pwd", "passwort", "kennwort", "contrasena", "passphrase", "pin")
TOKEN_WORDS = (
    *("token", "apikey", "api", "secret", "bearer", "signature", "sig", "sessionid", "session", "auth", "key", "jwt"),
    *("authorization", "credential", "hmac", "otp", "nonce", "sas", "code"),
)
TRACKING_WORDS = (
    *("gclid", "fbclid", "msclkid", "dclid", "yclid", "wbraid", "gbraid", "igshid", "ttclid", "twclid", "mkt", "tok"),
    *("eid", "cid", "ml", "subscriber", "hsenc", "hsmi", "oly", "vero", "uid", "sid", "trk", "rid", "msdynmkt"),
    *("trackingcontext", "recipient", "unsubscribe"),
)
_PASSWORD = re.compile(r"(?: ?[:=] ?| is (?=\S*\d))[\"']?([^\s\"'<>&,;]{4,64})")
_TOKEN = re.compile(r"[\"']? ?(?:[:=]|bearer|is)? ?(?:bearer )?[\"']?([A-Za-z0-9_\-+/.~%]{12,}=*)", re.IGNORECASE)
_TRACKING = re.compile(r"=([A-Za-z0-9_\-+/.~%]{12,}=*)")
_PLACEHOLDER = re.compile(r"\{\{|\[[A-Z]+")


def secret_after(word: str, text: str) -> tuple[int, int] | None:
    """The secret that `text` (what follows `word`) begins with, or None."""
    if word in PASSWORD_WORDS:
        hit = _PASSWORD.match(text)
        return hit.span(1) if hit and not _PLACEHOLDER.match(hit[1]) else None
    hit = (_TRACKING if word in TRACKING_WORDS else _TOKEN).match(text)
    return hit.span(1) if hit and looks_random(hit[1]) else None


def looks_random(token: str) -> bool:
    """A token that nobody would write by hand: letters and digits mixed, and of much entropy."""
    digits = sum(c.isdigit() for c in token)
    letters = sum(c.isalpha() for c in token)
    enough = 3 if len(token) < 32 else 1  # 40 signs of base64 have six digits on average, some have one
    return digits >= enough and letters >= 3 and entropy(token) >= LEAST_ENTROPY
