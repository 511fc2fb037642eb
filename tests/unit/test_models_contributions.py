from __future__ import annotations

from collections import Counter

import pytest

from readingroom.core.errors import ReleaseRefused, UsageError
from readingroom.models.contributions import check_bound, choose

PERSONS = {f"item-{n:03d}": (n % 7, 100 + n) if n % 3 else () for n in range(200)}


@pytest.mark.parametrize("cap", [1, 2, 8])
def test_no_person_is_in_more_mails_than_the_bound(cap: int) -> None:
    choice = choose(PERSONS, PERSONS, cap=cap)
    load = Counter(person for item in choice.items for person in PERSONS[item])
    assert max(load.values()) <= cap
    assert check_bound(choice.items, PERSONS, cap=cap) <= cap
    assert len(choice.items) >= cap * 7


def test_an_item_nobody_attributed_takes_no_part() -> None:
    choice = choose([*PERSONS, "stranger"], PERSONS)
    assert "stranger" not in choice.items
    assert choice.unattributed == 1


def test_mails_of_nobody_known_take_part_and_are_counted() -> None:
    choice = choose(PERSONS, PERSONS, cap=1)
    assert choice.without_person == sum(not people for people in PERSONS.values())


def test_the_order_of_the_dataset_and_the_persons_numbers_make_no_difference() -> None:
    renamed = {item: tuple(person * 31 + 5 for person in reversed(people)) for item, people in PERSONS.items()}
    assert choose(reversed(list(PERSONS)), PERSONS).items == choose(PERSONS, renamed).items


def test_the_bound_is_asserted_on_the_data() -> None:
    with pytest.raises(ReleaseRefused, match="more mails"):
        check_bound(["a", "b"], {"a": (1,), "b": (1, 2)}, cap=1)
    with pytest.raises(ReleaseRefused, match="more mails"):
        check_bound([f"i{n}" for n in range(9)], {f"i{n}": (1,) for n in range(9)}, cap=9)
    with pytest.raises(ReleaseRefused, match="attribution"):
        check_bound(["a"], {}, cap=8)
    with pytest.raises(ReleaseRefused, match="twice"):
        check_bound(["a", "a"], {"a": ()}, cap=8)


def test_a_person_named_twice_in_a_mail_is_one_person() -> None:
    assert check_bound(["a"], {"a": (1, 1, 1)}, cap=1) == 1


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="twice"):
        choose(["a", "a"], {"a": ()})
    for cap in (0, 9):
        with pytest.raises(UsageError, match="1 to 8"):
            choose(["a"], {"a": ()}, cap=cap)


def test_where_everybody_is_in_everything_more_mails_are_admitted() -> None:
    crowded = {f"m{n}": (n % 3,) for n in range(60)}
    assert choose(crowded, crowded).cap == 8
    lonely = {f"m{n}": (n,) for n in range(60)}
    assert choose(lonely, lonely).cap == 1
