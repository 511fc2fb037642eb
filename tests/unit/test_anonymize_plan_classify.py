from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.plans import NO_RULE, NOT_LISTED, TRIGGER, classify
from readingroom.anonymize.treatments import Action, Treatment, described
from readingroom.core.errors import UsageError


@pytest.mark.parametrize("text", described())
def test_every_treatment_reads_back_as_it_is_written(text: str) -> None:
    assert str(Treatment.parse(text)) == text


@pytest.mark.parametrize("text", ["raw", "keep(all)", "pseudonym", "pseudonym(cat)", "generalize()", "", "drop drop"])
def test_what_is_no_treatment_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        Treatment.parse(text)


def test_an_unknown_table_is_not_copied() -> None:
    plan = classify("new_adaexample", "dataverse", [("new_name", "string")])
    assert (plan.allowed, plan.reason, plan.columns) == (False, NOT_LISTED, ())


def test_an_unknown_column_is_withheld_until_a_person_confirms_it() -> None:
    columns = [("accountid", "guid"), ("new_region", "string")]
    assert classify("account", "dataverse", columns).withheld == (("new_region", NO_RULE),)
    plan = classify("account", "dataverse", columns, decisions={"Account.New_Region": "keep"})
    assert plan.withheld == ()
    confirmed = plan.column("NEW_REGION")
    assert confirmed is not None
    assert (str(confirmed.treatment), confirmed.origin) == ("keep", "confirmed")


@pytest.mark.parametrize(
    ("column", "decision"),
    [
        ("emailaddress1", "keep"),
        ("fullname", "text"),
        ("birthdate", "keep"),
        ("birthdate", "generalize(time)"),
        ("description", "keep"),
        ("contactid", "keep"),
    ],
)
def test_a_decision_never_shows_what_the_classification_hides(column: str, decision: str) -> None:
    with pytest.raises(UsageError, match=f"contact.{column}"):
        classify("contact", "dataverse", [(column, "string")], decisions={f"contact.{column}": decision})


@pytest.mark.parametrize(("column", "decision"), [("statecode", "withhold"), ("description", "drop")])
def test_a_decision_may_hide_more(column: str, decision: str) -> None:
    plan = classify("contact", "dataverse", [(column, "string")], decisions={f"contact.{column}": decision})
    assert plan.shown == ()


def test_a_schema_holds_names_and_types_and_nothing_else() -> None:
    columns = [(name, "string") for name in ("TableLogicalName", "ColumnType", "DisplayName", "Description")]
    plan = classify("entity-definitions", "schema", columns)
    assert [column.name for column in plan.shown] == ["TableLogicalName", "ColumnType"]
    assert [name for name, _ in plan.withheld] == ["DisplayName", "Description"]


def test_deletions_are_triggers_and_not_rows() -> None:
    for table in ("ContactDeleted", "EntityDeleted", "contactdeleted"):
        plan = classify(table, "interactions", [("DeletedContactId", "guid")])
        assert (plan.allowed, plan.reason) == (False, TRIGGER)


def test_the_mail_table_says_what_a_reviewer_looks_at() -> None:
    columns = [(f"msdyncrm_{name}", "string") for name in ("marketingemailid", "emailbody", "subject", "fromemail")]
    plan = classify("msdyncrm_marketingemail", "dataverse", columns)
    assert (plan.item_kind, plan.record, plan.author) == (
        "mail",
        "msdyncrm_marketingemailid",
        "msdyncrm_fromemail",
    )
    body = plan.column("msdyncrm_emailbody")
    assert body is not None  # CDM calls it an "email"
    assert body.treatment.action is Action.HTML


def test_an_interaction_belongs_to_whoever_any_of_its_keys_names() -> None:
    names = ("ContactId", "LeadId", "EntityId", "EmailAddressUsed", "RecipientPhoneNumber", "VisitorId")
    plan = classify("SmsSent", "interactions", [(name, "string") for name in names])
    assert {(column.name, column.role) for column in plan.columns} == {(name, "row") for name in names}
    assert {column.name for column in plan.columns if not column.shown} == {"EmailAddressUsed", "RecipientPhoneNumber"}


def test_a_flag_about_phones_is_no_phone() -> None:
    plan = classify("lead", "dataverse", [("donotphone", "boolean"), ("telephone2", "string")])
    assert [str(column.treatment) for column in plan.columns] == ["keep", "drop"]


def test_every_listed_column_has_a_treatment_or_is_withheld_and_no_direct_type_is_kept() -> None:
    listed = shipped()
    direct = {"email", "phone", "firstName", "lastName", "fullName", "governmentId", "addressLine", "postalCode"}
    for store in ("dataverse", "interactions"):
        for table, facts in listed.cdm[store].items():
            for column, declared in facts["columns"].items():
                found = listed.treatment(table, store, column=column)
                if declared in direct and found is not None:
                    assert found[0].action is not Action.KEEP, (table, column)


def test_every_interaction_type_keeps_no_address_and_no_place_finer_than_a_state() -> None:
    hidden = {"city", "postalcode", "emailaddressused", "recipient", "recipientphonenumber", "usercontactpoint"}
    for table, facts in shipped().cdm["interactions"].items():
        plan = classify(table, "interactions", [(column, "string") for column in facts["columns"]])
        assert not hidden & {column.name for column in plan.shown}, table
        if plan.allowed:
            time = plan.column("timestamp")
            assert time is not None
            assert str(time.treatment) == "generalize(time)"


@pytest.mark.quality
def test_no_direct_column_of_the_tenant_is_kept(shared: Path) -> None:
    tables: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with (shared / "data/tenants/enron/gold/columns.csv").open(encoding="utf-8") as gold:
        for row in csv.DictReader(gold):
            tables[row["store"], row["table"]].append(row)
    counts: dict[str, int] = defaultdict(int)
    for (store, table), rows in tables.items():
        plan = classify(table, store, [(row["column"], row["type"]) for row in rows])
        for row in rows:
            column = plan.column(row["column"])
            counts[f"{row['class']}: {column.treatment.action if column else 'withheld'}"] += 1
            if column is not None and row["class"] in {"direct", "free_text"}:
                assert column.treatment.action is not Action.KEEP, (table, row["column"])
    print(dict(counts))
