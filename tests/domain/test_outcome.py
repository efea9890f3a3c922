from decimal import Decimal
from typing import Any

import pytest

from drsim.domain.account import Account
from drsim.domain.clock import MINUTE, SECOND
from drsim.domain.methods import Trouble
from drsim.domain.outcome import Facts, Failure, Outcome, Rule, Then, decide, matching_rule
from tests.domain.builders import a_rule, with_delays

FACTS = Facts("order-1", "charge-1", "creditCard", "1111", Decimal("27.01"), 1, "up-1")
DELAY = Account().delays.capture
FAILS, LATER, STUCK = Trouble("capture", "fails"), Trouble("capture", "fails_later"), Trouble("capture", "stuck")


def outcome(*troubles: Trouble, rules: tuple[Rule, ...] = ()) -> Outcome:
    return decide("capture", FACTS, troubles, rules, Account())[0]


def test_without_rule_or_trouble_an_operation_succeeds_after_its_usual_delay() -> None:
    assert outcome() == Outcome(DELAY)


def test_each_operation_has_the_delay_the_account_gives_it() -> None:
    account = with_delays(authorize=1, capture=2, cancel=3, refund=4)
    for operation, delay in (("authorize", 1), ("capture", 2), ("cancel", 3), ("refund", 4)):
        assert decide(operation, FACTS, (), (), account)[0] == Outcome(delay)  # type: ignore[arg-type]


def test_a_failing_card_fails_after_the_usual_delay() -> None:
    assert outcome(FAILS) == Outcome(DELAY, Failure("failed-request", "Failed to operate on charge"))


def test_a_card_that_fails_later_is_pending_longer_than_usual() -> None:
    after = outcome(LATER).after
    assert after is not None
    assert after > DELAY
    assert outcome(LATER).failure == Failure()


def test_a_stuck_card_never_ends() -> None:
    assert outcome(STUCK) == Outcome(None)


def test_a_trouble_with_another_stage_changes_nothing() -> None:
    assert outcome(Trouble("cancel", "fails"), Trouble("refund", "stuck")) == Outcome(DELAY)


def test_rules_come_before_the_card() -> None:
    assert outcome(FAILS, rules=(a_rule(then=Then("complete")),)) == Outcome(DELAY)
    assert outcome(rules=(a_rule(then=Then("failed", failure=Failure("declined", "No"))),)).failure == Failure(
        "declined", "No"
    )


def test_the_first_rule_that_fits_decides() -> None:
    rules = (a_rule(then=Then("pending"), when={"attempt": 9}), a_rule(then=Then("complete", 5)), a_rule())
    assert outcome(rules=rules) == Outcome(5)


def test_a_rule_for_another_operation_is_passed_over() -> None:
    assert outcome(rules=(a_rule("cancel"),)) == Outcome(DELAY)


@pytest.mark.parametrize(
    ("when", "fitting"),
    [
        ({"order": "order-1"}, True),
        ({"order": "order-2"}, False),
        ({"charge": "charge-1"}, True),
        ({"source": {"type": "creditCard"}}, True),
        ({"source": {"lastFourDigits": "1111"}}, True),
        ({"source": {"type": "payPal"}}, False),
        ({"amount": 27.01}, True),
        ({"amount": {"$gte": 27.01}}, True),
        ({"amount": {"$gt": 27.01}}, False),
        ({"attempt": 1}, True),
        ({"attempt": {"$gt": 1}}, False),
        ({"upstreamId": "up-1"}, True),
        ({"upstreamId": {"$exists": False}}, False),
        ({"attempt": 1, "order": "order-2"}, False),
    ],
)
def test_a_rule_looks_at_order_charge_source_amount_attempt_and_upstream_id(
    when: dict[str, Any], fitting: bool
) -> None:
    rule, _ = matching_rule("capture", FACTS, (a_rule(when=when),))
    assert (rule is not None) == fitting


def test_facts_that_do_not_exist_are_absent() -> None:
    facts = Facts("o", "c", "payPal", None, Decimal(1), 1, None)
    assert facts.value() == {"order": "o", "charge": "c", "source": {"type": "payPal"}, "amount": 1, "attempt": 1}


def test_times_uses_a_rule_up() -> None:
    rules: tuple[Rule, ...] = (a_rule(times=2), a_rule(then=Then("pending"), id="other"))
    seen = []
    for _ in range(3):
        rule, rules = matching_rule("capture", FACTS, rules)
        assert rule is not None
        seen.append(rule.id)
    assert seen == ["rule", "rule", "other"]
    assert [rule.left for rule in rules] == [0, None]


def test_a_rule_that_does_not_fit_is_not_used_up() -> None:
    rules = (a_rule(times=1, when={"attempt": 2}),)
    assert matching_rule("capture", FACTS, rules) == (None, rules)


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        (Then("complete"), Outcome(DELAY)),
        (Then("complete", 0), Outcome(0)),
        (Then("complete", MINUTE), Outcome(MINUTE)),
        (Then("failed"), Outcome(DELAY, Failure())),
        (Then("failed", MINUTE), Outcome(MINUTE, Failure())),
        (Then("pending"), Outcome(None)),
        (Then("pending", MINUTE), Outcome(None)),
        (Then("pending", next=Then("complete")), Outcome(DELAY)),
        (Then("pending", MINUTE, next=Then("complete")), Outcome(MINUTE)),
        (Then("pending", MINUTE, next=Then("failed", SECOND)), Outcome(MINUTE + SECOND, Failure())),
        (Then("pending", next=Then("failed", MINUTE)), Outcome(MINUTE, Failure())),
        (Then("pending", SECOND, next=Then("pending", SECOND, next=Then("complete", SECOND))), Outcome(3 * SECOND)),
        (Then("pending", SECOND, next=Then("pending")), Outcome(None)),
    ],
)
def test_then_after_and_next_add_up_to_one_outcome(then: Then, expected: Outcome) -> None:
    assert then.outcome(DELAY) == expected
