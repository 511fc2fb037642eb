from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from readingroom.anonymize import Engine, Preparation, TablePlan, Transformed, classify
from readingroom.anonymize.normalize import subject_tag
from readingroom.anonymize.tagging import LINKS, TAGS
from readingroom.core.errors import Fault, UsageError

TAG_KEY, PSEUDONYM_KEY = b"t" * 32, b"p" * 32
MARKER = "Zoranqua"


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def contacts(count: int = 40) -> pa.RecordBatch:
    rows = range(count)
    return pa.RecordBatch.from_pydict(
        {
            "Id": [guid(i) for i in rows],
            "contactid": [guid(i).upper() for i in rows],
            "fullname": [f"{MARKER} Example{i}" for i in rows],
            "emailaddress1": [f"{MARKER}.{i}@example.com" for i in rows],
            "telephone1": [f"713-555-{i:04d}" for i in rows],
            "birthdate": pa.array(
                [datetime(1950 + i % 3 * 10, 3, 4, tzinfo=UTC) for i in rows], pa.timestamp("us", "UTC")
            ),
            "address1_stateorprovince": ["TX"] * (count - 1) + ["AK"],
            "address1_city": ["Houston"] * (count - 1) + ["Nome"],
            "gendercode": pa.array([1] * count, pa.int64()),
            "statecode": pa.array([0] * count, pa.int64()),
            "description": [f"Met {MARKER} Example{i}" for i in rows],
            "ownerid": [guid(900)] * count,
            "new_secret": [MARKER] * count,
        }
    )


def opens(count: int = 20) -> pa.RecordBatch:
    rows = range(count)
    return pa.RecordBatch.from_pydict(
        {
            "InternalMarketingInteractionId": [guid(5000 + i) for i in rows],
            "ContactId": [guid(i) for i in rows],
            "EmailAddressUsed": [f"{MARKER}.{i}@example.com" for i in rows],
            "EmailDomain": ["example.com"] * (count - 1) + [f"{MARKER}.example"],
            "City": ["Houston"] * count,
            "CountryIsoCode": ["US"] * (count - 1) + ["IS"],
            "UsageType": ["CustomerJourney"] * count,
            "Timestamp": ["6/28/2026 4:34:35 PM +00:00"] * count,
            "UserAgentX": [MARKER] * count,
        }
    )


def log() -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "Id": [guid(7000), guid(7001)],
            "UserUpn": ["asker@example.com"] * 2,
            "ClientIP": ["198.51.100.7"] * 2,
            "EntityName": ["contact", "new_zoranqua"],
            "Query": [f"contacts?$filter=fullname eq '{MARKER} Example1'", None],
            "QueryResults": [f"{guid(1)}, {guid(2)}", ""],
            "ReturnedRows": [f'[{{"contactid":"{guid(1)}","fullname":"{MARKER} Example1"}}]', None],
            "AdditionalInfo": [
                f'{{"RowCount":2,"NaturalLanguageQuery":"Who is {MARKER} Example1?"}}',
                '{"RowCount":0}',
            ],
        }
    )


def plan_of(table: str, store: str, batch: pa.RecordBatch, decisions: Mapping[str, str] | None = None) -> TablePlan:
    columns = [(field.name, str(field.type)) for field in batch.schema]
    return classify(
        table, store, columns, decisions={f"{table}.{column}": how for column, how in (decisions or {}).items()}
    )


def prepare(*tables: tuple[TablePlan, pa.RecordBatch]) -> Engine:
    preparation = Preparation(TAG_KEY, PSEUDONYM_KEY, k=5)
    for plan, batch in tables:
        preparation.learn(plan, batch)
        preparation.count(plan, batch)
    return preparation.engine([plan for plan, _ in tables])


def run(table: str, store: str, batch: pa.RecordBatch) -> Transformed:
    plan = plan_of(table, store, batch)
    people = contacts()
    return prepare((plan_of("contact", "dataverse", people), people), (plan, batch)).transform(plan, batch)


def rows_tagged(done: Transformed, kind: str, value: str, role: str) -> list[int]:
    tag = subject_tag(TAG_KEY, kind, value)
    return [row["row"] for row in done.tags.to_pylist() if row["tag"] == tag and row["role"] == role]


def all_text(done: Transformed) -> str:
    return str(done.batch.to_pydict()).casefold()


@pytest.mark.parametrize(
    ("table", "store", "batch"),
    [
        ("contact", "dataverse", contacts()),
        ("EmailOpened", "interactions", opens()),
        ("activity-log", "activity-log", log()),
    ],
)
def test_no_raw_identifier_is_in_the_output(table: str, store: str, batch: pa.RecordBatch) -> None:
    done = run(table, store, batch)
    text = all_text(done)
    for raw in (MARKER, "555-", guid(1), guid(7000), "198.51", "asker@", "houston", "nome", "example1"):
        assert raw.casefold() not in text
    assert done.tags.schema == TAGS
    assert done.batch.num_rows == batch.num_rows


def test_a_contact_row_is_tagged_by_every_identifier_and_linked() -> None:
    done = run("contact", "dataverse", contacts())
    person = subject_tag(TAG_KEY, "record", guid(3))
    for kind, value in (
        ("record", guid(3)),
        ("email", f"{MARKER.lower()}.3@example.com"),
        ("phone", "(713) 555 0003"),
        ("name", f"Example3, {MARKER}"),
    ):
        assert rows_tagged(done, kind, value, "row") == [3], kind
        assert done.links is not None
        assert {"person": person, "kind": kind, "tag": subject_tag(TAG_KEY, kind, value)} in done.links.to_pylist()
    assert done.links is not None
    assert done.links.schema == LINKS
    assert rows_tagged(done, "record", guid(3), "record") == [3]


def test_quasi_identifiers_are_bands_shared_by_k_rows() -> None:
    done = run("contact", "dataverse", contacts())
    states = done.batch.column("address1_stateorprovince").to_pylist()
    assert "TX" in states
    assert states[-1] is None
    assert set(done.batch.column("birthdate").to_pylist()) <= {"1950-1959", "1960-1969", "1970-1979", None}
    assert done.counts["quasi-identifiers suppressed"] > 0


def test_a_row_id_has_one_pseudonym_in_every_table() -> None:
    people, interactions = contacts(), opens()
    plans = [plan_of("contact", "dataverse", people), plan_of("EmailOpened", "interactions", interactions)]
    engine = prepare((plans[0], people), (plans[1], interactions))
    left = engine.transform(plans[0], people).batch.column("contactid").to_pylist()
    right = engine.transform(plans[1], interactions).batch.column("ContactId").to_pylist()
    assert left[:20] == right


def test_interactions_show_the_hour_shared_codes_and_shared_countries_only() -> None:
    done = run("EmailOpened", "interactions", opens())
    assert set(done.batch.column("Timestamp").to_pylist()) == {"2026-06-28T16:00:00Z"}
    assert "City" not in done.batch.schema.names
    assert "UserAgentX" not in done.batch.schema.names
    assert done.batch.column("CountryIsoCode").to_pylist()[-1] == "[RARE]"
    assert done.batch.column("EmailDomain").to_pylist()[-1] == "[RARE]"
    assert rows_tagged(done, "email", f"{MARKER}.4@example.com", "row") == [4]


def test_spans_of_queries_and_results_lie_on_their_placeholders() -> None:
    done = run("activity-log", "activity-log", log())
    cells = done.batch.to_pydict()
    spans = [row for row in done.tags.to_pylist() if row["start"] >= 0]
    assert {(span["column"], span["role"]) for span in spans} >= {
        ("Query", "literal"),
        ("QueryResults", "result"),
        ("ReturnedRows", "result"),
    }
    for span in spans:
        shown = cells[span["column"]][span["row"]].encode()[span["start"] : span["end"]].decode()
        assert shown
        assert shown.strip("[]").replace("_", "").isalnum()
    results = [span for span in spans if span["column"] == "QueryResults"]
    assert [span["tag"] for span in results] == [subject_tag(TAG_KEY, "record", guid(n)) for n in (1, 2)]
    assert cells["EntityName"] == ["contact", "[NAME]"]
    assert rows_tagged(done, "upn", "asker@example.com", "row") == [0, 1]


def test_a_known_person_has_one_placeholder_in_query_question_and_result() -> None:
    done = run("activity-log", "activity-log", log())
    person = subject_tag(TAG_KEY, "record", guid(1))
    tagged = {row["column"] for row in done.tags.to_pylist() if row["tag"] == person}
    assert tagged >= {"Query", "QueryResults", "ReturnedRows", "AdditionalInfo"}
    cells = {name: done.batch.column(name)[0].as_py() for name in ("Query", "AdditionalInfo", "ReturnedRows")}
    found = {re.findall(r"\[PERSON_\w+\]", cell)[0] for cell in cells.values()}
    assert len(found) == 1


def test_a_confirmed_code_column_still_shows_only_what_is_shared() -> None:
    batch = contacts()
    secrets = pa.array([f"{MARKER}{i}" for i in range(35)] + ["Gold"] * 5)
    batch = batch.set_column(batch.schema.get_field_index("new_secret"), "new_secret", secrets)
    plan = plan_of("contact", "dataverse", batch, {"new_secret": "keep"})
    done = prepare((plan, batch)).transform(plan, batch)
    assert set(done.batch.column("new_secret").to_pylist()) <= {"[RARE]", "Gold"}


def test_a_table_the_engine_was_not_prepared_for_is_refused() -> None:
    people = contacts()
    engine = prepare((plan_of("contact", "dataverse", people), people))
    with pytest.raises(UsageError):
        engine.transform(plan_of("lead", "dataverse", people), people)


def test_uncounted_quasi_identifiers_are_not_shown() -> None:
    people = contacts()
    plan = plan_of("contact", "dataverse", people)
    preparation = Preparation(TAG_KEY, PSEUDONYM_KEY, k=5)
    preparation.learn(plan, people)
    done = preparation.engine([plan]).transform(plan, people)
    assert done.batch.column("birthdate").null_count == people.num_rows


def test_no_rows() -> None:
    for table, store, batch in (("contact", "dataverse", contacts()), ("activity-log", "activity-log", log())):
        assert run(table, store, batch.slice(0, 0)).batch.num_rows == 0


BROKEN: list[tuple[str, pa.Array]] = [
    ("contactid", pa.array([[MARKER]])),
    ("description", pa.array([{"a": MARKER}])),
]


@pytest.mark.parametrize(("column", "cells"), BROKEN)
def test_errors_name_the_table_and_never_a_value(column: str, cells: Any) -> None:
    batch = contacts(1)
    batch = batch.set_column(batch.schema.get_field_index(column), column, cells)
    plan = plan_of("contact", "dataverse", contacts())
    engine = prepare((plan, contacts()))
    with pytest.raises(Fault, match="contact") as caught:
        engine.transform(plan, batch)
    assert MARKER not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
