"""Which notice allows more than another: the rule that stops copies until it is accepted."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readingroom.core.errors import UsageError
from readingroom.engagement.notice import template
from readingroom.engagement.notice_terms import FREE, compare, terms_of

TEXT = template().decode()
PURPOSE = '[[exhibit_a.purposes]]\nid = "heat-maps"\ntext = "Draw maps of clicks."\n\n'


def changed(pattern: str, by: str) -> str:
    found, count = re.subn(pattern, by, TEXT, count=1)
    assert count == 1
    return found


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (changed(r"(?=\[exhibit_a\.data\]\n)", PURPOSE), "the purpose heat-maps is new"),
        (changed(r"services = \[", 'services = ["Chat", '), "the service Chat is new"),
        (changed(r"(?=query = \"\"\"\nQuery Data)", 'calls = "Call records."\n'), "[exhibit_a.data] calls is new"),
        (TEXT + '\n[exhibit_c]\ntext = "More."\n', "[exhibit_c] text is new"),
        (changed("no label, description, option or", "no option or"), "[exhibit_a.data] schema says something else"),
        (changed("Nobody pays anybody", "The customer pays"), "[agreement] no_charge says something else"),
        (changed("only while you\nallow it", "at any time"), "[contact] permission says something else"),
        (changed(r'id = "check"', 'id = "checks"'), "the purpose checks is new"),
    ],
)
def test_more_or_other_binding_words_need_consent(later: str, said: str) -> None:
    found = compare(TEXT, later)
    assert said in found.wider
    assert found.needs_acceptance


@pytest.mark.parametrize(("shorter", "longer"), [("notice_days = 30", "notice_days = 20")])
def test_a_longer_term_is_wider_and_a_shorter_one_is_not(shorter: str, longer: str) -> None:
    short = TEXT.replace(shorter, longer)
    assert not compare(TEXT, short).needs_acceptance
    assert compare(TEXT, short).narrower == ("[opt_out] notice_days is 20 days and was 30",)
    assert compare(short, TEXT).needs_acceptance


def test_less_of_a_purpose_a_service_or_a_kind_of_data_is_narrower() -> None:
    longer = changed(r"(?=\[exhibit_a\.data\]\n)", PURPOSE)
    found = compare(longer, TEXT)
    assert (found.wider, found.narrower) == ((), ("the purpose heat-maps is gone",))
    assert not compare(changed(r"services = \[", 'services = ["Chat", '), TEXT).needs_acceptance


def test_a_section_that_is_gone_may_have_been_a_limit() -> None:
    assert compare(TEXT + '\n[exhibit_c]\ntext = "Only on Mondays."\n', TEXT).wider == ("[exhibit_c] text is gone",)


def test_layout_comments_and_what_binds_nobody_need_no_consent() -> None:
    same = "# a comment\n" + TEXT.replace("\nmodels, programs", " models, programs")
    for later in (TEXT, same, changed("Notice of human review", "About human review"), changed("engagement@", "ask@")):
        assert compare(TEXT, later).wider == ()
        assert compare(TEXT, later).narrower == ()


@given(st.sampled_from(sorted(terms_of(tomllib.loads(TEXT)))), st.text(min_size=1, max_size=8))
def test_whatever_is_changed_in_whatever_binds_is_seen(name: str, more: str) -> None:
    """No path through the comparison lets a binding change pass as the same."""
    before = dict(terms_of(tomllib.loads(TEXT)))
    value = before[name]
    other = value + 1 if isinstance(value, int) else f"{value}{more}|"
    after = {**before, name: other}
    if name not in FREE:
        assert {key for key in before if before[key] != after[key]} == {name}
        found = compare(_toml(before), _toml(after))
        assert found.wider


def _toml(terms: dict[str, str | int]) -> str:
    """Terms as TOML with quoted paths: what matters is that a value differs, not where it stands."""
    lines = []
    for name, value in terms.items():
        words = value if isinstance(value, int) else '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
        lines.append(f"{'.'.join(f'{chr(34)}{part}{chr(34)}' for part in name.split('.'))} = {words}")
    return "\n".join(lines) + "\n"


def test_what_is_no_toml_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        compare(TEXT, "[")
