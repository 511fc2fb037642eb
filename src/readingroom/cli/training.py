"""What a model learns from, brought together: mails through the gate, labels from the review, people as numbers."""

from __future__ import annotations

from collections.abc import Iterator

from readingroom.access.datasets import Wanted, open_dataset
from readingroom.access.grants import active_grants
from readingroom.access.people import Person
from readingroom.copies.records import live_copies
from readingroom.core.category import Category
from readingroom.core.errors import AccessDenied
from readingroom.core.ids import TenantName
from readingroom.house import House
from readingroom.models.dataset import Mail
from readingroom.models.spam_checker import Source
from readingroom.review.labels import labels_for_training
from readingroom.subjects.attribution import people_by_item

MODEL_PURPOSE = "spam-checker"
_TABLE = "msdyncrm_marketingemail"
_SUBJECT = "msdyncrm_subject"
_BODY = "msdyncrm_emailbody"
READ = (_SUBJECT, _BODY)


def material(web: House, subjects: House, person: Person) -> tuple[Source, tuple[TenantName, ...]]:
    """The source of a training for `person`: every tenant that an active grant of theirs opens for this purpose."""
    grants = [g for g in active_grants(web, person.id) if g.purpose == MODEL_PURPOSE]
    tenants = tuple(sorted({g.tenant for g in grants if g.category is Category.MARKETING}))
    if not tenants:
        raise AccessDenied(f"{person.name} has no active grant for marketing mails with purpose {MODEL_PURPOSE}")
    labels: dict[str, bool] = {}
    persons: dict[str, tuple[int, ...]] = {}
    for tenant in tenants:
        labels |= {i: said == "spam" for i, said in labels_for_training(web, tenant).items() if said in {"spam", "ham"}}
        for copy in live_copies(subjects, tenant):
            if copy.category is Category.MARKETING:
                first = 1 + max((n for people in persons.values() for n in people), default=-1)
                found = people_by_item(subjects, copy, kind="mail", columns=READ, purpose=MODEL_PURPOSE)
                persons |= {item: tuple(first + n for n in people) for item, people in found.items()}
    mails = list(_mails(web, person, tenants))
    return Source(dataset=mails, labels=labels, persons=persons), tenants


def _mails(web: House, person: Person, tenants: tuple[TenantName, ...]) -> Iterator[Mail]:
    from readingroom.access.datasets import ITEM

    for tenant in tenants:
        wanted = Wanted(tables=(_TABLE,), columns=READ)
        for _part, table in open_dataset(
            web, person.id, MODEL_PURPOSE, tenant=tenant, category=Category.MARKETING, wanted=wanted
        ):
            items, subjects, bodies = (table[name].to_pylist() for name in (ITEM, _SUBJECT, _BODY))
            for item, subject, body in zip(items, subjects, bodies, strict=True):
                if item:
                    yield Mail(item, subject or "", body or "")
