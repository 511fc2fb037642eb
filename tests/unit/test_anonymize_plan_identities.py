from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from readingroom.anonymize.authors import authors_of, subjects_of
from readingroom.anonymize.identities import PEOPLE, full_names, people_in, persons_in_json
from readingroom.anonymize.plans import TablePlan, classify

KEY = b"k" * 32


def plan_of(table: str, store: str, batch: pa.RecordBatch) -> TablePlan:
    return classify(table, store, [(field.name, str(field.type)) for field in batch.schema])


def people(table: str, store: str, columns: dict[str, list[object]]) -> list[dict[str, object]]:
    batch = pa.RecordBatch.from_pydict(columns)
    seen: set[str] = set()

    def unseen(pair: str) -> bool:
        return not (pair in seen or seen.add(pair))  # type: ignore[func-returns-value]  # add gives nothing

    found = people_in(plan_of(table, store, batch), batch, unseen=unseen)
    assert all(one.schema == PEOPLE for one in found)
    rows = [row for one in found for row in one.to_pylist()]
    return [{key: value for key, value in row.items() if value} for row in rows]


def test_a_contact_with_everything_and_a_manager() -> None:
    found = people(
        "contact",
        "dataverse",
        {
            "contactid": ["c-1"],
            "firstname": ["Ada"],
            "lastname": ["Example"],
            "emailaddress1": ["ada@example.com"],
            "emailaddress2": [None],
            "followemail": [True],
            "donotphone": [False],
            "mobilephone": ["713-555-0142"],
            "birthdate": [datetime(1980, 1, 2, tzinfo=UTC)],
            "managername": ["Bob Example"],
            "governmentid": ["987-65-4319"],
        },
    )
    assert found == [
        {
            "record_id": "c-1",
            "kind": "contact",
            "given": "Ada",
            "family": "Example",
            "emails": ["ada@example.com"],
            "phones": ["713-555-0142"],
            "birthdate": "1980-01-02",
            "ids": ["987-65-4319"],
        },
        {"kind": "contact", "full": "Bob Example"},
    ]


def test_an_old_address_in_an_interaction_is_learnt_once() -> None:
    columns: dict[str, list[object]] = {
        "ContactId": ["c-1", "c-1", None],
        "EmailAddressUsed": ["old@example.com", "old@example.com", "nobody@example.com"],
        "Recipient": ["713-555-0142", None, None],
    }
    found = people("EmailSent", "interactions", columns)
    assert sorted(str(row.get("emails") or row.get("phones")) for row in found) == [
        "['713-555-0142']",
        "['nobody@example.com']",
        "['old@example.com']",
    ]


def test_forms_and_the_log_name_people() -> None:
    cell = '{"firstname":"Ada","lastname":"Example","emailaddress1":"ada@example.com"}'
    assert people("FormSubmitted", "interactions", {"ContactId": ["c-1"], "SubmittedValues": [cell]}) == [
        {
            "record_id": "c-1",
            "kind": "contact",
            "given": "Ada",
            "family": "Example",
            "emails": ["ada@example.com"],
        }
    ]
    logged = people(
        "activity-log",
        "activity-log",
        {
            "SystemUserId": ["u-1"],
            "UserUpn": ["asker@example.com"],
            "EntityName": ["lead"],
            "EntityId": ["l-1"],
            "PrimaryFieldValue": ["Bob Example"],
            "ReturnedRows": ['[{"contactid":"c-2","fullname":"Cy Example"}]'],
        },
    )
    assert [(row.get("record_id"), row["kind"], row.get("full")) for row in logged] == [
        ("u-1", "user", None),
        ("l-1", "lead", "Bob Example"),
        ("c-2", "contact", "Cy Example"),
    ]


def test_json_that_names_nobody() -> None:
    for text in (None, "", "Ada", "[1, 2]", "{", '{"message":"Ada"}', "[" * 100_000):
        assert persons_in_json(text, record_id="c-1") == []


def test_full_names() -> None:
    batch = pa.RecordBatch.from_pylist([{"given": "Ada", "family": "Example"}, {"full": "Bob"}, {}], schema=PEOPLE)
    assert full_names(batch) == ["Ada Example", "Bob"]


def test_an_unknown_author_counts_for_nothing() -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "msdyncrm_marketingemailid": ["m1", "m2", "m3"],
            "msdyncrm_fromemail": ["A@example.com", "a@example.com ", None],
        }
    )
    plan = plan_of("msdyncrm_marketingemail", "dataverse", batch)
    authors = authors_of(plan, batch, key=KEY)
    assert authors[0] == authors[1] != 0
    assert authors[2] == 0
    assert len(np.unique(subjects_of(plan, batch, key=KEY))) == 3
