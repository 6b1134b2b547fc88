"""Which tokens prove anything: the attacks of the books, one by one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings as django_settings
from pytest_django import Settings

from pipedesk.accounts import jwks
from pipedesk.accounts.tokens import BadToken, verify

SECRET = django_settings.SUPABASE_JWT_SECRET
SUBJECT = str(uuid.UUID(int=7))
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    payload = {
        "sub": SUBJECT, "aud": "authenticated", "iat": now, "exp": now + 600,
        "role": "authenticated", "email": "ana@pipedesk.example",
    }  # fmt: skip
    return {name: value for name, value in (payload | changes).items() if value is not None}


def signed(
    key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **changes: Any
) -> str:
    headers = {"kid": kid} if kid else None
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def forged(header: dict[str, Any], key: bytes | None, payload: dict[str, Any] | None = None) -> str:
    """A token made by hand: PyJWT itself refuses to make these."""

    def part(document: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=")

    message = part(header) + b"." + part(payload or claims())
    signature = b"" if key is None else hmac.digest(key, message, hashlib.sha256)
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def public_jwk(kid: str = "rsa", **changes: Any) -> dict[str, Any]:
    kinds = {
        "rsa": (RSA_KEY, jwt.algorithms.RSAAlgorithm),
        "ec": (EC_KEY, jwt.algorithms.ECAlgorithm),
    }
    key, algorithm = kinds[kid]
    return algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"} | changes


class Issuer:
    """A JWKS server on loopback; counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.body = json.dumps({"keys": [public_jwk("rsa"), public_jwk("ec")]}).encode()
        self.status = 200
        self.location = ""
        self.pause_s = 0.0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(issuer.status)
                if issuer.location:
                    self.send_header("Location", issuer.location)
                self.end_headers()
                for start in range(0, len(issuer.body), 4096):
                    time.sleep(issuer.pause_s)
                    self.wfile.write(issuer.body[start : start + 4096])

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    server = Issuer()
    settings.SUPABASE_JWT_SECRET = ""
    settings.SUPABASE_JWKS_URL = server.url
    jwks.key_set.cache_clear()
    yield server
    server.server.shutdown()
    server.server.server_close()
    jwks.key_set.cache_clear()


def test_a_good_token_proves_its_subject() -> None:
    assert str(verify(signed()).subject) == SUBJECT


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": int(time.time()) - 31},
        {"exp": str(int(time.time()) + 36_000)},
        {"exp": time.time() + 36_000.5},
        {"exp": True},
        {"exp": "never"},
        {"iat": None},
        {"iat": str(int(time.time()))},
        {"iat": int(time.time()) + 36_000},
        {"nbf": int(time.time()) + 36_000},
        {"nbf": "0"},
        {"sub": None},
        {"sub": "ana"},
        {"sub": ""},
        {"sub": 7},
        {"sub": "{" + SUBJECT + "}"},
        {"sub": SUBJECT.replace("-", "")},
        {"aud": None},
        {"aud": "anon"},
        {"aud": ["other"]},
        {"role": "anon"},
        {"role": "service_role"},
    ],
    ids="-".join,
)  # fmt: skip
def test_a_token_with_bad_claims_proves_nothing(changes: dict[str, Any]) -> None:
    payload = claims() | changes
    payload = {name: value for name, value in payload.items() if value is not None}
    token = forged({"alg": "HS256", "typ": "JWT"}, SECRET.encode(), payload)

    with pytest.raises(BadToken):
        verify(token)


@pytest.mark.parametrize(("late_s", "good"), [(-29, True), (-31, False)])
def test_clocks_may_differ_by_30_seconds(late_s: int, good: bool) -> None:
    with time_machine.travel(1_800_000_000, tick=False):
        token = signed(exp=1_800_000_000 + late_s, iat=1_799_990_000)
        if good:
            verify(token)
        else:
            with pytest.raises(BadToken):
                verify(token)


@pytest.mark.parametrize(("issuer_named", "good"), [("https://a.example", True),
    ("https://b.example", False), (None, False)])  # fmt: skip
def test_a_configured_issuer_must_be_the_tokens(
    settings: Settings, issuer_named: str | None, good: bool
) -> None:
    settings.SUPABASE_JWT_ISSUER = "https://a.example"
    token = signed(iss=issuer_named)
    if good:
        verify(token)
    else:
        with pytest.raises(BadToken):
            verify(token)


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", "", "HS384", "RS256", None, 5])
def test_the_tokens_own_word_on_the_algorithm_counts_for_nothing(alg: Any) -> None:
    for key in (None, SECRET.encode(), b""):
        with pytest.raises(BadToken):
            verify(forged({"alg": alg, "typ": "JWT"}, key))


def test_another_secret_proves_nothing() -> None:
    with pytest.raises(BadToken):
        verify(signed("another-secret-of-good-length-0123456789"))


def public_texts() -> list[bytes]:
    public = RSA_KEY.public_key()
    formats = serialization.PublicFormat
    return [
        public.public_bytes(serialization.Encoding.PEM, formats.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.PEM, formats.PKCS1),
        public.public_bytes(serialization.Encoding.DER, formats.SubjectPublicKeyInfo),
        json.dumps(public_jwk("rsa")).encode(),
        public_jwk("rsa")["n"].encode(),
    ]


@pytest.mark.parametrize("key", public_texts(), ids=["PEM", "PKCS1", "DER", "JWK", "modulus"])
def test_a_public_key_used_as_a_shared_secret_proves_nothing(issuer: Issuer, key: bytes) -> None:
    with pytest.raises(BadToken):
        verify(forged({"alg": "HS256", "kid": "rsa"}, key))


def test_with_a_secret_alone_a_public_key_signature_proves_nothing() -> None:
    with pytest.raises(BadToken):
        verify(signed(RSA_KEY, "RS256", "rsa"))


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA_KEY, "RS256", "rsa"), (EC_KEY, "ES256", "ec")]
)
def test_published_keys_verify(issuer: Issuer, key: Any, algorithm: str, kid: str) -> None:
    for _ in range(3):
        assert str(verify(signed(key, algorithm, kid)).subject) == SUBJECT
    assert issuer.asked == 1


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA_KEY, "RS384", "rsa"), (RSA_KEY, "PS256", "rsa"), (RSA_KEY, "RS256", "ec"),
     (RSA_KEY, "RS256", "unknown"), (RSA_KEY, "RS256", None),
     (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256", "rsa")],
)  # fmt: skip
def test_a_key_is_good_for_its_own_algorithm_and_name_only(
    issuer: Issuer, key: Any, algorithm: str, kid: str | None
) -> None:
    with pytest.raises(BadToken):
        verify(signed(key, algorithm, kid))


def test_keys_the_token_brings_along_are_not_looked_at(issuer: Issuer, settings: Settings) -> None:
    attacker = Issuer()
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own_jwk = jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key(), as_dict=True) | {"kid": "own"}
    attacker.body = json.dumps({"keys": [own_jwk]}).encode()
    for extra in ({"jku": attacker.url}, {"x5u": attacker.url}, {"jwk": own_jwk}):
        for kid in ("own", "rsa"):
            token = jwt.encode(claims(), own, algorithm="RS256", headers={"kid": kid, **extra})
            with pytest.raises(BadToken):
                verify(token)
    attacker.server.shutdown()
    attacker.server.server_close()
    assert attacker.asked == 0


def test_a_secret_and_published_keys_work_side_by_side(issuer: Issuer, settings: Settings) -> None:
    settings.SUPABASE_JWT_SECRET = SECRET

    verify(signed())
    verify(signed(RSA_KEY, "RS256", "rsa"))
    for key in public_texts():
        with pytest.raises(BadToken):
            verify(forged({"alg": "HS256", "kid": "rsa"}, key))


def test_with_nothing_configured_nothing_is_proven(settings: Settings) -> None:
    token = signed()
    settings.SUPABASE_JWT_SECRET = ""

    with pytest.raises(BadToken):
        verify(token)


def test_a_thousand_unknown_keys_cause_one_fetch_a_minute(issuer: Issuer) -> None:
    verify(signed(RSA_KEY, "RS256", "rsa"))
    keys = jwks.key_set(issuer.url)
    with time_machine.travel(time.time() + 61, tick=False):
        for _ in range(1000):
            assert keys.find(uuid.uuid4().hex) is None

    assert issuer.asked == 2


def test_a_new_key_is_found_after_a_minute_and_a_withdrawn_one_gone_after_ten(
    issuer: Issuer,
) -> None:
    keys, now = jwks.key_set(issuer.url), time.time()
    issuer.body = json.dumps({"keys": [public_jwk("rsa")]}).encode()
    assert keys.find("rsa")
    issuer.body = json.dumps({"keys": [public_jwk("ec")]}).encode()

    with time_machine.travel(now + 59, tick=False):
        assert keys.find("ec") is None
    with time_machine.travel(now + 62, tick=False):
        assert keys.find("ec")
        assert keys.find("rsa") is None
    issuer.body = json.dumps({"keys": []}).encode()
    with time_machine.travel(now + 62 + 599, tick=False):
        assert keys.find("ec")
    with time_machine.travel(now + 62 + 601, tick=False):
        assert keys.find("ec") is None


def test_while_the_issuer_is_away_known_keys_work_for_a_day(issuer: Issuer) -> None:
    keys, now = jwks.key_set(issuer.url), time.time()
    assert keys.find("rsa")
    issuer.status = 500

    with time_machine.travel(now + 23 * 3600, tick=False):
        for _ in range(100):
            assert keys.find("rsa")
    assert issuer.asked == 2
    with time_machine.travel(now + 24 * 3600 + 1, tick=False):
        assert keys.find("rsa") is None


def too_large(issuer: Issuer) -> None:
    issuer.body = issuer.body + b" " * jwks.MAX_BYTES


def redirected(issuer: Issuer) -> None:
    issuer.status, issuer.location = 302, issuer.url.replace("jwks", "other")


def broken(issuer: Issuer) -> None:
    issuer.body = b"<html>"


def other_document(issuer: Issuer) -> None:
    issuer.body = b"[1]"


@pytest.mark.parametrize("spoil", [too_large, redirected, broken, other_document])
def test_a_strange_answer_gives_no_keys(issuer: Issuer, spoil: Callable[[Issuer], None]) -> None:
    spoil(issuer)

    assert jwks.key_set(issuer.url).find("rsa") is None
    assert issuer.asked == 1


def test_a_slow_answer_is_given_up(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "TIMEOUT_S", 0.3)
    issuer.body += b" " * 40_000
    issuer.pause_s = 0.2
    started = time.monotonic()

    assert jwks.key_set(issuer.url).find("rsa") is None
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    "description",
    [
        public_jwk("rsa", alg="RS512"),
        public_jwk("rsa", use="enc"),
        public_jwk("rsa", n="AQAB"),
        public_jwk("ec", crv="P-384"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "x"},
        {"kty": "RSA", "kid": "x"},
        "text",
        None,
    ],
    ids=lambda description: str(description)[:30],
)
def test_keys_we_cannot_use_are_left_out(description: Any) -> None:
    document = json.dumps({"keys": [description, public_jwk("ec")]}).encode()

    assert jwks.read_keys(document).keys() <= {"ec"} | {"rsa"} - {"rsa"}
