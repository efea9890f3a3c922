from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drsim.domain.clock import DAY, HOUR, MINUTE
from drsim.domain.refusal import Refused
from drsim.domain.secrets import MOST_LIVE, Secret, live, revoked, rotated
from tests.domain.builders import START

FIRST: tuple[Secret, ...] = (Secret("a", START),)


def texts(secrets: tuple[Secret, ...]) -> list[str]:
    return [secret.text for secret in secrets]


def refused(decision: Any, *arguments: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        decision(*arguments)
    return caught.value.kind, caught.value.code


def test_after_a_rotation_the_new_secret_comes_first_and_the_former_one_signs_on_for_a_while() -> None:
    secrets = rotated(FIRST, "b", 12 * HOUR, START + 1)
    assert secrets == (Secret("b", START + 1), Secret("a", START, START + 1 + 12 * HOUR))
    assert texts(live(secrets, START + 12 * HOUR)) == ["b", "a"]
    assert texts(live(secrets, START + 12 * HOUR + 1)) == ["b"]


def test_without_an_overlap_the_former_secret_is_gone_at_once() -> None:
    assert rotated(FIRST, "b", 0, START) == (Secret("b", START),)


def test_a_rotation_leaves_the_end_of_older_secrets_as_it_is() -> None:
    secrets = rotated(rotated(FIRST, "b", DAY, START), "c", HOUR, START)
    assert secrets == (Secret("c", START), Secret("b", START, START + HOUR), Secret("a", START, START + DAY))


def test_a_sixth_live_secret_is_refused_until_one_has_expired_or_was_revoked() -> None:
    secrets = FIRST
    for text in "bcde":
        secrets = rotated(secrets, text, HOUR, START)
    assert len(secrets) == MOST_LIVE == 5
    assert refused(rotated, secrets, "f", HOUR, START) == ("conflict", "too_many_secrets")
    assert texts(rotated(secrets, "f", HOUR, START + HOUR)) == ["f", "e"]
    assert texts(rotated(revoked(secrets, "b", START), "f", HOUR, START)) == ["f", "e", "d", "c", "a"]
    assert texts(rotated(secrets, "f", 0, START)) == ["f", "d", "c", "b", "a"]


def test_a_live_secret_cannot_become_the_new_one_but_an_expired_one_can() -> None:
    secrets = rotated(FIRST, "b", HOUR, START)
    for text in "ab":
        assert refused(rotated, secrets, text, HOUR, START) == ("conflict", "secret_in_use")
    assert texts(rotated(secrets, "a", HOUR, START + HOUR)) == ["a", "b"]


def test_a_revoked_secret_is_gone_and_the_last_one_cannot_be() -> None:
    secrets = rotated(FIRST, "b", HOUR, START)
    assert revoked(secrets, "a", START) == (Secret("b", START),)
    assert refused(revoked, FIRST, "a", START) == ("conflict", "last_secret")
    assert refused(revoked, secrets, "c", START) == ("not_found", "not_found")
    assert refused(revoked, secrets, "a", START + HOUR) == ("not_found", "not_found")
    assert refused(revoked, secrets, "b", START + HOUR) == ("conflict", "last_secret")


def test_where_the_newest_is_revoked_the_next_takes_its_place_for_good() -> None:
    assert revoked(rotated(FIRST, "b", HOUR, START), "b", START) == FIRST


MOVES = st.tuples(st.sampled_from(["rotate", "revoke"]), st.sampled_from("abcdefgh"), st.sampled_from([0, HOUR, DAY]))


@given(st.lists(st.tuples(MOVES, st.integers(0, 3)), max_size=30))
def test_whatever_is_done_there_is_one_secret_for_good_and_at_most_five_in_all(
    moves: list[tuple[tuple[str, str, int], int]],
) -> None:
    secrets, now = FIRST, START
    for (move, text, overlap), waits in moves:
        now += waits * 20 * MINUTE
        try:
            secrets = rotated(secrets, text, overlap, now) if move == "rotate" else revoked(secrets, text, now)
        except Refused:
            continue
        assert secrets == live(secrets, now)
        assert 1 <= len(secrets) <= MOST_LIVE
        assert [each.expires is None for each in secrets] == [True] + [False] * (len(secrets) - 1)
        assert len({each.text for each in secrets}) == len(secrets)
