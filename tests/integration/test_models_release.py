from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from ground import everything
from readingroom.audit.tables import ROOM_EVENTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.bootstrap import init, open_house
from readingroom.core.canonical import canonical, parse_object
from readingroom.core.errors import (
    AccessDenied,
    KeyFault,
    ReleaseRefused,
    SimulationOnly,
    UnknownName,
    UsageError,
    WrongState,
)
from readingroom.core.ids import ModelId, PersonId, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.models import shelf
from readingroom.models.accounting import Budget
from readingroom.models.card import check_card
from readingroom.models.dataset import Mail
from readingroom.models.spam_checker import (
    Source,
    balance,
    gate_model,
    list_models,
    release_model,
    retire_model,
    score_mail,
    show_model,
    train_spam_checker,
)
from readingroom.models.tables import LEDGER, MODELS

ACME = TenantName("acme-demo")
LETTERS = "abcdefghijklmnopqrst"
SIGNED_BY = "wordqq Ada Example of Example Street"


@dataclass(frozen=True)
class Somebody:
    id: PersonId
    actor: str
    roles: frozenset[str]


ADA = Somebody(PersonId("person-a"), "actor-a", frozenset({"ml-engineer"}))
BEN = Somebody(PersonId("person-b"), "actor-b", frozenset({"approver"}))
EVE = Somebody(PersonId("person-e"), "actor-e", frozenset({"reviewer"}))


def _source(seed: int = 0, mails: int = 500) -> Source:
    generator = np.random.default_rng(seed)
    common = ["word" + LETTERS[n // 20] + LETTERS[n % 20] for n in range(300)]
    found, labels, persons = [], {}, {}
    for n in range(mails):
        spam = bool(n % 5 < 2)
        kind = ["free money offer now", "cheap price win"] if spam else ["meeting attached please", "project report"]
        words = [*generator.choice(common, 10), *generator.choice(kind, 4)]
        item = f"item-{n:04d}"
        found.append(Mail(item, "Subject", f"<p>{' '.join(words)}</p>{SIGNED_BY}"))
        labels[item] = spam
        persons[item] = (int(generator.integers(0, 400)),)
    return Source(found, labels, persons)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("models") / "room"
    init(root, simulation=True)
    house = open_house(root, Role.WEB)
    yield house
    house.db.close()
    for place in house.places.values():
        place.db.close()


@pytest.fixture(scope="module")
def source() -> Source:
    return _source()


@pytest.fixture(scope="module")
def gated(house: House, source: Source) -> ModelId:
    model = train_spam_checker(house, source, person=ADA, tenants=[ACME], seed=1)
    assert gate_model(house, model, source, seed=1).reasons == ()
    return model


@pytest.fixture(scope="module")
def released(house: House, gated: ModelId) -> ModelId:
    release_model(house, gated, by=BEN)
    return gated


def _events(house: House, name: str) -> list[dict[str, object]]:
    with house.db.read(EVERY_TENANT) as connection:
        leaves = connection.execute(select(ROOM_EVENTS.c.leaf).where(ROOM_EVENTS.c.name == name)).scalars()
        return [dict(parse_object(leaf, what="a leaf")) for leaf in leaves]


def test_the_whole_life_of_a_model(house: House, released: ModelId) -> None:
    shown = show_model(house, released)
    assert shown["state"] == "released"
    assert shown["owner"] == "vendor"
    assert shown["purpose"] == "spam-checker"
    assert shown["budget"]["unit"] == "person"
    assert shown["trained_by"] == "actor-a"
    assert shown["released_by"] == "actor-b"
    assert shown["gate"]["passed"] is True
    assert [model["id"] for model in list_models(house)].count(released) == 1
    assert canonical(shown)
    for name in ("model.trained", "model.gated", "model.released", "privacy.spent"):
        assert any(event["facts"]["model"] == released for event in _events(house, name))  # type: ignore[index]


def test_the_card_is_signed_and_says_what_is_not_promised(house: House, released: ModelId) -> None:
    data, signature = (shelf.get(house, released, name) for name in (shelf.CARD, shelf.SIGNATURE))
    card = check_card(data, signature, house.keys.public(Role.WEB))
    assert card["model"]["state"] == "released"
    assert card["no_guarantee_for"]
    assert card["attacks_not_run"]
    assert card["model"]["data"]["mails_per_person_at_most"] <= 8
    with pytest.raises(KeyFault):
        check_card(data.replace(b'"epsilon":4', b'"epsilon":1'), signature, house.keys.public(Role.WEB))


def test_no_word_no_item_and_no_lot_is_kept(house: House, released: ModelId) -> None:
    files = [path.read_bytes() for path in shelf.folder(house, released).iterdir()]
    shown = [canonical(show_model(house, released)), *files]
    database = everything(house.settings.root, None)
    for data in (*shown, database):
        assert b"wordqq" not in data
        assert b"Example Street" not in data
        assert b"item-0" not in data
    for data in shown:
        assert b"probes_in" not in data
    assert {path.name for path in shelf.folder(house, released).iterdir()} == {"model.bin", "card.json", "card.sig"}


def test_a_released_model_scores_mail(house: House, released: ModelId) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Subject"
    mail["From"] = "ada@example.org"
    mail.set_content("free money offer now cheap price win free money offer now")
    spam = score_mail(house, None, mail.as_bytes())
    work = score_mail(house, released, b"meeting attached please project report meeting attached please")
    assert spam.score > work.score
    assert spam.model == released
    assert spam.reasons
    assert all(reason.kind not in mail.as_string() for reason in spam.reasons)


def test_spending_is_in_the_ledger(house: House, released: ModelId) -> None:
    account = balance(house, ACME)
    assert account.releases >= 1
    assert account.epsilon_released == pytest.approx(4.0, rel=1e-3)
    assert account.epsilon_trained >= account.epsilon_released
    with house.db.read(ACME) as connection:
        assert connection.execute(select(LEDGER.c.unit).where(LEDGER.c.model == released)).scalar() == "person"


def test_a_model_is_released_once(house: House, released: ModelId) -> None:
    with pytest.raises(WrongState):
        release_model(house, released, by=BEN)


def test_an_ungated_model_is_not_released_and_scores_nothing(house: House, source: Source) -> None:
    model = train_spam_checker(house, source, person=ADA, tenants=[ACME], seed=2)
    with pytest.raises(ReleaseRefused, match="trained"):
        release_model(house, model, by=BEN)
    with pytest.raises(WrongState, match="released"):
        score_mail(house, model, b"hello")


def test_the_trainer_does_not_release(house: House, source: Source) -> None:
    model = train_spam_checker(house, source, person=ADA, tenants=[TenantName("other")], seed=3)
    assert gate_model(house, model, source, seed=3).passed
    with pytest.raises(ReleaseRefused, match="second person"):
        release_model(house, model, by=ADA)
    with pytest.raises(ReleaseRefused, match="second person"):
        release_model(house, model, by=replace(ADA, id=PersonId("another-name")))
    with pytest.raises(AccessDenied):
        release_model(house, model, by=EVE)
    assert show_model(house, model)["state"] == "gated"


def test_a_file_changed_after_the_gate_is_not_released(house: House, source: Source) -> None:
    model = train_spam_checker(house, source, person=ADA, tenants=[TenantName("third")], seed=4)
    assert gate_model(house, model, source, seed=4).passed
    path = shelf.folder(house, model) / shelf.ARTEFACT
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ReleaseRefused, match="file"):
        release_model(house, model, by=BEN)


def test_a_refused_model_stays_refused_and_says_why(house: House, source: Source) -> None:
    model = train_spam_checker(house, source, person=ADA, tenants=[TenantName("fourth")], seed=5)
    report = gate_model(house, model, _source(seed=9), seed=5)  # other mails than it was trained on
    assert not report.passed
    assert show_model(house, model)["state"] == "refused"
    with pytest.raises(ReleaseRefused) as refusal:
        release_model(house, model, by=BEN)
    assert any(reason.startswith("dataset") for reason in refusal.value.reasons)
    with pytest.raises(WrongState):
        gate_model(house, model, source)


def test_a_model_recorded_without_a_budget_is_refused(house: House, source: Source) -> None:
    model = train_spam_checker(house, source, person=ADA, tenants=[TenantName("fifth")], seed=6)
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        record = unit.connection.execute(select(MODELS.c.record).where(MODELS.c.id == model)).scalar_one()
        unit.connection.execute(update(MODELS).where(MODELS.c.id == model).values(record=record | {"budget": None}))
        unit.append(Event("test.changed", actor="worker"))
    report = gate_model(house, model, source)
    assert any(reason.startswith("budget") for reason in report.reasons)


def test_a_lifetime_has_an_end(house: House) -> None:
    small, tenant = _source(mails=300), TenantName("lifetime")
    budget = Budget(epsilon=6.0)
    first = train_spam_checker(house, small, person=ADA, tenants=[tenant], budget=budget, seed=7)
    second = train_spam_checker(house, small, person=ADA, tenants=[tenant], budget=budget, seed=8)
    assert gate_model(house, first, small, seed=7).reasons == ()
    assert gate_model(house, second, small, seed=8).reasons == ()  # nothing of the first has left the room yet
    release_model(house, first, by=BEN)
    with pytest.raises(ReleaseRefused, match="lifetime"):
        release_model(house, second, by=BEN)
    third = train_spam_checker(house, small, person=ADA, tenants=[tenant], budget=budget, seed=9)
    assert [r.split(":")[0] for r in gate_model(house, third, small, seed=9).reasons] == ["lifetime"]
    assert balance(house, tenant).releases == 1
    retire_model(house, first, by=BEN)
    assert show_model(house, first)["state"] == "retired"


def test_the_role_is_needed_to_train(house: House, source: Source) -> None:
    for person in (BEN, EVE):
        with pytest.raises(AccessDenied):
            train_spam_checker(house, source, person=person, tenants=[ACME])


def test_nonsense_is_refused(house: House, source: Source) -> None:
    with pytest.raises(UsageError, match="tenants"):
        train_spam_checker(house, source, person=ADA, tenants=[])
    with pytest.raises(UsageError, match="nothing to train"):
        train_spam_checker(house, replace(source, persons={}), person=ADA, tenants=[ACME])
    with pytest.raises(UsageError, match="both kinds"):
        one = replace(source, labels=dict.fromkeys(source.labels, True))
        train_spam_checker(house, one, person=ADA, tenants=[ACME])
    for name in ("model-0000000000000000", "../../etc"):
        with pytest.raises(UnknownName):
            show_model(house, ModelId(name))


def test_repeatable_noise_exists_in_simulation_rooms_only(tmp_path: Path, source: Source) -> None:
    init(tmp_path / "real", simulation=False)
    house = open_house(tmp_path / "real", Role.WEB)
    with pytest.raises(SimulationOnly):
        train_spam_checker(house, source, person=ADA, tenants=[ACME], seed=1)
    with pytest.raises(UnknownName, match="released"):
        score_mail(house, None, b"hello")
    model = train_spam_checker(house, source, person=ADA, tenants=[ACME])
    with pytest.raises(SimulationOnly):
        gate_model(house, model, source, seed=1)
    assert show_model(house, model)["secure_noise"] is True
    house.db.close()
    for place in house.places.values():
        place.db.close()
