"""A small fictional tenant in the real layout, for the demo and the tests: seeded, and nobody is meant.

Rule 1: deterministic: seed, name, geo, size and as-of instant decide every byte.
Rule 2: it holds what a real export holds and a reader must master: several versions of a row, deletes, retries of the
same version, a column that came later, a table named after a person, labels with names in them.
Rule 3: gold/ says where its people are named; the product never reads it (`copy check` and the tests do).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from readingroom.simulation.fiction_layout import (
    american,
    layout,
    write_dataverse,
    write_definitions,
    write_interactions,
    write_lines,
)
from readingroom.simulation.fiction_log import LogWriter
from readingroom.simulation.fiction_mails import Mail, MailWriter
from readingroom.simulation.fiction_people import Cell, Census, Dice, Person, fold, host
from readingroom.simulation.fiction_records import Size, Tenant, write_gold
from readingroom.simulation.fiction_words import CODES, COMPANIES, COUNTRIES, JOBS, LANGUAGES

__all__ = ["Size", "write_tenant"]

_CONSENTS = (587030001, 587030002, 587030003, 587030004, 587030005)


def write_tenant(
    directory: Path, name: str, *, seed: int, geo: str, as_of: datetime, size: Size | None = None
) -> dict[str, str]:
    """Write a tenant into the empty or new `directory`; its connection (absolute paths) for `open_sources`."""
    tenant = Tenant(name, geo, size or Size(), as_of.astimezone(UTC).replace(microsecond=0), Dice(seed))
    census = Census(tenant.dice, geo, name.replace("-", " ").title())
    users = [_user(tenant, census.person("systemuser")) for _ in range(tenant.size.users)]
    contacts = [census.person("contact") for _ in range(tenant.size.contacts)]
    living = _contacts(tenant, contacts, users)
    leads = [_lead(tenant, census.person("lead"), users) for _ in range(tenant.size.leads)]
    _accounts(tenant, living, users)
    mails = _mails(tenant, living, users)
    _campaigns(tenant, living, users)
    _interactions(tenant, living, mails)
    directory.mkdir(parents=True, exist_ok=True)
    paths = _places(directory, name)
    write_dataverse(paths["synapse"], name, tenant.tables)
    write_interactions(paths["interactions"], tenant.interactions, (tenant.dice.guid() for _ in range(99)))
    _log(tenant, [*living, *leads], users, folder=paths["activity_log"])
    _definitions(living, paths["entity_definitions"])
    write_gold(tenant, directory / "gold")
    return {kind: str(path) for kind, path in paths.items()}


def _places(directory: Path, name: str) -> dict[str, Path]:
    root = directory.resolve()
    return {
        "synapse": root / f"dataverse-prod-{name}",
        "interactions": root / "interactions",
        "activity_log": root / "activity-log",
        "entity_definitions": root / "schema" / "EntityDefinitions.json",
    }


def _user(tenant: Tenant, person: Person) -> Person:
    cells: dict[str, Any] = {
        "Id": person.id,
        "firstname": person.first,
        "lastname": person.last,
        "fullname": person.full,
    }
    cells |= {"domainname": person.email, "internalemailaddress": person.email, "mobilephone": person.phone}
    cells |= {"jobtitle": tenant.dice.pick(JOBS), "isdisabled": False}
    tenant.add("systemuser", cells, tenant.past())
    return person


def _contacts(tenant: Tenant, contacts: Sequence[Person], users: Sequence[Person]) -> list[Person]:
    """Write the contacts with their versions; those that are not deleted."""
    dice = tenant.dice
    living = []
    for number, person in enumerate(contacts):
        row = tenant.add("contact", _contact(tenant, person, users), tenant.past())
        if dice.chance(0.12):
            tenant.again("contact", row, {"jobtitle": dice.pick(JOBS), "msgdpr_gdprconsent": dice.pick(_CONSENTS)})
        elif dice.chance(0.06):
            tenant.again("contact", row, {})
        if number % 33 == 5:
            tenant.delete("contact", tenant.tables["contact"][-1])
            tenant.deleted.append(person.id)
        else:
            living.append(person)
            _note_about(tenant, person)
    return living


def _contact(tenant: Tenant, person: Person, users: Sequence[Person]) -> dict[str, Any]:
    dice = tenant.dice
    words = LANGUAGES[person.language]
    owner = dice.pick(users).id
    birth = datetime(dice.between(1950, 2003), dice.between(1, 12), dice.between(1, 28), tzinfo=UTC)
    return {
        "Id": person.id,
        "ownerid": owner,
        "createdby": owner,
        "firstname": person.first,
        "lastname": person.last,
        "fullname": person.full,
        "jobtitle": dice.pick(JOBS),
        "emailaddress1": person.email,
        "mobilephone": person.phone,
        "birthdate": birth if dice.chance(0.5) else None,
        "description": f"Prefers e-mail. Met {person.full} in spring." if dice.chance(0.3) else None,
        "address1_line1": f"{dice.between(1, 240)} {dice.pick(words.streets)}",
        "address1_city": dice.pick(words.cities),
        "address1_postalcode": f"{dice.between(10000, 99999)}",
        "address1_country": COUNTRIES[person.language],
        "preferredcontactmethodcode": dice.between(1, 4),
        "donotbulkemail": dice.chance(0.1),
        "donotemail": False,
        "followemail": True,
        "msgdpr_gdprconsent": dice.pick(_CONSENTS),
        "msgdpr_donottrack": dice.chance(0.1),
    }


def _note_about(tenant: Tenant, person: Person) -> None:
    """Mark the contact's own name in its description, where there is one."""
    cells = next(row.cells for row in reversed(tenant.tables["contact"]) if row.cells["Id"] == person.id)
    cell = Cell(cells.get("description") or "").find(person, ("full_name", "plain", person.full))
    tenant.plant("dataverse", ("contact", person.id, "description"), cell.marks)


def _lead(tenant: Tenant, person: Person, users: Sequence[Person]) -> Person:
    dice = tenant.dice
    cells: dict[str, Any] = {
        "Id": person.id,
        "firstname": person.first,
        "lastname": person.last,
        "fullname": person.full,
    }
    cells |= {"companyname": person.company, "emailaddress1": person.email, "mobilephone": person.phone}
    cells |= {"subject": f"Interested in {dice.pick(LANGUAGES['en'].topics)}", "ownerid": dice.pick(users).id}
    cells |= {"address1_city": dice.pick(LANGUAGES[person.language].cities), "leadsourcecode": dice.between(1, 9)}
    tenant.add("lead", cells, tenant.past())
    return person


def _accounts(tenant: Tenant, living: Sequence[Person], users: Sequence[Person]) -> None:
    dice = tenant.dice
    for at, company in enumerate(COMPANIES):
        cells: dict[str, Any] = {"Id": dice.guid(), "name": company, "accountnumber": f"A-{dice.between(10000, 99999)}"}
        cells |= {"primarycontactid": dice.pick(living).id, "ownerid": dice.pick(users).id}
        cells |= {"emailaddress1": f"info@{host(company)}", "numberofemployees": dice.between(3, 900)}
        row = tenant.add("account", cells, tenant.past())
        tenant.tables["account"][-1] = replace(row, narrow=at % 3 > 0)
    tenant.tables["account"].sort(key=lambda row: not row.narrow)  # narrow rows were written before the column came
    for row in [row for row in tenant.tables["account"] if not row.narrow]:
        tenant.again("account", row, {"new_salesregion": dice.pick(("North", "South", "West"))})


def _mails(tenant: Tenant, living: Sequence[Person], users: Sequence[Person]) -> list[str]:
    dice = tenant.dice
    writer = MailWriter(dice, living, users=users, geo=tenant.geo)
    found = []
    for number in range(tenant.size.mails):
        mail = writer.write(f"https://news.{tenant.name}.example/page-{dice.between(1, 60)}")
        one = dice.guid()
        row = tenant.add(
            "msdyncrm_marketingemail",
            _mail_cells(tenant, mail, one=one, number=number, owner=dice.pick(users).id),
            tenant.past(),
        )
        if dice.chance(0.05):
            tenant.again("msdyncrm_marketingemail", row, {} if dice.chance(0.5) else {"statuscode": 192350001})
        gone = number % 60 == 30
        if gone:
            tenant.delete("msdyncrm_marketingemail", tenant.tables["msdyncrm_marketingemail"][-1])
        else:
            found.append(one)
        tenant.plant("dataverse", ("msdyncrm_marketingemail", one, "msdyncrm_emailbody"), mail.body.marks)
        tenant.labels.append((one, mail.label, int(gone)))
    return found


def _mail_cells(tenant: Tenant, mail: Mail, *, one: str, number: int, owner: str) -> dict[str, Any]:
    sender = f"news@{tenant.name}.example" if mail.sender is None else mail.sender.email
    name = tenant.name.title() if mail.sender is None else mail.sender.full
    return {
        "Id": one,
        "statuscode": 192350000,
        "ownerid": owner,
        "msdyncrm_name": f"Mail {number + 1}",
        "msdyncrm_subject": mail.subject,
        "msdyncrm_emailbody": mail.body.text,
        "msdyncrm_fromname": name,
        "msdyncrm_fromemail": sender,
        "msdyncrm_replytoemail": sender,
        "msdyncrm_to": "{{contact.emailaddress1}}",
        "msdyncrm_messagedesignation": 0,
        "msdyncrm_email_contenttype": 0,
        "msdyncrm_email_contentlanguage": CODES[mail.language],
        "msdyncrm_automaticallygeneratetextpart": True,
    }


def _campaigns(tenant: Tenant, living: Sequence[Person], users: Sequence[Person]) -> None:
    """Forms, submissions, segments, journeys and events."""
    dice = tenant.dice
    topics = LANGUAGES["en"].topics
    form = dice.guid()
    cells: dict[str, Any] = {
        "Id": form,
        "ownerid": dice.pick(users).id,
        "msdyncrm_name": "Contact form",
        "msdyncrm_purpose": 4,
    }
    tenant.add("msdyncrm_marketingform", cells, tenant.past())
    for person in dice.some(living, 30):
        one = dice.guid()
        values = json.dumps(
            {
                "firstname": person.first,
                "lastname": person.last,
                "emailaddress1": person.email,
                "message": "Please call.",
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        cell = Cell(values).find(person, ("email", "json", person.email), ("last_name", "json", person.last))
        cells = {"Id": one, "msdyncrm_marketingformid": form, "msdyncrm_matchedcontactid": person.id}
        cells |= {"msdyncrm_formname": "Contact form", "msdyncrm_submittedvalues": values}
        tenant.add("msdyncrm_marketingformsubmission", cells, tenant.past(90))
        tenant.plant("dataverse", ("msdyncrm_marketingformsubmission", one, "msdyncrm_submittedvalues"), cell.marks)
    for topic in topics[:6]:
        cells = {
            "Id": dice.guid(),
            "ownerid": dice.pick(users).id,
            "msdyncrm_segmentname": f"People who like {topic}",
        }
        members = [f"crm({person.id})" for person in dice.some(living, 8)]
        cells |= {"msdyncrm_segmentmemberids": json.dumps(members, separators=(",", ":")), "msdyncrm_segmentsize": 8}
        tenant.add("msdyncrm_segment", cells, tenant.past())
        cells = {
            "Id": dice.guid(),
            "ownerid": dice.pick(users).id,
            "msdyncrm_name": f"Journey: {topic}",
        }
        tenant.add("msdyncrm_customerjourney", cells | {"msdyncrm_isrecurring": False}, tenant.past())
        cells = {
            "Id": dice.guid(),
            "ownerid": dice.pick(users).id,
            "msevtmgt_name": f"Evening about {topic}",
        }
        tenant.add("msevtmgt_event", cells | {"msevtmgt_maximumeventcapacity": dice.between(20, 200)}, tenant.past())


def _interactions(tenant: Tenant, living: Sequence[Person], mails: Sequence[str]) -> None:
    dice = tenant.dice
    found = tenant.interactions
    for name in ("EmailSent", "EmailDelivered", "EmailOpened", "EmailClicked", "FormSubmitted", "ContactDeleted"):
        found[name] = []
    organization = dice.guid()
    for mail in mails:
        for person in dice.some(living, tenant.size.sends_per_mail):
            at = tenant.past(180)
            about: dict[str, Any] = {
                "ContactId": person.id,
                "MessageId": mail,
                "EmailDomain": person.email.partition("@")[2],
            }
            about |= {"UsageType": "CustomerJourney", "OrganizationId": organization, "Version": 1, "SourceSystem": 1}
            steps = ["EmailSent", "EmailDelivered"] if dice.chance(0.97) else ["EmailSent"]
            steps += ["EmailOpened"] if len(steps) == 2 and dice.chance(0.35) else []
            steps += ["EmailClicked"] if len(steps) == 3 and dice.chance(0.2) else []
            for step in steps:
                at += timedelta(seconds=dice.between(1, 4000 if step == "EmailOpened" else 30))
                own = {"InternalMarketingInteractionId": dice.guid(), "InteractionType": step, "DeliveredCount": 1}
                found[step].append(about | own | {"Timestamp": f"{american(at)} +00:00"})
    for person in dice.some(living, 25):
        one = dice.guid()
        cell = Cell(json.dumps({"emailaddress1": person.email})).find(person, ("email", "json", person.email))
        row: dict[str, Any] = {
            "ContactId": person.id,
            "InternalMarketingInteractionId": one,
            "SubmittedValues": cell.text,
        }
        row |= {"InteractionType": "FormSubmitted", "OrganizationId": organization}
        found["FormSubmitted"].append(row | {"Timestamp": f"{american(tenant.past(180))} +00:00"})
        tenant.plant("interactions", ("FormSubmitted", one, "SubmittedValues"), cell.marks)
    for gone in tenant.deleted:
        row = {"DeletedContactId": gone, "InteractionType": "ContactDeleted", "OrganizationId": organization}
        found["ContactDeleted"].append(row | {"Timestamp": f"{american(tenant.past(30))} +00:00"})


def _log(tenant: Tenant, people: Sequence[Person], users: Sequence[Person], *, folder: Path) -> None:
    writer = LogWriter(tenant.dice, people, users=users, tenant=tenant.name)
    times = sorted(tenant.past(60) for _ in range(tenant.size.records))
    records = [writer.record(at) for at in times]
    for record in records:
        for column, marks in record.marks.items():
            tenant.plant("activity-log", (record.fields["EntityName"], record.fields["Id"], column), marks)
    half = len(records) // 2
    write_lines(folder / "AuditLog_1.json.gz", [record.fields for record in records[:half]])
    write_lines(folder / "AuditLog_2.json", [record.fields for record in records[half:]])


def _definitions(living: Sequence[Person], path: Path) -> None:
    """The tables of the export, three custom ones that name nobody, and two that are named after people (P26)."""
    first, second = living[0], living[1]
    joined = fold(first.first) + fold(first.last)
    tables: dict[str, Sequence[tuple[str, str]]] = dict(layout()["dataverse"])
    tables |= {
        "new_region": [("new_regionid", "guid"), ("new_code", "string")],
        "new_contractterms": [("new_clause", "string"), ("new_amount", "double")],
        "cr1a_weatherstation": [("cr1a_latitude", "double"), ("cr1a_longitude", "double")],
        f"new_{joined}_orders": [("new_amount", "double"), (f"new_call_{fold(second.last)}", "boolean")],
        f"cr1a_{fold(second.last)}notes": [("cr1a_text", "string")],
    }
    labels = {f"new_{joined}_orders": f"Orders of {first.full}", "new_region.": f"Ask {second.full}, {second.phone}"}
    write_definitions(path, tables, labels)
