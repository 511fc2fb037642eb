"""Random text of the shape of an identifier is called one only if its check says so."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iso7064, luhn, verhoeff
from stdnum.at import vnr
from stdnum.br import cpf
from stdnum.es import dni
from stdnum.eu import vat
from stdnum.gb import nhs
from stdnum.it import codicefiscale
from stdnum.nl import bsn

from readingroom.anonymize import proofs_nets, proofs_phones, proofs_places, proofs_secrets
from readingroom.anonymize.ibans import read_iban
from readingroom.anonymize.patterns import read_cluster
from readingroom.anonymize.proofs_find import find_proofs
from readingroom.anonymize.proofs_ids import id_after, id_of_run
from readingroom.anonymize.reading import read
from readingroom.anonymize.tokens import tokenize

DIGITS = "0123456789"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def digits(size: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=size, max_size=size)


@given(st.sampled_from("45623"), digits(15))
def test_sixteen_digits_are_a_card_by_luhn_only(first: str, rest: str) -> None:
    number = first + rest
    for text in (number, " ".join(number[i : i + 4] for i in range(0, 16, 4))):
        if not luhn.is_valid(number):
            assert "card" not in {kind for _, _, kind in read_cluster(text)}


def iban_in(text: str) -> int:
    return int(read_iban(read(pa.array([text], pa.large_string()), "plain")[0], 0))


@settings(deadline=None)  # the kernel is compiled
@given(st.sampled_from(["gb", "de", "fr", "es", "nl", "it"]), digits(20))
def test_an_iban_by_its_remainder_only(country: str, rest: str) -> None:
    length = iban_in(country + rest)
    assert not length or iso7064.mod_97_10.is_valid((country + rest)[4:length] + (country + rest)[:4])


@settings(deadline=None)
@given(st.sampled_from(["gb", "de", "fr", "mt"]), st.text(DIGITS + "abxyz", min_size=11, max_size=30), st.booleans())
def test_a_number_with_its_check_digits_is_an_iban(country: str, rest: str, grouped: bool) -> None:
    number = country + mod_97(country, rest) + rest
    text = " ".join(number[i : i + 4] for i in range(0, len(number), 4)) if grouped else number
    assert iban_in(text.upper()) == len(text)


def mod_97(country: str, rest: str) -> str:
    """The check digits of an IBAN (ISO 7064, MOD 97-10)."""
    value = int("".join(str(int(sign, 36)) for sign in rest + country + "00"))
    return f"{98 - value % 97:02d}"


@given(digits(11))
def test_eleven_digits_with_the_signs_of_a_cpf(number: str) -> None:
    text = f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"
    assert ("id" in {kind for _, _, kind in read_cluster(text)}) == cpf.is_valid(number)


@given(digits(10))
def test_ten_digits_after_nhs_or_svnr(number: str) -> None:
    assert (id_after("nhs", f" {number}") is not None) == nhs.is_valid(number)
    found = id_after("sozialversicherungsnummer", f": {number}")
    assert (found is not None and found[2] == "at_vnr") == vnr.is_valid(number)


@given(digits(12), digits(9))
def test_numbers_after_aadhaar_and_bsn(twelve: str, nine: str) -> None:
    if not verhoeff.is_valid(twelve):
        assert id_after("aadhaar", f" {twelve}") is None
    assert (id_after("bsn", f" {nine}") is not None) == bsn.is_valid(nine)


@given(
    st.sampled_from(["de", "fr", "it", "nl", "pl", "at", "es", "ie"]), st.text(DIGITS + "ub", min_size=8, max_size=12)
)
def test_runs_of_letters_and_digits(country: str, rest: str) -> None:
    run = country + rest
    if not vat.is_valid(run):
        assert id_of_run(run) != "eu_vat"


@given(digits(8), st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
def test_a_dni_by_its_letter_only(number: str, letter: str) -> None:
    assert (id_of_run(number + letter) == "es_nif") == dni.is_valid(number + letter)


@given(st.from_regex(r"[a-z]{6}[0-9]{2}[abcdehlmprst][0-9]{2}[a-z][0-9]{3}[a-z]", fullmatch=True))
def test_a_codice_fiscale_by_its_letter_only(text: str) -> None:
    assert (id_of_run(text) == "it_cf") == codicefiscale.is_valid(text)


@given(
    st.sampled_from("13"),
    st.text(BASE58, min_size=33, max_size=33),
    st.text("qpzry9x8gf2tvdw0s3jn54khce6mua7l", min_size=39, max_size=39),
)
def test_no_random_wallet_has_a_checksum(first: str, base58: str, bech32: str) -> None:
    assert not proofs_secrets.is_wallet(first + base58)
    assert not proofs_secrets.is_wallet("bc1" + bech32)


@given(st.text("0123456789abcdefABCDEF", min_size=40, max_size=40).filter(lambda text: any(c.isupper() for c in text)))
def test_no_random_case_is_a_checksum_of_ethereum(text: str) -> None:
    assert not proofs_secrets.is_wallet("0x" + text) or sum(c.isalpha() for c in text) < 12


@given(st.integers(-90, 90), st.integers(-180, 180), st.integers(0, 9999))
def test_coordinates_are_on_the_globe(latitude: int, longitude: int, places: int) -> None:
    inside = proofs_places.coordinates_in(f"{latitude}.{places:05}, {longitude}.{places:05}")
    beyond = proofs_places.coordinates_in(f"{91 + abs(latitude) % 9}.{places:05}, {longitude}.{places:05}")
    assert beyond is None
    assert (inside is not None) or abs(latitude) == 90 or abs(longitude) == 180


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789 +()-./", max_size=40), st.text("0123456789abcdef:.-", max_size=45), st.text(max_size=60))
def test_nothing_raises(cluster: str, net: str, text: str) -> None:
    read_cluster(cluster)
    proofs_phones.phones_in(cluster or "0")
    proofs_phones.phone_after(cluster)
    proofs_nets.is_ipv6(net)
    proofs_nets.is_mac(net)
    for word in ("ssn", "vat", "passport", "swift", "tax", "hetu", "tin"):
        id_after(word, text)
    for word in ("password", "token", "gclid"):
        proofs_secrets.secret_after(word, text)
    proofs_places.birthdate_after(text)
    proofs_places.street_in(text, 0)


WORDS = [
    "SSN",
    "tel",
    "Rue",
    "Street",
    "Password:",
    "token=",
    "://a:",
    "@",
    "TX",
    "12345",
    "1A",
    "::",
    "0.12345,",
    "Hauptstr. 5",
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=12).map(" ".join),
    st.sampled_from(["plain", "html"]),
)
def test_proofs_stand_inside_their_view(text: str, markup: str) -> None:
    letters, _, _ = read(pa.array([text], pa.large_string()), markup)
    for one in find_proofs(letters, tokenize(letters)):
        assert 0 <= one["start"] < one["end"] <= len(letters.folded)
        assert 0 not in letters.folded[one["start"] : one["end"]]
