"""The identity provider: OpenID Connect authorization code flow with PKCE, by Authlib; tokens are checked by joserfc.

Rule 1: an ID token counts only if the provider's own key signed it, for this room, for this attempt (nonce), now, and
after a sign-in at the provider that is at most twelve hours old (OpenID Connect Core 1.0, 3.1.3.7).
Rule 2: state, nonce and code verifier are fresh for every attempt and stay in the browser that began it
(RFC 7636, RFC 9700); the answer's `iss` must be the provider's (RFC 9207).
Rule 3: foreign errors carry tokens and addresses in their text, so none is shown.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from readingroom.access.identities import identity_key
from readingroom.access.sessions import SESSION_LIFE, Proof
from readingroom.core.errors import AccessDenied, BadSetting, Fault

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")  # asymmetric ones only
LEEWAY: Final = timedelta(seconds=60)
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_PATIENCE: Final = 10.0  # seconds for one answer of the provider
_FRESH: Final = 3600.0  # seconds after which its addresses are read again
_KEYS_AGAIN: Final = 30.0  # seconds between two looks at its keys, so that no stranger's token makes us ask all day


@dataclass(frozen=True)
class Attempt:
    """One sign-in that was begun: what the browser keeps until the provider sends it back."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def fresh(cls) -> Attempt:
        """A new one that nobody can guess."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    def kept(self) -> str:
        """As the cookie holds it."""
        return f"{self.state}.{self.nonce}.{self.verifier}"

    @classmethod
    def of_cookie(cls, value: str) -> Attempt:
        """The attempt that this browser began; AccessDenied where it began none."""
        parts = value.split(".")
        if len(parts) != len(cls.__dataclass_fields__) or not all(parts):
            raise AccessDenied("this sign-in was not begun in this browser, or took too long; begin again")
        return cls(*parts)


@dataclass
class Provider:
    """The provider of one room. Safe to share between threads."""

    issuer: str  # an https address
    client_id: str
    client_secret: str = field(repr=False)
    address: str  # of the room, as people open it
    acr: str = ""
    _known: dict[str, Any] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def of_settings(cls, settings: Mapping[str, str], root: Path) -> Provider:
        """The provider that room.toml names; BadSetting where its secret is missing or may be read by others."""
        path = root / settings["client_secret_file"]
        try:
            if path.stat().st_mode & 0o077:
                raise BadSetting("room.toml: [identity_provider] client_secret_file may be read by others: chmod 600")
            secret = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise BadSetting("room.toml: [identity_provider] client_secret_file cannot be read") from None
        return cls(settings["issuer"], settings["client_id"], secret, settings["address"], settings.get("acr", ""))

    def begin(self, attempt: Attempt) -> str:
        """The address at the provider to which the browser goes."""
        asked = {"nonce": attempt.nonce, "max_age": int(SESSION_LIFE.total_seconds())}
        if self.acr:
            asked["acr_values"] = self.acr
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._metadata()["authorization_endpoint"],
                state=attempt.state,
                code_verifier=attempt.verifier,
                **asked,
            )
        return str(url)

    def finish(self, attempt: Attempt, answer: Mapping[str, str], now: datetime) -> Proof:
        """Who came back; AccessDenied where the provider said no or anything does not fit."""
        if not hmac.compare_digest(attempt.state.encode(), answer.get("state", "").encode(errors="replace")):
            raise AccessDenied("this sign-in was not begun in this browser, or took too long; begin again")
        if answer.get("iss", self.issuer) != self.issuer or not answer.get("code"):
            raise AccessDenied("the identity provider did not sign you in")
        try:
            with self._client() as client:
                token = client.fetch_token(
                    self._metadata()["token_endpoint"], code=answer["code"], code_verifier=attempt.verifier
                )
        except (AuthlibBaseError, httpx2.HTTPError, ValueError):
            raise AccessDenied("the identity provider did not confirm this sign-in; begin again") from None
        claims = self._claims(str(token.get("id_token", "")), now, nonce=attempt.nonce)
        signed_in = claims.get("auth_time")
        if not isinstance(signed_in, int) or now.timestamp() - signed_in > (SESSION_LIFE + LEEWAY).total_seconds():
            raise AccessDenied("your sign-in at the identity provider is older than twelve hours; sign in there again")
        if self.acr and claims.get("acr") != self.acr:
            raise AccessDenied("the identity provider did not sign you in as strongly as this room asks")
        return self._proof(claims)

    def logged_out(self, logout_token: str, now: datetime) -> Proof:
        """Whose sessions end (OpenID Connect Back-Channel Logout 1.0, 2.6); AccessDenied for any other token."""
        claims = self._claims(logout_token, now)
        events = claims.get("events")
        if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in claims:
            raise AccessDenied("this is no logout token")
        return self._proof(claims)

    def end_address(self) -> str:
        """Where one signs out at the provider itself; empty if it offers that nowhere."""
        return str(self._metadata().get("end_session_endpoint", ""))

    def _proof(self, claims: Mapping[str, Any]) -> Proof:
        subject, session = str(claims.get("sub", "")), str(claims.get("sid", ""))
        if not subject:
            raise AccessDenied("the identity provider did not say who this is")
        return Proof(identity_key(self.issuer, subject), identity_key(self.issuer, session) if session else "")

    def _claims(self, token: str, now: datetime, *, nonce: str = "") -> Mapping[str, Any]:
        rules: dict[str, Any] = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
            "iat": {"essential": True},
        }
        if nonce:
            rules |= {"exp": {"essential": True}, "sub": {"essential": True}}
            rules["nonce"] = {"essential": True, "value": nonce}
        checks = jwt.JWTClaimsRegistry(now=int(now.timestamp()), leeway=int(LEEWAY.total_seconds()), **rules)
        claims: Mapping[str, Any] = {}
        for again in (False, True):
            try:
                claims = jwt.decode(token, self._keys(again=again), algorithms=ALGORITHMS).claims
                break
            except (JoseError, ValueError):  # perhaps of a key that the provider made since we looked
                continue
        try:
            checks.validate(dict(claims))
        except JoseError:
            raise AccessDenied("the identity provider's token is not valid here") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.client_id:
            raise AccessDenied("the identity provider's token is for another application")
        return claims

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            self.client_id,
            self.client_secret,
            scope="openid",
            redirect_uri=f"{self.address}/sign-in/callback",
            code_challenge_method="S256",
            timeout=_PATIENCE,
            follow_redirects=False,
        )

    def _metadata(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._read(
            "metadata", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", _FRESH
        )
        if found.get("issuer") != self.issuer:
            raise Fault("the identity provider's metadata are of another issuer than room.toml names")
        return found

    def _keys(self, *, again: bool) -> KeySet:
        found = self._read("keys", str(self._metadata()["jwks_uri"]), _KEYS_AGAIN if again else _FRESH)
        return KeySet.import_key_set(found)

    def _read(self, name: str, url: str, fresh: float) -> Any:
        """A document of the provider, read anew where the one at hand is older than `fresh` seconds."""
        with self._lock:
            read_at, document = self._known.get(name, (0.0, None))
            if document is None or monotonic() - read_at > fresh:
                try:
                    document = httpx2.get(url, timeout=_PATIENCE, follow_redirects=False).raise_for_status().json()
                except (httpx2.HTTPError, ValueError):
                    raise Fault("the identity provider does not answer; nobody can sign in until it does") from None
                self._known[name] = (monotonic(), document)
        return document
