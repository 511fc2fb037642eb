"""Patterns with proof, kind by kind: documented test numbers are found, the same shape with a wrong check is not."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from readingroom.anonymize import proofs_ids, proofs_secrets, spans
from readingroom.anonymize.kernels import empty_table
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.patterns import read_cluster
from readingroom.anonymize.proofs_find import find_proofs
from readingroom.anonymize.proofs_phones import REGIONS, phone_after, phones_in
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.reading import read
from readingroom.anonymize.texts import TextEngine
from readingroom.anonymize.tokens import tokenize

KEY = b"k" * 32


def proved(text: str, markup: str = "plain") -> set[tuple[str, str]]:
    """(kind, the text as it stands in the source) of every proof in one cell."""
    column = pa.array([text], pa.large_string())
    letters, _, _ = read(column, markup)
    data = text.encode()
    return {
        (
            spans.KINDS[one["kind"]],
            data[letters.start[one["start"]] : letters.end[one["end"] - 1]].decode(),
        )
        for one in find_proofs(letters, tokenize(letters))
    }


IDS = {
    "us_ssn": ("SSN: 536-90-4399", "536-90-4399", "SSN: 666-90-4399"),
    "us_itin": ("ITIN 912-90-3456", "912-90-3456", "ITIN 912-69-3456"),
    "us_ein": ("EIN is 91-1144442", "91-1144442", "EIN is 07-1144442"),
    "gb_nino": ("NINO JG 12 13 16 A", "JG 12 13 16 A", "NINO GB 12 13 16 A"),
    "gb_nhs": ("NHS number 943 476 5870", "943 476 5870", "NHS number 943 476 5871"),
    "gb_utr": ("UTR 1955839661", "1955839661", "UTR 2955839661"),
    "gb_vat": ("VAT reg 980 7806 84", "980 7806 84", "VAT reg 802 311 781"),
    "ca_sin": ("SIN 123 456 782", "123 456 782", "SIN 999 999 999"),
    "au_tfn": ("TFN 123 456 782", "123 456 782", "TFN 999 999 999"),
    "au_abn": ("ABN 83 914 571 673", "83 914 571 673", "ABN 99 999 999 999"),
    "br_cpf": ("CPF 390.533.447-05", "390.533.447-05", "CPF 231.002.999-00"),
    "br_cnpj": ("CNPJ 16.727.230/0001-97", "16.727.230/0001-97", "CNPJ 16.727.230/0001-98"),
    "in_aadhaar": ("Aadhaar 2341 2341 2346", "2341 2341 2346", "Aadhaar 2341 2341 2347"),
    "in_pan": ("PAN ACUPA7085R", "ACUPA7085R", "PAN ABMXA3211G"),
    "jp_in": ("mynumber 6214 9832 0257", "6214 9832 0257", "mynumber 6214 9832 0258"),
    "jp_cn": ("corporate number 5-8356-7825-6246", "5-8356-7825-6246", "corporate number 2-8356-7825-6246"),
    "at_vnr": ("SVNR 1237 010180", "1237 010180", "SVNR 2237 010180"),
    "at_tin": ("Steuernummer 59-119/9013", "59-119/9013", "Steuernummer 59-119/9014"),
    "be_nn": ("Rijksregisternummer 85.07.30-033.28", "85.07.30-033.28", "Rijksregisternummer 85.07.30-033.29"),
    "bg_egn": ("EGN 752316 926 3", "752316 926 3", "EGN 8019010008"),
    "cz_rc": ("rodne cislo 710319/2745", "710319/2745", "rodne cislo 710319/2746"),
    "de_idnr": ("Steuer-ID 36 574 261 809", "36 574 261 809", "Steuer-ID 36 574 261 890"),
    "dk_cpr": ("CPR 211062-5629", "211062-5629", "CPR 511062-5629"),
    "ee_ik": ("isikukood 36805280109", "36805280109", "isikukood 36805280108"),
    "es_nif": ("DNI 54362315-K", "54362315-K", "DNI 54362315-Z"),
    "fi_hetu": ("HETU 131052-308T", "131052-308T", "HETU 131052-308U"),
    "fr_nir": ("NIR 2 95 10 99 126 111 93", "2 95 10 99 126 111 93", "NIR 2 95 10 99 126 111 92"),
    "fr_nif": ("fiscal 30 23 217 600 053", "30 23 217 600 053", "fiscal 30 23 217 600 054"),
    "fr_siret": ("SIRET 732 829 320 00074", "732 829 320 00074", "SIRET 732 829 320 00079"),
    "fr_siren": ("SIREN 732 829 320", "732 829 320", "SIREN 732 829 321"),
    "gr_amka": ("AMKA 01013099997", "01013099997", "AMKA 01013099999"),
    "hr_oib": ("OIB 33392005961", "33392005961", "OIB 33392005962"),
    "hu_anum": ("adoszam 12892312", "12892312", "adoszam 12892313"),
    "ie_pps": ("PPS 6433435F", "6433435F", "PPS 6433435E"),
    "it_cf": ("codice fiscale RCCMNL83S18D969H", "RCCMNL83S18D969H", "codice fiscale RCCMNL83S18D969I"),
    "lt_asmens": ("asmens kodas 33309240064", "33309240064", "asmens kodas 33309240164"),
    "lv_pk": ("personas kods 161175-19997", "161175-19997", "personas kods 161375-19997"),
    "nl_bsn": ("BSN 1112.22.333", "1112.22.333", "BSN 1112.52.333"),
    "pl_pesel": ("PESEL 44051401359", "44051401359", "PESEL 44051401358"),
    "pl_nip": ("NIP 856-734-62-15", "856-734-62-15", "NIP 856-734-62-16"),
    "pt_nif": ("contribuinte 501964843", "501964843", "contribuinte 501964842"),
    "ro_cnp": ("CNP 1630615123457", "1630615123457", "CNP 1630615123458"),
    "se_pn": ("personnummer 880320-0016", "880320-0016", "personnummer 880320-0018"),
    "si_emso": ("EMSO 0101006500006", "0101006500006", "EMSO 0101006500007"),
    "bic": ("SWIFT: DEUTDEFF500", "DEUTDEFF500", "SWIFT: DEUTQQFF500"),
    "passport": ("Passport No. C01X00T47", "C01X00T47", "Passport control at eight"),
    "licence": ("driving licence MORGA753116SM9IJ", "MORGA753116SM9IJ", "driving licence renewal 4 weeks"),
}
VATS = {
    "AT": ("ATU13585627", "ATU13585626"),
    "BE": ("BE0428759497", "BE0431150351"),
    "BG": ("BG175074752", "BG175074751"),
    "CY": ("CY10259033P", "CY10259033Z"),
    "CZ": ("CZ25123891", "CZ25123890"),
    "DE": ("DE136695976", "DE136695978"),
    "DK": ("DK13585628", "DK13585627"),
    "EE": ("EE100931558", "EE100594103"),
    "EL": ("EL094259216", "EL123456781"),
    "ES": ("ESB58378431", "ESB58378432"),
    "FI": ("FI20774740", "FI20774741"),
    "FR": ("FR40303265045", "FR41303265045"),
    "HR": ("HR33392005961", "HR33392005962"),
    "HU": ("HU12892312", "HU12892313"),
    "IE": ("IE6433435F", "IE6433435E"),
    "IT": ("IT00743110157", "IT00743110158"),
    "LT": ("LT119511515", "LT100001919018"),
    "LU": ("LU15027442", "LU15027443"),
    "LV": ("LV40003521600", "LV40003521601"),
    "MT": ("MT11679112", "MT11679113"),
    "NL": ("NL004495445B01", "NL123456789B90"),
    "PL": ("PL8567346215", "PL8567346216"),
    "PT": ("PT501964843", "PT501964842"),
    "RO": ("RO18547290", "RO18547291"),
    "SE": ("SE123456789701", "SE123456789101"),
    "SI": ("SI50223054", "SI50223055"),
    "SK": ("SK2022749619", "SK2022749618"),
}


@pytest.mark.parametrize("name", sorted(IDS))
def test_a_number_is_believed_by_its_check(name: str) -> None:
    valid, number, invalid = IDS[name]
    assert ("id", number) in proved(f"the {valid}, please")
    assert not proved(f"the {invalid}, please")


@pytest.mark.parametrize("country", sorted(VATS))
def test_vat_numbers_of_the_union(country: str) -> None:
    valid, invalid = VATS[country]
    assert ("id", valid) in proved(f"our {valid} here")
    assert not proved(f"our {invalid} here")


def test_numbers_whose_form_is_their_own_need_no_word() -> None:
    assert read_cluster("390.533.447-05") == [(0, 14, "id")]
    assert read_cluster("83 914 571 673") == [(0, 14, "id")]
    assert read_cluster("2 95 10 99 126 111 93") == [(0, 21, "id")]
    assert read_cluster("231.002.999-00") != [(0, 14, "id")]
    assert ("id", "54362315K") in proved("see 54362315K")
    assert ("id", "JG121316A") in proved("see JG121316A")
    assert ("id", "131052-308T") in proved("see 131052-308T")
    assert ("id", "RCCMNL83S18D969H") in proved("see RCCMNL83S18D969H")


@pytest.mark.parametrize(
    ("card", "valid"),
    [
        ("4111 1111 1111 1111", True),
        ("4222222222222", True),
        ("501800000009", True),
        ("501800000008", False),
        ("3782 822463 10005", True),
        ("3714-496353-98431", True),
        ("30569309025904", True),
        ("5555-5555-5555-4444", True),
        ("2223003122003222", True),
        ("6011 1111 1111 1117", True),
        ("3530111333300000", True),
        ("4111 1111 1111 1112", False),
        ("9999 9999 9999 9995", False),
        ("5555555555554445", False),
    ],
)
def test_cards_by_brand_length_and_luhn(card: str, valid: bool) -> None:
    assert ([kind for _, _, kind in read_cluster(card)] == ["card"]) is valid


@pytest.mark.parametrize(
    "text",
    [
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "xoxb-123456789012-abcDEF123456",
        "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1P0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQZK5JJ0".replace("BC1P0XLXV", "BC1P0XLXV"),
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn",
    ],
)
def test_keys_and_wallets(text: str) -> None:
    assert proved(f"see {text} now") == {("secret", text)}


@pytest.mark.parametrize(
    "text",
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpm",
        "AKIAIOSFODNN7",
        "AKIAAAAAAAAAAAAAAAAA",
        "skyline-4-the-quick-brown-fox",
    ],
)
def test_a_wrong_checksum_or_length_is_no_secret(text: str) -> None:
    assert not proved(f"see {text} now")


def test_keccak_is_that_of_ethereum() -> None:
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert proofs_secrets.keccak256(b"").hex() == empty


OTHERS = {
    "password": ("Password: hunter2!", ("secret", "hunter2!")),
    "password in a link": ("https://ada:hunter2@host.example/x", ("secret", "ada:hunter2")),
    "bearer": ("Authorization: Bearer abCD12efGH34ijKL56", ("secret", "abCD12efGH34ijKL56")),
    "token": ("?token=9f8e7d6c5b4a39281706aQ", ("secret", "9f8e7d6c5b4a39281706aQ")),
    "tracking": ("?gclid=CjwKCAjw1J2abcdefg012345&x", ("secret", "CjwKCAjw1J2abcdefg012345")),
    "ipv6": ("at 2001:db8::8a2e:370:7334,", ("ip", "2001:db8::8a2e:370:7334")),
    "mac": ("at 00:1A:2b:3c:4d:5e,", ("id", "00:1A:2b:3c:4d:5e")),
    "mac dashes": ("at 00-1A-2b-3c-4d-5e,", ("id", "00-1A-2b-3c-4d-5e")),
    "mac dots": ("at 001a.2b3c.4d5e,", ("id", "001a.2b3c.4d5e")),
    "coordinates": ("at 40.712776, -74.005974.", ("address", "40.712776, -74.005974")),
    "dob": ("DOB: 12/03/1971", ("date", "12/03/1971")),
    "dob short": ("geboren am 12.03.71", ("date", "12.03.71")),
    "phone": ("Tel. 030 901820", ("phone", "030 901820")),
    "street us": ("at 571 Wilson Canyon Road, Apt 4, Austin, TX 78729", None),
    "street uk": ("at 10 Example Street, London, SW1A 2AA", None),
    "street fr": ("au 12 bis rue de la Paix, 75002 Paris", None),
    "street es": ("en Calle Mayor 15, 28013 Madrid", None),
    "street it": ("in Via Roma 12, 00184 Roma", None),
    "street de": ("in Hauptstraße 5, 10115 Berlin", None),
    "street nl": ("op Keizersgracht 123, 1015 CJ Amsterdam", None),
    "zip": ("Houston, TX 77002-1234.", ("address", "TX 77002-1234")),
    "postcode": ("to SW1A 2AA.", ("address", "SW1A 2AA")),
    "postcode joined": ("to EC1A1BB.", ("address", "EC1A1BB")),
}


@pytest.mark.parametrize("name", sorted(OTHERS))
@pytest.mark.parametrize("markup", ["plain", "html"])
def test_other_kinds(name: str, markup: str) -> None:
    text, expected = OTHERS[name]
    assert (expected or ("address", text.split(" ", 1)[1])) in proved(text, markup)


@pytest.mark.parametrize(
    "text",
    [
        "the password is required",
        "Password: {{reset}}",
        "token ring networks",
        "std::vector::begin and a::b",
        "at 10:20:30:40",
        "00:1A:2b:3c:4d",
        "2001:db8::8a2e::7334",
        "prices 40.7127 74.0059",
        "at 95.712776, -74.005974.",
        "DOB: 31/02/1971",
        "born to run 12 miles",
        "two streets away",
        "the road to 2020",
        "Spring 2001",
        "Monitoring 12",
        "OK 77002x and in TX 770022",
        "to QX1A 2AA.",
        "the swift decision of 12 people",
        "secure 12 seats",
        "Tel. 1234567890123456",
        "call 5 people",
        "11-12-13-14-15-16",
    ],
)
def test_shape_alone_is_nothing(text: str) -> None:
    assert not proved(text)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("+49 30 901820", True),
        ("020 7946 0958", True),
        ("06 12 34 56 78", True),
        ("+999 30 901820", False),
        ("12 34", False),
        ("1999 2000 2001", False),
    ],
)
def test_phones_by_the_plan_of_their_country(text: str, valid: bool) -> None:
    assert (phones_in(text) == [(0, len(text))]) is valid


def test_phones_of_thirty_regions_after_a_word() -> None:
    import phonenumbers

    missed = []
    for region in REGIONS:
        number = phonenumbers.format_number(
            phonenumbers.example_number(region), phonenumbers.PhoneNumberFormat.NATIONAL
        )
        if phone_after(f": {number}") is None:
            missed.append(region)
    assert len(REGIONS) >= 30
    assert not missed


def test_every_word_is_of_a_rule() -> None:
    assert all(any(word in rule.words for rule in rules) for word, rules in proofs_ids.WORDS.items())
    assert empty_table(1).keys.size >= 2


@pytest.fixture(scope="module")
def engine() -> TextEngine:
    return TextEngine(KnownBuilder(KEY, KEY).build(), public_only(), Pseudonyms(KEY), KEY, "balanced")


def test_the_engine_shows_what_was_proved(engine: TextEngine) -> None:
    text = "his NHS number is 943 476 5870 and wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    output = engine.rewrite(pa.array([text], pa.large_string()), markup="plain").cells[0].as_py()
    assert "[ID_" in output
    assert "[PHONE" not in output
    assert "[SECRET_" in output
    assert "943" not in output


UNITS = [
    "1 ", "SSN ", "SSN 1", "tel 0", "tel 0 ", "a:", "::", "0:", "1.", "1.1111,", "://", "://a:", "password=", "a-1-",
    "Rue ", "1 Rue ", "1 A ", "St 1 ", "1 A A A A ", "Via A ", "TX 12345 ", "A1 1AA ", "0x", "eyJ", "bc1", "1A1z",
    "00-1A-", "dob 1/", "Str. ", "Weg 1", "+49 ", "(0", "0 0 0 0 ", "token=a1", "4111 ", "passport a1 ",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_a_megabyte_of_anything_is_read_in_a_moment(unit: str) -> None:
    took = []
    for size in (1 << 18, 1 << 20):
        tries = []
        for _ in range(2):
            begun = time.process_time()
            letters, _, _ = read(pa.array([unit * (size // len(unit))], pa.large_string()), "plain")
            find_proofs(letters, tokenize(letters))
            tries.append(time.process_time() - begun)
        took.append(min(tries))
    assert took[1] < 0.2 + 10 * took[0]  # best of two; four times the text: linear is 4, quadratic 16
