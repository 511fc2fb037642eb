"""The same way on PostgreSQL 15: request, approval, view, labels, flag, datasets."""

from __future__ import annotations

from typing import Any

import pytest

from ground import server_url
from readingroom.access import open_dataset, view_item
from readingroom.access.grants import list_grants, revoke_grant
from readingroom.access.monitor import access_review, monitor
from readingroom.access.people import PersonRole
from readingroom.access.sessions import Who, find_session, open_session
from readingroom.bootstrap import DATABASE_VARIABLE
from readingroom.core.category import Category
from readingroom.core.errors import AccessDenied
from readingroom.core.ids import TenantName
from readingroom.review import Answer, Mark, Reviewer, labels_for_training, record_label, review_stats
from readingroom.review.queues import next_item
from readingroom.review.simulate import SimulatedReviewer, simulate_reviews

ADA, ACME = "Ada Example", TenantName("acme")

pytestmark = pytest.mark.postgres


def test_the_whole_way(make_stage: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, server_url(postgres_url))
    stage = make_stage()
    crew = [(stage.reviewer(name), stage.station(name)) for name in (ADA, "Ben Example", "Cia Example")]
    items = stage.items(stage.mails([f"mail {n}" for n in range(20)], twins={0: b"t" * 16, 1: b"t" * 16}))
    view = next_item(stage.web, crew[0][0], workstation=crew[0][1], purpose="review")
    assert view
    record_label(stage.web, crew[0][0], Mark(view.item, Answer.PERSONAL))
    reviewers = [SimulatedReviewer(Reviewer(who, where, "review"), 0.1) for who, where in crew]
    done = simulate_reviews(stage.web, reviewers, dict.fromkeys((i.id for i in items), "ham"), tenant=ACME, seed=3)
    assert done.labels in {36, 38}  # with or without a twin of the flagged one
    assert len(labels_for_training(stage.web, ACME)) == done.labels / 2
    assert review_stats(stage.web, ACME).flags == {"open": 1}
    stage.eligible("Eve Example", PersonRole.ML_ENGINEER)
    stage.grant("Eve Example", purpose="spam-checker")
    parts = open_dataset(
        stage.web, stage.person("Eve Example"), "spam-checker", tenant=ACME, category=Category.MARKETING
    )
    assert sum(table.num_rows for _, table in parts) == done.labels / 2
    token = open_session(stage.web, Who.staff(*crew[0]))
    [grant] = list_grants(stage.web, person=crew[0][0])
    revoke_grant(stage.web, grant.id)
    assert find_session(stage.web, token) is None
    with pytest.raises(AccessDenied):
        view_item(stage.web, crew[0][0], workstation=crew[0][1], purpose="review", item=items[5].id)
    assert monitor(stage.worker) == []
    assert {line.active for line in access_review(stage.web) if line.person.id == crew[1][0]} == {1}
