"""`model`: trained by one person, gated, released by another; each command a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MAIL = b"Subject: You have WON!!!\n\nDear winner, claim your FREE prize today http://win.example/now $$$"


def elsewhere(cli: Any, *words: object, hash_seed: str = "1", stdin: bytes = b"") -> Any:
    """Run a command in a process with other hashes: nothing may depend on the order of a set."""
    start = "from readingroom.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", start, "-C", str(cli.root), *map(str, words), "--json"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def labelled(reviewed_template: Any) -> Any:
    return reviewed_template


@pytest.fixture(scope="module")
def gated(labelled: Any) -> str:
    """A model that was trained in one process and passed the gate in another."""
    model = elsewhere(labelled, "model", "train", "spam-checker", "--as", "emil", hash_seed="4")["id"]
    report = labelled("model", "gate", model, "--json")
    assert report.code == 0, report.err
    assert all(check["passed"] for check in report.json["checks"])
    return str(model)


@pytest.fixture(scope="module")
def released(labelled: Any, gated: str) -> tuple[Any, str]:
    """The room and a model that may score."""
    labelled("model", "release", gated, "--as", "finn")
    return labelled, gated


def test_training_needs_a_grant_a_role_and_a_budget(desk: Any) -> None:
    assert desk("model", "train", "spam-checker", "--as", "emil").code == 3  # no grant
    assert desk("model", "train", "mind-reader", "--as", "emil").code == 2
    assert desk("model", "train", "spam-checker", "--as", "nobody").code == 2


@pytest.mark.parametrize("option", [("--epsilon", "0"), ("--epsilon", "-1"), ("--epsilon", "nan"), ("--delta", "1")])
def test_a_budget_that_is_none(labelled: Any, option: tuple[str, str]) -> None:
    assert labelled("model", "train", "spam-checker", "--as", "emil", *option).code in {2, 3}


def test_a_reviewer_trains_nothing(labelled: Any) -> None:
    assert labelled("model", "train", "spam-checker", "--as", "ada").code == 3


def test_an_ungated_model_is_not_released_and_scores_nothing(labelled: Any, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MAIL)
    model = labelled.ask("model", "train", "spam-checker", "--as", "emil")["id"]
    assert labelled("model", "release", model, "--as", "finn").code == 3
    assert labelled("model", "score", model, tmp_path / "mail.eml").code == 3


def test_the_life_of_a_model(labelled: Any, gated: str, tmp_path: Path) -> None:
    own = labelled("model", "release", gated, "--as", "emil")
    assert own.code == 3
    assert "trained it" in own.err
    assert labelled("model", "release", gated, "--as", "ada").code == 3
    assert labelled.ask("model", "release", gated, "--as", "finn")["state"] == "released"
    assert labelled("model", "release", gated, "--as", "finn").code == 3
    assert labelled("model", "gate", gated).code == 3  # once
    card = labelled.ask("model", "show", gated)
    assert (card["state"], card["budget"]["unit"]) == ("released", "person")
    assert gated in {one["id"] for one in labelled.ask("model", "list")["models"]}
    (tmp_path / "mail.eml").write_bytes(MAIL)
    score = labelled.ask("model", "score", gated, tmp_path / "mail.eml")
    assert set(score) >= {"score", "band", "reasons"}
    assert 0 <= score["score"] <= 100
    assert all(set(reason) == {"kind", "towards", "share"} for reason in score["reasons"])
    text = labelled.do("model", "score", gated, tmp_path / "mail.eml")
    assert text.startswith(f"{score['score']} ({score['band']})")
    assert text.count("\n") == 1 + len(score["reasons"])
    assert elsewhere(labelled, "model", "score", gated, "-", stdin=MAIL)["score"] == score["score"]
    assert labelled("model", "score", gated, tmp_path / "absent.eml").code == 2


def test_unknown_models(desk: Any) -> None:
    for words in (("show",), ("gate",), ("release", "--as", "finn"), ("score", "x.eml")):
        verb, *rest = words
        assert desk("model", verb, *([*rest, "model-0"] if rest[:1] == ["--as"] else ["model-0", *rest])).code == 2


@pytest.mark.parametrize(
    "mail",
    [
        b"Subject: =?utf-8?b?!!!?= MARK\nContent-Type: text/html; charset=MARK\n\n<p>MARK \xff\xfe",
        b"Content-Type: multipart/mixed; boundary=MARK\n\n--MARK\nContent-Transfer-Encoding: base64\n\nMARK\n",
        b"MARK\x00\xff",
        b"",
    ],
)
def test_a_mail_that_is_none_is_scored_or_refused_and_never_repeated(
    released: Any, tmp_path: Path, mail: bytes
) -> None:
    cli, model = released
    (tmp_path / "mail.eml").write_bytes(mail.replace(b"MARK", b"Zyxwv Markerperson"))
    done = cli("model", "score", model, tmp_path / "mail.eml")
    assert done.code in {0, 2}
    assert "fault:" not in done.err
    assert "Markerperson" not in done.out + done.err
    assert cli.holding([b"Markerperson"]) == {}
