"""National and tax numbers: which may stand in a text, and the check digit or rule that proves each.

Rule 1: a number counts only if its own check (python-stdnum, or a published rule where there is no digit) accepts it.
Rule 2: a check that one number in ten passes by chance needs a word before it that says what it is; without a word
only those are believed whose form is their own or whose check few pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from stdnum import luhn
from stdnum.at import tin as at_tin
from stdnum.at import vnr as at_vnr
from stdnum.au import abn as au_abn
from stdnum.au import tfn as au_tfn
from stdnum.be import nn as be_nn
from stdnum.bg import egn as bg_egn
from stdnum.br import cnpj as br_cnpj
from stdnum.br import cpf as br_cpf
from stdnum.ca import sin as ca_sin
from stdnum.cz import rc as cz_rc
from stdnum.de import idnr as de_idnr
from stdnum.de import stnr as de_stnr
from stdnum.dk import cpr as dk_cpr
from stdnum.ee import ik as ee_ik
from stdnum.es import nif as es_nif
from stdnum.eu import vat as eu_vat
from stdnum.fi import hetu as fi_hetu
from stdnum.fr import nif as fr_nif
from stdnum.fr import nir as fr_nir
from stdnum.fr import siren as fr_siren
from stdnum.fr import siret as fr_siret
from stdnum.gb import nhs as gb_nhs
from stdnum.gb import utr as gb_utr
from stdnum.gb import vat as gb_vat
from stdnum.gr import amka as gr_amka
from stdnum.gr import vat as gr_vat
from stdnum.hr import oib as hr_oib
from stdnum.hu import anum as hu_anum
from stdnum.ie import pps as ie_pps
from stdnum.in_ import aadhaar as in_aadhaar
from stdnum.in_ import pan as in_pan
from stdnum.it import codicefiscale as it_cf
from stdnum.jp import cn as jp_cn
from stdnum.jp import in_ as jp_in
from stdnum.lt import asmens as lt_asmens
from stdnum.lv import pvn as lv_pk
from stdnum.nl import bsn as nl_bsn
from stdnum.pl import nip as pl_nip
from stdnum.pl import pesel as pl_pesel
from stdnum.pt import cc as pt_cc
from stdnum.pt import nif as pt_nif
from stdnum.ro import cnp as ro_cnp
from stdnum.se import personnummer as se_pn
from stdnum.si import emso as si_emso
from stdnum.sk import rc as sk_rc
from stdnum.us import ein as us_ein
from stdnum.us import itin as us_itin
from stdnum.us import ssn as us_ssn

Check = Callable[[str], bool]
_EUROPEAN = re.findall(r"\w\w", "at be bg cy cz de dk ee el es fi fr gr hr hu ie it lt lu lv mt nl pl pt ro se si sk")


class IdRule(NamedTuple):
    """A kind of number: its name, its check, its lengths without signs, and the words that announce it."""

    name: str
    check: Check
    lengths: tuple[int, ...]
    words: tuple[str, ...] = ()


def _nino(text: str) -> bool:
    """UK National Insurance: no check digit; the letters are those that are given out."""
    return bool(_NINO.fullmatch(text)) and text[:2] not in _NINO_NEVER


_NINO = re.compile(r"[abceghjklmnoprstwxyz][abceghjklmnprstwxyz]\d{6}[a-d]")
_NINO_NEVER = {"bg", "gb", "kn", "nk", "nt", "tn", "zz"}


def _passport(text: str) -> bool:
    """Passports have no public check digit: a length, digits, and a word that says so (rule 2)."""
    return 6 <= len(text) <= 10 and sum(c.isdigit() for c in text) >= 4 and not text.isalpha()


def _licence(text: str) -> bool:
    return 6 <= len(text) <= 18 and sum(c.isdigit() for c in text) >= 4


def _bic(text: str) -> bool:
    """ISO 9362: bank, country, place, branch; the country must exist."""
    return bool(_BIC.fullmatch(text)) and text[4:6].lower() in _COUNTRIES


_BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")  # in capitals: "swift decision" is none
_COUNTRIES = frozenset(
    re.findall(
        r"\w\w",
        "ad ae af ag ai al am ao ar at au aw az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cd cf cg "
        "ch ci cl cm cn co cr cu cv cw cy cz de dj dk dm do dz ec ee eg er es et fi fj fo fr ga gb gd ge gf gg gh "
        "gi gl gm gn gp gq gr gt gw gy hk hn hr ht hu id ie il im in iq ir is it je jm jo jp ke kg kh km kn kr kw "
        "ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mq mr ms mt mu mv mw mx my mz na "
        "nc ne ng ni nl no np nz om pa pe pf pg ph pk pl pm pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg si "
        "sk sl sm sn so sr ss st sv sy sz tc td tg th tj tl tm tn to tr tt tw tz ua ug us uy uz va vc ve vg vn vu "
        "ws xk ye yt za zm zw",
    )
)
_TAX = ("tax", "tin", "taxpayer")
_SOCIAL = ("ssn", "security", "sozialversicherung", "sozialversicherungsnummer", "svnr")

# the order is the order of belief where several checks accept one number
RULES: tuple[IdRule, ...] = (
    IdRule("us_ssn", us_ssn.is_valid, (9,), _SOCIAL),
    IdRule("us_itin", us_itin.is_valid, (9,), ("itin", *_TAX)),
    IdRule("us_ein", us_ein.is_valid, (9,), ("ein", "fein", "employer")),
    IdRule("gb_nino", _nino, (9,), ("nino", "insurance")),
    IdRule("gb_nhs", gb_nhs.is_valid, (10,), ("nhs",)),
    IdRule("gb_utr", gb_utr.is_valid, (10,), ("utr", *_TAX)),
    IdRule("gb_vat", gb_vat.is_valid, (9, 12), ("vat",)),
    IdRule("ca_sin", ca_sin.is_valid, (9,), ("sin", "nas", "insurance")),
    IdRule("au_tfn", au_tfn.is_valid, (8, 9), ("tfn", *_TAX)),
    IdRule("au_abn", au_abn.is_valid, (11,), ("abn",)),
    IdRule("br_cpf", br_cpf.is_valid, (11,), ("cpf",)),
    IdRule("br_cnpj", br_cnpj.is_valid, (14,), ("cnpj",)),
    IdRule("in_aadhaar", in_aadhaar.is_valid, (12,), ("aadhaar", "aadhar", "uidai")),
    IdRule("in_pan", in_pan.is_valid, (10,), ("pan",)),
    IdRule("jp_in", jp_in.is_valid, (12,), ("mynumber", "individual")),
    IdRule("jp_cn", jp_cn.is_valid, (13,), ("corporate", "hojin")),
    IdRule("at_vnr", at_vnr.is_valid, (10,), _SOCIAL),
    IdRule("at_tin", at_tin.is_valid, (9,), ("steuernummer", "abgabenkontonummer", *_TAX)),
    IdRule("be_nn", be_nn.is_valid, (11,), ("rijksregisternummer", "national", "nn", "rrn", "niss")),
    IdRule("bg_egn", bg_egn.is_valid, (10,), ("egn",)),
    IdRule("cz_rc", cz_rc.is_valid, (9, 10), ("rc", "cislo", "rodne")),
    IdRule("sk_rc", sk_rc.is_valid, (9, 10), ("rc", "cislo", "rodne")),
    IdRule("de_idnr", de_idnr.is_valid, (11,), ("idnr", "steuer", "identifikationsnummer", "steuerid", *_TAX)),
    IdRule("de_stnr", de_stnr.is_valid, (10, 11, 13), ("steuernummer", "stnr")),
    IdRule("dk_cpr", dk_cpr.is_valid, (10,), ("cpr", "personnummer")),
    IdRule("ee_ik", ee_ik.is_valid, (11,), ("isikukood", "ik")),
    IdRule("es_nif", es_nif.is_valid, (9,), ("dni", "nie", "nif", "cif")),
    IdRule("fi_hetu", fi_hetu.is_valid, (10, 11), ("hetu", "henkilotunnus")),
    IdRule("fr_nir", fr_nir.is_valid, (15,), ("nir", "secu", "securite")),
    IdRule("fr_nif", fr_nif.is_valid, (13,), ("fiscal", "spi")),
    IdRule("fr_siret", fr_siret.is_valid, (14,), ("siret",)),
    IdRule("fr_siren", fr_siren.is_valid, (9,), ("siren",)),
    IdRule("gr_amka", gr_amka.is_valid, (11,), ("amka",)),
    IdRule("gr_afm", gr_vat.is_valid, (9,), ("afm",)),
    IdRule("hr_oib", hr_oib.is_valid, (11,), ("oib",)),
    IdRule("hu_anum", hu_anum.is_valid, (8,), ("adoszam",)),
    IdRule("ie_pps", ie_pps.is_valid, (8, 9), ("pps", "ppsn")),
    IdRule("it_cf", it_cf.is_valid, (16, 11), ("fiscale", "cf")),
    IdRule("lt_asmens", lt_asmens.is_valid, (11,), ("asmens", "kodas")),
    IdRule("lv_pk", lv_pk.is_valid, (11,), ("personas", "kods")),
    IdRule("nl_bsn", nl_bsn.is_valid, (9,), ("bsn", "burgerservicenummer", "sofinummer")),
    IdRule("pl_pesel", pl_pesel.is_valid, (11,), ("pesel",)),
    IdRule("pl_nip", pl_nip.is_valid, (10,), ("nip",)),
    IdRule("pt_nif", pt_nif.is_valid, (9,), ("nif", "contribuinte")),
    IdRule("pt_cc", pt_cc.is_valid, (12,), ("cidadao", "cartao")),
    IdRule("ro_cnp", ro_cnp.is_valid, (13,), ("cnp",)),
    IdRule("se_pn", se_pn.is_valid, (10, 12), ("personnummer",)),
    IdRule("si_emso", si_emso.is_valid, (13,), ("emso",)),
    IdRule(
        "eu_vat",
        eu_vat.is_valid,
        tuple(range(8, 16)),
        ("vat", "ust", "ustid", "uid", "tva", "iva", "btw", "moms", "mwst", "mva", "nip", "dph", "alv", "pvm"),
    ),
    IdRule("bic", _bic, (8, 11), ("bic", "swift")),
    IdRule(
        "passport",
        _passport,
        tuple(range(6, 11)),
        (
            *("passport", "passeport", "pasaporte", "reisepass", "passnummer", "passaporto", "paspoort"),
            *("personalausweis", "personalausweisnummer", "ausweisnummer", "perso"),
        ),
    ),
    IdRule(
        "licence",
        _licence,
        tuple(range(6, 19)),
        ("licence", "license", "dl", "fuhrerschein", "fuehrerschein", "permis", "patente", "rijbewijs", "carnet"),
    ),
)
WORDS: dict[str, tuple[IdRule, ...]] = {
    word: tuple(rule for rule in RULES if word in rule.words) for rule in RULES for word in rule.words
}
_PIECE = re.compile(r"[a-zA-Z0-9]+")
_SIGNS = re.compile(r"[ ./\-_:]{0,2}")
_BETWEEN = 24  # letters that may stand between the word and the number: "number (for tax) is: "
_LONGEST = 20
_PIECES = 12
_UNCHECKED = {"passport", "licence"}
_WHOLE = re.compile(r"[A-Za-z0-9]{2,}(?:[ -][A-Za-z0-9]{2,}){0,3}")


def id_after(word: str, text: str) -> tuple[int, int, str] | None:
    """The first number in `text` (what follows `word`) that the rules of the word prove: (start, end, name)."""
    rules = WORDS.get(word, ())
    for start, end, bare in _readings(text):
        for rule in rules:
            if len(bare) in rule.lengths and _holds(rule, bare, text[start:end]):
                return start, end, rule.name
    return None


def _holds(rule: IdRule, bare: str, written: str) -> bool:
    if not any(c.isdigit() for c in bare) and rule.name != "bic":
        return False
    if rule.name == "bic":
        return rule.check(bare)
    if rule.name in _UNCHECKED and not _WHOLE.fullmatch(written):
        return False
    return rule.check(written.lower() if rule.name == "fi_hetu" else bare.lower())


def _readings(text: str) -> Iterator[tuple[int, int, str]]:
    """Runs of letters and digits with a sign or two between them, the longest first from each start."""
    pieces = list(_PIECE.finditer(text))[:_PIECES]
    for first, piece in enumerate(pieces):
        if piece.start() > _BETWEEN:
            return
        ends: list[tuple[int, str]] = []
        bare = ""
        for last in range(first, len(pieces)):
            if last > first and not _SIGNS.fullmatch(text, pieces[last - 1].end(), pieces[last].start()):
                break
            bare += pieces[last][0]
            if len(bare) > _LONGEST:
                break
            ends.append((pieces[last].end(), bare))
        yield from ((piece.start(), end, joined) for end, joined in reversed(ends))


_SHORTEST_FORMED = 11


def _ean13(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    return sum(d * (1 + 2 * (i % 2)) for i, d in enumerate(digits)) % 10 == 0


def _month(text: str) -> bool:
    return 1 <= int(text) <= 12


# ---- without a word: the form is the number's own
_FORMED: tuple[tuple[re.Pattern[str], str, Check], ...] = (
    (re.compile(r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d\d(?!\d)"), "br_cpf", br_cpf.is_valid),
    (re.compile(r"(?<!\d)\d\d\.\d{3}\.\d{3}/\d{4}-\d\d(?!\d)"), "br_cnpj", br_cnpj.is_valid),
    (re.compile(r"(?<!\d)\d\d \d{3} \d{3} \d{3}(?!\d)"), "au_abn", au_abn.is_valid),
    (
        re.compile(r"(?<!\d)[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d\d ?\d{3} ?\d{3} ?\d\d(?!\d)"),
        "fr_nir",
        fr_nir.is_valid,
    ),
    (re.compile(r"(?<!\d)\d\d\.\d\d\.\d\d-\d{3}\.\d\d(?!\d)"), "be_nn", be_nn.is_valid),
    (re.compile(r"(?<!\d)756\.\d{4}\.\d{4}\.\d\d(?!\d)"), "ch_ssn", _ean13),
    (re.compile(r"(?<!\d)(?:19|20)?\d{6}[-+]\d{4}(?!\d)"), "se_pn", se_pn.is_valid),
    (re.compile(r"(?<!\d)\d{6}-\d{5}(?!\d)"), "lv_pk", lv_pk.is_valid),
    (re.compile(r"(?<!\d)\d{3}-\d\d-\d{4}(?!\d)"), "us_ssn", us_ssn.is_valid),
    (re.compile(r"(?<!\d)9\d\d-\d\d-\d{4}(?!\d)"), "us_itin", us_itin.is_valid),
    (re.compile(r"(?<!\d)[1-9]\d{12}(?!\d)"), "ro_cnp", lambda text: ro_cnp.is_valid(text) and _month(text[3:5])),
)


def formed_in(text: str) -> list[tuple[int, int, str]]:
    """Numbers in a digit cluster whose written form and check say what they are, without a word."""
    if len(text) < _SHORTEST_FORMED:
        return []
    return [
        (hit.start(), hit.end(), name)
        for pattern, name, check in _FORMED
        for hit in pattern.finditer(text)
        if check(hit[0])
    ]


_CF = re.compile(r"[a-z]{6}[0-9lmnpqrstuv]{2}[abcdehlmprst][0-9lmnpqrstuv]{2}[a-z][0-9lmnpqrstuv]{3}[a-z]")
_DNI = re.compile(r"(?:\d{8}|[xyz]\d{7})[a-z]")
_HETU = re.compile(r"\d{6}[-+a-fu-y]\d{3}[0-9a-y]")
_VAT = re.compile(r"[a-z]{2}[a-z0-9+*]{7,13}")


def id_of_run(run: str) -> str | None:
    """What a run of letters and digits (folded; dashes and dots inside) is by its own form and check, or None."""
    bare = run.replace("-", "").replace(".", "")
    if len(bare) == 16 and _CF.fullmatch(bare) and it_cf.is_valid(bare):
        return "it_cf"
    if len(bare) == 9 and _DNI.fullmatch(bare) and es_nif.is_valid(bare):
        return "es_nif"
    if len(run) == 11 and _HETU.fullmatch(run) and fi_hetu.is_valid(run):
        return "fi_hetu"
    if len(bare) == 9 and _nino(bare):
        return "gb_nino"
    if 8 <= len(bare) <= 15 and run[:2] in _EUROPEAN and _VAT.fullmatch(bare) and eu_vat.is_valid(bare):
        return "eu_vat"
    return None


def is_card(digits: str) -> bool:
    """A payment card by brand prefix, length and Luhn."""
    return any(len(digits) in lengths and digits.startswith(prefix) for prefix, lengths in _BRANDS) and luhn.is_valid(
        digits
    )


_BRANDS: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...] = (
    (("4",), (13, 16, 19)),
    (("51", "52", "53", "54", "55", *(str(n) for n in range(2221, 2721))), (16,)),
    (("34", "37", "2131", "1800"), (15,)),
    (("300", "301", "302", "303", "304", "305", "36", "38", "39"), (14, 16)),
    (("6011", "644", "645", "646", "647", "648", "649", "65", "62", "60", "81", "82"), (16, 17, 18, 19)),
    (("35",), (16, 17, 18, 19)),  # JCB has 3528 to 3589; generators of test cards use all of 35
    (("50", "56", "57", "58", "63", "67"), (12, 13, 14, 15, 16, 17, 18, 19)),
)
