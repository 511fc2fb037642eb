"""The query log of a fictional tenant: questions its users asked about its people, and what came back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from readingroom.simulation.fiction_people import Cell, Dice, Mark, Person

_AGENTS = ("PowerApps-Web-Player", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/129.0 Safari/537.36")
_QUESTIONS = (
    "Which mails did {name} open last month?",
    "Show me the phone number of {name}",
    "Who works with {name}?",
    "Has {name} given consent?",
)


@dataclass(frozen=True)
class Record:
    """A line of the log, and its marks by column."""

    fields: dict[str, Any]
    marks: dict[str, list[Mark]]


class LogWriter:
    """Writes records about `people`, asked by `users`."""

    def __init__(self, dice: Dice, people: Sequence[Person], *, users: Sequence[Person], tenant: str) -> None:
        self._dice, self._people, self._users, self._tenant = dice, people, users, tenant
        self._organization = dice.guid()

    def record(self, at: datetime) -> Record:
        """One record at an instant."""
        dice = self._dice
        person = dice.pick(self._people)
        update = dice.chance(0.14)
        fields = self._frame(person.kind, at, "Update" if update else "RetrieveMultiple")
        marks = self._update(fields, person) if update else self._query(fields, person)
        return Record(fields, marks)

    def _frame(self, table: str, at: datetime, operation: str) -> dict[str, Any]:
        dice = self._dice
        user = dice.pick(self._users)
        instance = f"https://{self._tenant}-prod.crm.dynamics.com.example/"
        return {
            "Id": dice.guid(),
            "RecordType": 21,
            "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}",
            "Operation": operation,
            "OrganizationId": self._organization,
            "UserType": 0,
            "UserKey": dice.guid().replace("-", "").upper()[:16],
            "Workload": "CRM",
            "ResultStatus": "Success",
            "ObjectId": f"{instance}{table}",
            "UserId": user.email,
            "ClientIP": f"192.0.2.{dice.between(1, 254)}",
            "Version": 1,
            "CrmOrganizationUniqueName": self._tenant,
            "InstanceUrl": instance,
            "ItemType": table,
            "Message": operation,
            "UserAgent": dice.pick(_AGENTS),
            "EntityName": table,
            "ServiceName": "CRM",
            "SystemUserId": user.id,
            "UserUpn": user.email,
            "CorrelationId": dice.guid(),
            "AppName": "Dynamics 365 Marketing",
        }

    def _update(self, fields: dict[str, Any], person: Person) -> dict[str, list[Mark]]:
        name = Cell().name(person, "plain")
        changed = Cell(json.dumps({"emailaddress1": person.email}, ensure_ascii=False))
        changed.find(person, ("email", "json", person.email))
        fields |= {
            "EntityId": person.id,
            "ItemUrl": f"{fields['InstanceUrl']}main.aspx?etn={person.kind}&pagetype=entityrecord&id={person.id}",
            "PrimaryFieldValue": name.text,
            "Fields": changed.text,
            "AdditionalInfo": _information(self._dice, 0, None),
        }
        return {"PrimaryFieldValue": name.marks, "Fields": changed.marks}

    def _query(self, fields: dict[str, Any], person: Person) -> dict[str, list[Mark]]:
        dice = self._dice
        query = dice.pick((_by_name, _by_address, _by_id, _like, _fetch))(person)
        asked = dice.chance(0.2)
        rows = self._returned(person) if dice.chance(0.25) else []
        information = Cell(_information(dice, 1, dice.pick(_QUESTIONS).format(name=person.full) if asked else None))
        if asked:
            information.find(person, ("full_name", "plain", person.full))
        fields |= {"Query": query.text, "QueryResults": person.id, "AdditionalInfo": information.text}
        marks = {"Query": query.marks, "AdditionalInfo": information.marks}
        if rows:
            fields["ReturnedRows"] = rows
            marks |= _row_marks(rows, person)
        return marks

    def _returned(self, person: Person) -> list[dict[str, Any]]:
        key = f"{person.kind}id"
        row = {"@odata.etag": f'W/"{self._dice.between(1000000, 9999999)}"', key: person.id}
        return [row | {"fullname": person.full, "emailaddress1": person.email, "mobilephone": person.phone}]


def _row_marks(rows: list[dict[str, Any]], person: Person) -> dict[str, list[Mark]]:
    kinds = {"fullname": "full_name", "emailaddress1": "email", "mobilephone": "phone"}
    return {
        f"ReturnedRows[{at}].{column}": [Mark(0, len(row[column]), kind, "plain", row[column], row[column], person)]
        for at, row in enumerate(rows)
        for column, kind in kinds.items()
    }


def _information(dice: Dice, rows: int, question: str | None) -> str:
    found: dict[str, Any] = {"DurationMs": dice.between(15, 400), "RowCount": rows}
    return json.dumps(found | ({"NaturalLanguageQuery": question} if question else {}), ensure_ascii=False)


def _by_name(person: Person) -> Cell:
    return (
        Cell(f"{person.kind}s?$filter=fullname eq '")
        .mark("full_name", "query_literal", string=person.full, value=person.full, person=person)
        .say("'&$select=fullname,emailaddress1")
    )


def _by_address(person: Person) -> Cell:
    return (
        Cell(f"{person.kind}s?$filter=contains(emailaddress1,'")
        .mark("email", "query_literal", string=person.email, value=person.email, person=person)
        .say("')")
    )


def _by_id(person: Person) -> Cell:
    return (
        Cell(f"{person.kind}s(")
        .mark("record_id", "url", string=person.id, value=person.id, person=person)
        .say(")?$select=fullname")
    )


def _like(person: Person) -> Cell:
    condition = '<filter type="or"><condition attribute="fullname" operator="like" value="%'
    return Cell(condition).name(person, "lower_case").say('%"/></filter>')


def _fetch(person: Person) -> Cell:
    cell = Cell(f'<fetch version="1.0" mapping="logical"><entity name="{person.kind}"><attribute name="fullname"/>')
    cell.say('<filter><condition attribute="lastname" operator="eq" value="')
    cell.mark("last_name", "query_literal", string=person.last, value=person.full, person=person)
    return cell.say('"/></filter></entity></fetch>')
