"""A flag from the first key to the end: looked at through the gate, decided, removed, told, known to later copies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from readingroom.access import view_item
from readingroom.access.people import PersonRole
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import TextEngine
from readingroom.assure.withholding import shown_again
from readingroom.audit.unit import unit_of_work
from readingroom.copies.known_values import known_values
from readingroom.copies.reader import read_item, read_rows
from readingroom.copies.records import list_parts
from readingroom.copies.tables import Reason
from readingroom.copies.withheld import mark_items, suppressions
from readingroom.core.errors import AccessDenied, KeyFault, Refusal, SealFault, UnknownName, WrongState
from readingroom.core.ids import PlaceName, TenantName
from readingroom.core.steps import watch
from readingroom.engagement.optin import suspend
from readingroom.review.flag import deadlines, decide_flag, list_flags, look_at_flag, raise_flag
from readingroom.review.flag_states import FlagState
from readingroom.subjects.flagged import remove_flagged

ADA, BEN, PIA, ACME, US = "Ada Example", "Ben Example", "Pia Example", TenantName("acme"), PlaceName("us")
NAME = "silver meadow"  # words of the language: only knowledge can tell that it is a name
TWINS = {0: b"t" * 16, 2: b"t" * 16}


@pytest.fixture
def flagged(stage: Any) -> Any:
    """Three mails, of which the first and the third are twins that Ada flagged; Pia is the privacy officer."""
    for name in (ADA, BEN):
        stage.reviewer(name)
    stage.eligible(PIA, PersonRole.PRIVACY_OFFICER)
    stage.copy.place(US).keyring.create_tenant_keys(ACME)
    stage.sealed = stage.mails([f"we met {NAME} there", "other", f"we met {NAME} there"], twins=TWINS)
    stage.first, stage.other, stage.twin = stage.items(stage.sealed)
    see(stage, ADA, stage.first)
    stage.flag = raise_flag(stage.web, stage.person(ADA), stage.first.id)
    return stage


def see(stage: Any, name: str, item: Any) -> Any:
    return view_item(stage.web, stage.person(name), workstation=stage.station(name), purpose="review", item=item.id)


def look(stage: Any, name: str = PIA) -> Any:
    return look_at_flag(stage.web, stage.flag.id, by=stage.person(name), workstation=stage.station(name))


def decide(stage: Any, **more: Any) -> Any:
    return decide_flag(stage.web, stage.flag.id, by=stage.person(PIA), **more)


def test_the_officer_sees_what_was_flagged_and_the_event_comes_first(flagged: Any) -> None:
    before = len(flagged.events("item.viewed"))
    seen = look(flagged)
    assert seen.cells["description"] == f"we met {NAME} there"
    assert NAME not in repr(seen)
    event = flagged.events("item.viewed")[before]
    assert (event["facts"]["purpose"], event["facts"]["action"]) == ("check", "judge")
    assert event["facts"]["decision"] == "permit"
    assert flagged.first.id not in str(event)
    decide(flagged, confirm=False)
    assert flagged.events("flag.dismissed")[0]["facts"]["looked"]
    with pytest.raises(WrongState):
        look(flagged)


def test_nobody_else_sees_it_and_the_officer_nothing_else(flagged: Any) -> None:
    with pytest.raises(AccessDenied, match="role"):
        look(flagged, BEN)
    with pytest.raises(Refusal, match="raised"):
        look(flagged, ADA)
    with pytest.raises(AccessDenied, match="workstation"):
        look_at_flag(flagged.web, flagged.flag.id, by=flagged.person(PIA), workstation=flagged.station(BEN))
    with pytest.raises(AccessDenied):  # an officer is no reviewer
        see(flagged, PIA, flagged.other)
    flagged.person("Quin Example", PersonRole.PRIVACY_OFFICER)
    with pytest.raises(AccessDenied, match="screening"):
        look_at_flag(flagged.web, flagged.flag.id, by=flagged.person("Quin Example"), workstation=None)
    suspend(flagged.web, ACME, by="admin@customer.example")
    with pytest.raises(AccessDenied, match="not in force"):
        look(flagged)


def test_an_item_that_is_withheld_for_another_reason_is_not_opened_by_a_flag(flagged: Any) -> None:
    with unit_of_work(flagged.web.place(US).db, ACME, flagged.clock) as unit:
        mark_items(unit, [flagged.other.id], reason=Reason.RESTRICTED)
        flag = raise_in_unit(unit, flagged)
    with pytest.raises(AccessDenied, match="not one that a flag withholds"):
        look_at_flag(flagged.web, flag.id, by=flagged.person(PIA), workstation=flagged.station(PIA))


def raise_in_unit(unit: Any, stage: Any) -> Any:
    from readingroom.review.flag import raise_in

    return raise_in(unit, stage.other.id, actor="actor-of-nobody")


def test_dismissed_the_item_and_its_twin_return(flagged: Any) -> None:
    for item in (flagged.first, flagged.twin):
        with pytest.raises(AccessDenied, match="withheld"):
            see(flagged, BEN, item)
    decide(flagged, confirm=False, values="")
    for item in (flagged.first, flagged.twin):
        assert NAME in see(flagged, BEN, item).cells["description"]
    assert remove_flagged(flagged.subjects) == []


def test_confirmed_the_rows_go_under_a_new_key_and_the_customer_is_told(flagged: Any) -> None:
    [old] = list_parts(flagged.web, flagged.sealed)
    decided = decide(flagged, confirm=True, values=f"name: {NAME}")
    assert decided.tell_by == flagged.clock.now() + timedelta(hours=72)
    assert [at for at, _ in deadlines(flagged.web)] == [decided.tell_by]
    with pytest.raises(KeyFault):
        remove_flagged(flagged.web)
    assert len(remove_flagged(flagged.subjects)) == 1
    [flag] = list_flags(flagged.web, ACME)
    assert (flag.state, flag.removed_at) == (FlagState.REMOVED, flagged.clock.now())
    assert deadlines(flagged.web) == []
    [part] = list_parts(flagged.web, flagged.sealed)
    assert (part.rows, part.generation) == (1, old.generation + 1)
    assert part.key != old.key
    with pytest.raises(KeyFault):
        flagged.web.place(US).keyring.part_key(flagged.sealed.id, old.key)
    assert read_rows(flagged.web, flagged.sealed, part.name)["description"].to_pylist() == ["other"]
    for item in (flagged.first, flagged.twin):
        with pytest.raises(AccessDenied, match="withheld"):
            see(flagged, BEN, item)
        with pytest.raises((UnknownName, SealFault)):
            read_item(flagged.web, flagged.sealed, item)
    told = flagged.events("flag.removed")[0]["facts"]
    assert told == {"flag": flag.id, "items": 2, "values": 1, "rows": 2, "copies": 1, "told": "customer"}
    assert NAME not in str(flagged.events())
    assert list(shown_again(flagged.web)) == []
    assert remove_flagged(flagged.subjects) == []


def test_later_copies_know_what_the_officer_named_and_no_letter_of_it_is_kept(flagged: Any) -> None:
    decide(flagged, confirm=True, values=f"name: {NAME}")
    remove_flagged(flagged.subjects)
    keyring = flagged.copy.place(US).keyring
    tag_key = keyring.tag_key(ACME)
    [(tag, spelled)] = known_values(flagged.copy, flagged.sealed, tag_key)
    assert known_values(flagged.copy, flagged.sealed, b"k" * 32) == []
    with flagged.web.place(US).db.read(ACME) as connection:
        assert suppressions(connection, ACME) == 1  # the tag key lives as long as this
    builder = KnownBuilder(tag_key, b"p" * 32)
    engine = TextEngine(builder.build(), public_only(), Pseudonyms(b"p" * 32), tag_key, profile="strict")
    texts = pa.array([f"we met {NAME} there", f"we met {NAME.title()} there"], pa.large_string())
    assert NAME in engine.rewrite(texts, markup="plain").cells.to_pylist()[0]  # or the test shows nothing
    builder.add_spelled(tag, spelled)
    engine = TextEngine(builder.build(), public_only(), Pseudonyms(b"p" * 32), tag_key, profile="strict")
    for shown in engine.rewrite(texts, markup="plain").cells.to_pylist():
        assert "silver" not in shown.lower()
        assert "meadow" not in shown.lower()
    everything = [path.read_bytes() for path in flagged.web.settings.root.rglob("*") if path.is_file()]
    assert not any(NAME.encode() in data or b"silvermeadow" in data for data in everything)


@pytest.mark.parametrize("step", ["erase.registered", "erase.switched", "erase.destroyed"])
def test_a_crash_in_between_is_finished_by_the_next_round(flagged: Any, step: str) -> None:
    decide(flagged, confirm=True, values=f"name: {NAME}")

    def crash(reached: str) -> None:
        if reached == step:
            raise RuntimeError("a crash")

    ended = watch(crash)
    with pytest.raises(RuntimeError):
        remove_flagged(flagged.subjects)
    ended()
    assert list_flags(flagged.web, ACME)[0].state is FlagState.CONFIRMED
    assert len(remove_flagged(flagged.subjects)) == 1
    assert list_flags(flagged.web, ACME)[0].state is FlagState.REMOVED
    assert list_parts(flagged.web, flagged.sealed)[0].rows == 1
