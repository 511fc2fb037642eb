"""What a notice must say before it can be published."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from readingroom.core.errors import UsageError
from readingroom.core.settings import Limits
from readingroom.engagement.notice import template
from readingroom.engagement.notice_form import TEXTS, check_email, check_kept, parse_notice

TEXT = template().decode()
PLACES = [(section, key) for section, keys in TEXTS.items() for key in keys]


def without(section: str, key: str) -> str:
    """The shipped notice without one entry."""
    head, table, rest = TEXT.partition(f"\n[{section}]\n")
    assert table
    changed = re.sub(rf'(?ms)^{key} = ("""(.*?)"""|"[^"\n]*")\n', "", rest, count=1)
    assert changed != rest
    return head + table + changed


def test_the_shipped_notice_is_whole_and_kept_by_the_default_limits() -> None:
    form = parse_notice(template())
    check_kept(form, Limits())
    assert form.retention_days == {"marketing": 30, "query": 30, "schema": 365}
    ids = {purpose.id for purpose in form.purposes}
    assert ids >= {"spam-checker", "send-time-scheduler", "query-assist", "schema-classifier"}
    assert ids >= {"review", "subject-request", "check"}
    assert [section.heading for section in form.sections][-1] == "Exhibit B"
    assert all(paragraph for section in form.sections for paragraph in section.paragraphs)


def test_the_shipped_notice_names_no_vendor() -> None:
    assert not re.search(r"microsoft|dynamics|azure|dataverse|power platform", TEXT, re.IGNORECASE)


@pytest.mark.parametrize(("section", "key"), PLACES)
def test_a_missing_entry_is_named(section: str, key: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"[{section}] {key} is missing")):
        parse_notice(without(section, key).encode())


@pytest.mark.parametrize("section", [section for section in TEXTS if "." not in section])
def test_a_missing_section_is_named(section: str) -> None:
    renamed = TEXT.replace(f"[{section}]", "[other]").replace(f"[{section}.", "[other.")
    renamed = renamed.replace(f"[[{section}.", "[[other.")
    with pytest.raises(UsageError, match=section):
        parse_notice(renamed.encode())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("marketing_days = 30", "marketing_days = 31", "marketing_days must be between 1 and 30"),
        ("query_days = 30", "query_days = 0", "query_days must be between"),
        ("schema_days = 365", "schema_days = 366", "schema_days must be between"),
        ("notice_days = 30", "notice_days = true", "whole number"),
        ("notice_days = 30", 'notice_days = "30"', "whole number"),
        ('title = "Notice of', 'titel = "Notice of', "title is missing"),
        ('language = "en"', 'language = " "', "language must be a text"),
        ('email = "engagement@vendor.example"', 'email = "nobody"', "e-mail address"),
        ('services = ["E-mail marketing", "Business application platform"]', "services = []", "services"),
        ('id = "check"', 'id = "review"', "twice"),
        ('id = "check"', 'id = "../x"', "a-z"),
        ('id = "check"', "id = 3", "an id and a text"),
        ("[retention]", "[retained]", "retention"),
    ],
)
def test_a_wrong_entry_is_named(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(UsageError, match=re.escape(said)):
        parse_notice(TEXT.replace(old, new, 1).encode())


@pytest.mark.parametrize("data", [b"", b"\xff", b"= 3", b"\xef\xbb\xbftitle = 1"])
def test_what_is_no_notice_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        parse_notice(data)


def test_a_notice_that_promises_less_life_than_the_room_gives_is_refused() -> None:
    form = parse_notice(TEXT.replace("marketing_days = 30", "marketing_days = 14").encode())
    with pytest.raises(UsageError, match="retention_days"):
        check_kept(form, Limits())
    check_kept(form, replace(Limits(), retention_days=14))
    form = parse_notice(TEXT.replace("notice_days = 30", "notice_days = 7").encode())
    with pytest.raises(UsageError, match="opt_out_notice_days"):
        check_kept(form, Limits())


def test_an_address_that_is_wrong_is_not_repeated() -> None:
    assert check_email("ada@customer.example", what="it") == "ada@customer.example"
    with pytest.raises(UsageError) as refused:
        check_email("Ada Example", what="it")
    assert "Ada" not in str(refused.value)


def test_what_a_notice_says_beyond_what_it_must_is_shown_too() -> None:
    more = (
        TEXT.replace("[exhibit_a.data]", '[exhibit_a.data]\ncalls = "Call records."', 1)
        + '\n[exhibit_c]\ntext = "More."\n'
    )
    shown = {section.heading: section.paragraphs for section in parse_notice(more.encode()).sections}
    assert shown["Further: exhibit_a.data"] == ("calls: Call records.",)
    assert shown["Further: exhibit_c"] == ("text: More.",)
