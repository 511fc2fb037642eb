"""A provider that lies: what it signs wrongly, for others, too late or not at all opens nothing (OIDC Core 3.1.3.7)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from typing_extensions import override

from readingroom.core.errors import AccessDenied, BadSetting, Fault
from readingroom.web.provider import LOGOUT_EVENT, Attempt, Provider

NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
CLIENT = "room"


class Liar:
    """A provider on loopback whose answers a test chooses."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.published = [self.key]
        self.token: str | None = ""
        self.issuer = ""
        self.claimed_issuer = ""

    def document(self, path: str) -> Any:
        """What it answers at `path`."""
        if path.endswith("openid-configuration"):
            where = {name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return {"issuer": self.claimed_issuer or self.issuer, **where}
        if path == "/jwks_uri":
            return {"keys": [key.as_dict(private=False) for key in self.published]}
        if path == "/token_endpoint" and self.token is not None:
            return {"access_token": "a", "token_type": "Bearer", "id_token": self.token}
        return None

    def says(self, key: Any = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """An ID token that fits the attempt, but for `changes`."""
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "ada",
            "nonce": "the-nonce",
            "iat": int(NOW.timestamp()),
            "exp": int(NOW.timestamp()) + 300,
            "auth_time": int(NOW.timestamp()) - 60,
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header or {"alg": "RS256", "kid": "one"}, claims, key or self.key)


@pytest.fixture
def liar() -> Iterator[Liar]:
    made = Liar()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            self.rfile.read(length)
            found = made.document(self.path)
            body = json.dumps(found).encode()
            self.send_response(400 if found is None else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the names that http.server looks for

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def provider(liar: Liar) -> Provider:
    return Provider(liar.issuer, CLIENT, "secret", "http://127.0.0.1:9")


ATTEMPT = Attempt("the-state", "the-nonce", "v" * 43)
ANSWER = {"state": "the-state", "code": "the-code"}


def test_a_token_that_fits_names_an_account_by_a_hash(liar: Liar, provider: Provider) -> None:
    liar.token = liar.says(sid="session-1")
    proof = provider.finish(ATTEMPT, ANSWER, NOW)
    assert len(proof.identity) == len(proof.provider_session) == 64
    assert "ada" not in repr(proof)
    assert provider.begin(ATTEMPT).count("code_challenge_method=S256") == 1
    assert ATTEMPT.verifier not in provider.begin(ATTEMPT)


LIES: dict[str, Callable[[Liar], str | None]] = {
    "no token": lambda _liar: "",
    "no answer": lambda _liar: None,
    "not a token": lambda _liar: "a.b.c",
    "another issuer": lambda liar: liar.says(iss="https://other.example"),
    "another audience": lambda liar: liar.says(aud="another"),
    "several audiences, another party": lambda liar: liar.says(aud=[CLIENT, "another"], azp="another"),
    "another party": lambda liar: liar.says(azp="another"),
    "another nonce": lambda liar: liar.says(nonce="guessed"),
    "no nonce": lambda liar: liar.says(nonce=None),
    "expired": lambda liar: liar.says(exp=int(NOW.timestamp()) - 120),
    "no end": lambda liar: liar.says(exp=None),
    "of tomorrow": lambda liar: liar.says(iat=int(NOW.timestamp()) + 86_400),
    "nobody": lambda liar: liar.says(sub=None),
    "an old sign-in": lambda liar: liar.says(auth_time=int((NOW - timedelta(hours=13)).timestamp())),
    "no sign-in": lambda liar: liar.says(auth_time=None),
    "a stranger's key": lambda liar: liar.says(RSAKey.generate_key(2048, {"kid": "one"})),
    "an unknown key": lambda liar: liar.says(ECKey.generate_key("P-256"), {"alg": "ES256", "kid": "two"}),
    "a shared secret": lambda liar: liar.says(
        OctKey.import_key(liar.key.as_pem(private=False)[27:-26]), {"alg": "HS256", "kid": "one"}
    ),
    "no signature": lambda liar: "eyJhbGciOiJub25lIn0." + liar.says().split(".")[1] + ".",
    "a changed claim": lambda liar: ".".join((liar.says().split(".")[0], liar.says(sub="eve").split(".")[1], "AAAA")),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_opens_nothing(liar: Liar, provider: Provider, lie: str) -> None:
    liar.token = LIES[lie](liar)
    with pytest.raises(AccessDenied) as refused:
        provider.finish(ATTEMPT, ANSWER, NOW)
    assert "ada" not in str(refused.value)
    assert "the-code" not in str(refused.value)


@pytest.mark.parametrize(
    "change", [{"state": "guessed"}, {"state": ""}, {"code": ""}, {"iss": "https://other.example"}]
)
def test_an_answer_that_does_not_fit_is_refused_before_anything_is_asked(
    liar: Liar, provider: Provider, change: dict[str, str]
) -> None:
    liar.token = liar.says()
    with pytest.raises(AccessDenied):
        provider.finish(ATTEMPT, {**ANSWER, **change}, NOW)


def test_a_room_can_ask_for_a_strong_sign_in(liar: Liar) -> None:
    strict = Provider(liar.issuer, CLIENT, "secret", "http://127.0.0.1:9", acr="phr")
    assert "acr_values=phr" in strict.begin(ATTEMPT)
    liar.token = liar.says(acr="pwd")
    with pytest.raises(AccessDenied, match="strongly"):
        strict.finish(ATTEMPT, ANSWER, NOW)
    liar.token = liar.says(acr="phr")
    assert strict.finish(ATTEMPT, ANSWER, NOW).identity


def test_metadata_of_another_issuer_are_a_fault(liar: Liar, provider: Provider) -> None:
    liar.claimed_issuer = "https://other.example"
    with pytest.raises(Fault, match="another issuer"):
        provider.begin(ATTEMPT)


def test_a_provider_that_is_away_is_a_fault_without_its_address() -> None:
    away = Provider("http://127.0.0.1:9", CLIENT, "secret", "http://127.0.0.1:9")
    with pytest.raises(Fault, match="does not answer"):
        away.begin(ATTEMPT)


def test_a_logout_token_ends_what_it_names_and_an_id_token_ends_nothing(liar: Liar, provider: Provider) -> None:
    said = {"nonce": None, "exp": None, "auth_time": None, "events": {LOGOUT_EVENT: {}}}
    assert provider.logged_out(liar.says(sid="s", **said), NOW).provider_session
    for wrong in (liar.says(), liar.says(**{**said, "nonce": "n"}), liar.says(**{**said, "events": {}})):
        with pytest.raises(AccessDenied):
            provider.logged_out(wrong, NOW)


def test_the_secret_is_read_from_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    settings = {"issuer": "https://id.example", "client_id": CLIENT, "client_secret_file": "s", "address": "https://r"}
    with pytest.raises(BadSetting, match="cannot be read"):
        Provider.of_settings(settings, tmp_path)
    (tmp_path / "s").write_text("hidden-words\n")
    (tmp_path / "s").chmod(0o644)
    with pytest.raises(BadSetting, match="chmod 600"):
        Provider.of_settings(settings, tmp_path)
    (tmp_path / "s").chmod(0o600)
    assert "hidden-words" not in repr(Provider.of_settings(settings, tmp_path))
