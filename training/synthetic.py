# ruff: noqa: E501 - sentences and forms read best on one line
"""Made-up mail in English, French, Spanish and German with labelled names, places, organizations, addresses and dates.

The sentences were written for this project; names come from the public lists of the package. Nothing here was taken
from a corpus. Same seed, same documents.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from readingroom.anonymize.lexicon import _lines

_STREETS_EN = (
    "Street St St. Avenue Ave Ave. Road Rd Lane Ln Drive Dr Boulevard Blvd Court Way Place Square Terrace Close"
)
_STREETS_EN += " Crescent Parkway Highway Row Gardens Hill Circle Trail Loop Ridge Walk Mews Grove View Park Point Run"
_TOWNS = "Springfield Riverton Oakdale Brighton Lakewood Fairview Millbrook Ashford Kingsport Newhaven Westport Bolton"
_TOWNS += " Hamburg München Köln Leipzig Stuttgart Lyon Lille Nantes Bordeaux Toulouse Sevilla Valencia Zaragoza Bilbao"
_TOWNS += " Málaga Torino Bologna Utrecht Rotterdam Antwerpen Porto Dublin Leeds Boston Denver Austin Seattle Toronto"
_TOWN_ENDS = "ville ton burg ford field port mouth stad berg shire bury land side view"
_LANDS = "Germany France Spain Italy Canada Mexico Brazil India Japan Norway Poland Texas Ohio Kent Bavaria Deutschland"
_LANDS += " España Francia Italia Alemania Allemagne Espagne Frankreich Österreich Suisse California Oregon Yorkshire"
_ORGS = (
    "Inc Inc. LLC Ltd Ltd. Limited Corp Corp. Corporation plc PLC Group Holdings Partners Associates Company Co. GmbH"
)
_ORGS += " AG SE SA SAS SARL S.L. Bank University Hospital Foundation Institute Industries Systems Services Consulting"
_STATES = "AL AZ CA CO CT FL GA IL IN KS MA MD MI MN MO NC NJ NY OH OR PA TX UT VA WA WI"
_MONTHS = (
    "January February March April May June July August September October November December Jan Feb Mar Apr Jun Jul"
)
_MONTHS += " Aug Sep Sept Oct Nov Dec"
_MONTHS_DE = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
_MONTHS_FR = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_MONTHS_ES = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri"
# {p} full name, {g} given, {f} family, {o} organization, {l} town or land, {a} address, {d} date, {n} number
_EN = """Hi {g},|Dear {g},|Dear Mr. {f},|Dear Ms {f},|Hello {g} and {g},|{g},|{g} -|Good morning {g}!|Hey {g}
Thanks,\\n{g}|Best regards,\\n{p}|Regards,\\n\\n{p}\\nAccount Manager\\n{o}|Cheers, {g}|Sincerely,\\n{p}\\n{o}\\n{a}|- {g}
I spoke with {p} from {o} about the contract on {d}.|Please send the invoice to {a}.|Our office moved to {a}.
{g} said the Quarterly Report is late, so {p} will call the Sales Team.|My name is {p} and I live in {l}.
The Board of Directors met in {l} on {d}.|Order {n} was shipped to {p}, {a} on {d}.|Cc: {p}; {p}|From: {p}|To: {f}, {g}
Please update the Billing Address: {a}|Did {g} get the Purchase Order from {o}?|{p} works for {o} in {l}.
The Account Number is {n} and the Reference Code is missing.|Terms and Conditions apply to the Annual Plan.
Can we meet {g} and {p} in {l} next week?|I was born on {d} in {l}.|Deliver it to {a} before {d}, please.
The applicant, {p}, was represented by Mr {p}, a lawyer practising in {l}.|On {d} the Court of {l} dismissed the claim.
{f} told {g} that {o} had signed.|Ask {f} or {g} {f}.|RE: Meeting with {p}|FW: Notes from {g}|Attendees: {p}, {p}, {p}
According to {g}, the Customer Success Team will open the Support Ticket.|Judge {f} heard the case on {d}.
Phone: {n}\\nName: {p}\\nCompany: {o}\\nAddress: {a}|Patient: {p}, seen on {d} by Dr. {f}.|We love {l}!|Contact {p} ({o})
Happy New Year from the whole Team.|The Product Manager and the Chief Executive Officer agreed.|See Section {n} of the Act.
If you have any Questions, please Contact Us or visit our Help Center.|Privacy Policy | Terms of Service | Unsubscribe
{p}'s card was charged.|I think {g}'s address is {a}.|Send {f}'s report to {g}.|Visit us at {a} in {l}.|{d}: call {p}"""
_FR = """Bonjour {g},|Cher {g},|Chère Madame {f},|Cordialement,\\n{p}|Monsieur {f} habite {a}.|J'ai vu {p} à {l} le {d}.
Merci {g} !|La société {o} se trouve à {l}.|Le Conseil d'administration de {o} se réunit le {d}.|Né le {d} à {l}, {p}."""
_ES = """Hola {g}:|Estimado {g}:|Estimada señora {f}:|Un saludo,\\n{p}|El señor {f} vive en {a}.|Vi a {p} en {l} el {d}.
Gracias, {g}.|La empresa {o} está en {l}.|Nacido el {d} en {l}, {p} trabaja en {o}.|Dirección: {a}"""
_DE = """Hallo {g},|Liebe {g},|Sehr geehrter Herr {f},|Sehr geehrte Frau {f},|Mit freundlichen Grüßen\\n{p}|Viele Grüße\\n{g}
Herr {f} wohnt in {a}.|Am {d} traf ich {p} in {l}.|Die Firma {o} hat ihren Sitz in {l}.|Die Rechnung und der Vertrag liegen
im Büro.|Bitte schicken Sie das Angebot an {p}, {a}.|Geboren am {d} in {l}.|Der Kunde hat die Lieferung am {d} erhalten."""


class _Maker:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.given = _lines("names-given")
        self.family = _lines("names-family")

    def pick(self, words: str | list[str]) -> str:
        some = words.split() if isinstance(words, str) else words
        return str(some[int(self.rng.integers(0, len(some)))])

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def one(self, kind: str, lang: str) -> tuple[str, str]:
        """(text, label) of one value; no label: a plain number."""
        given, family = self.pick(self.given).capitalize(), self.pick(self.family).capitalize()
        if kind == "n":
            return str(self.number(3, 99999)), ""
        if kind == "g":
            return given, "PERSON"
        if kind == "f":
            return family, "PERSON"
        if kind == "p":
            forms = (f"{given} {family}", f"{given} {family}", f"{given} {family}", f"{given} {given[0]}. {family}",
                     f"{given[0]}. {family}", f"{family}, {given}", f"{given} {family}-{family}",
                     f"{given} {family}".upper(), f"{given} {family}".lower(), f"{given[0]}.{given[0]}. {family}")  # fmt: skip
            return self.pick(list(forms)), "PERSON"
        if kind == "l":
            return self.pick([self.town(), self.pick(_LANDS), self.town()]), "LOCATION"
        if kind == "o":
            forms = (f"{family} {self.pick(_ORGS)}", f"{family} & {self.pick(self.family).capitalize()}",
                     f"{family}, {self.pick(self.family).capitalize()} and {self.pick(self.family).capitalize()}",
                     f"{family}-{self.pick(self.family).capitalize()}", f"{family} and Sons")  # fmt: skip
            return self.pick(list(forms)), "ORG"
        return (self.date(lang), "DATE") if kind == "d" else (self.address(lang), "ADDRESS")

    def town(self) -> str:
        made = self.pick(self.family).capitalize() + self.pick(_TOWN_ENDS)
        forms = [self.pick(_TOWNS), made, f"{self.pick('North South East West New Port Lake Saint')} {made}"]
        return self.pick(forms)

    def date(self, lang: str) -> str:
        year, month, day = self.number(1930, 2030), self.number(1, 13), self.number(1, 29)
        if lang == "de":
            return self.pick([f"{day}. {self.pick(_MONTHS_DE)} {year}", f"{day:02}.{month:02}.{year}"])
        if lang in {"fr", "es"}:
            named = (
                f"{day} {self.pick(_MONTHS_FR)} {year}"
                if lang == "fr"
                else f"{day} de {self.pick(_MONTHS_ES)} de {year}"
            )
            return self.pick([named, f"{day:02}/{month:02}/{year}"])
        name = self.pick(_MONTHS)
        return self.pick([f"{day} {name} {year}", f"{name} {day}, {year}", f"{name} {day}", f"{name} {year}",
                          f"{month}/{day}/{year}", f"{year}-{month:02}-{day:02}", f"{day}-{name[:3]}-{year}",
                          f"{self.pick(_DAYS)}, {name} {day}, {year}", f"{day} {name}", f"{day}th of {name} {year}",
                          f"{month:02}/{day:02}/{year % 100:02}"])  # fmt: skip

    def address(self, lang: str) -> str:
        name, house, sep = self.pick(self.family).capitalize(), self.number(1, 9999), self.pick(["\n", ", ", ", ", " "])
        if lang == "fr":
            return f"{house % 200 + 1}, {self.pick('rue avenue boulevard place')} {self.pick(['de ', ''])}{name}{sep}{self.number(10000, 95999)} {self.town()}"
        if lang == "es":
            return f"{self.pick(['Calle', 'C/', 'Avenida', 'Avda.', 'Plaza', 'Paseo'])} {name} {house % 200 + 1}{sep}{self.number(10000, 52999)} {self.town()}"
        if lang == "de":
            street = self.pick(
                [f"{name}straße", f"{name}str.", f"{name}weg", f"{name}platz", f"{name}gasse", f"{name}allee"]
            )
            return f"{street} {house % 200 + 1}{sep}{self.number(10000, 99999)} {self.town()}"
        street = f"{house} {self.pick(['', '', 'N. ', 'West ', 'East '])}{name} {self.pick(_STREETS_EN)}"
        unit = self.pick(
            ["", "", "", f" Apt. {house % 900}", f", Suite {house % 900}", f"{sep}Unit {house % 90}", f" #{house % 90}"]
        )
        code = (
            f"{self.pick('AB BS CF EH GL LS M N OX SW W')}{house % 20 + 1} {house % 9 + 1}{self.pick('AA BD JL XY ZP')}"
        )
        tail = self.pick(["", f"{sep}{self.town()}, {self.pick(_STATES)} {self.number(10000, 99999)}", f"{sep}{self.town()}{sep}{code}",
                          f"{sep}{self.town()}, {self.pick(_STATES)}", f"{sep}{self.town()}", f"{sep}{self.town()} {self.number(10000, 99999)}"])  # fmt: skip
        return self.pick([street + unit + tail, street + unit + tail, f"P.O. Box {house}{tail}" if tail else street,
                          f"Flat {house % 90}{sep}{street}{tail}"])  # fmt: skip


def documents(count: int, seed: int) -> list[dict[str, Any]]:
    """Documents in the format of the corpora."""
    maker = _Maker(seed)
    sources = {"en": _EN, "fr": _FR, "es": _ES, "de": _DE}
    lines = {lang: [part for line in text.splitlines() for part in line.split("|")] for lang, text in sources.items()}
    found = []
    for number in range(count):
        lang = maker.pick(["en", "en", "en", "fr", "es", "de"])
        text, spans = "", []
        for _ in range(maker.number(3, 9)):
            template = maker.pick(lines[lang]).replace("\\n", "\n")
            at = 0
            while at < len(template):
                if template[at] == "{" and template[at + 2 : at + 3] == "}":
                    value, label = maker.one(template[at + 1], lang)
                    if label:
                        spans.append([len(text), len(text) + len(value), label])
                    text += value
                    at += 3
                else:
                    text += template[at]
                    at += 1
            text += maker.pick([" "] if maker.rng.random() < 0.4 else ["\n"])
        found.append({"id": f"synthetic-{number}", "text": text, "spans": spans})
    return found
