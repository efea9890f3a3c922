import pytest

from drsim.domain.clock import HOUR
from drsim.domain.refusal import Refused
from drsim.domain.review import block, pass_review
from drsim.domain.values import replace
from tests.domain.builders import Story, an_order, an_order_of_2689, states


def test_an_order_that_passes_is_accepted_and_can_be_shipped() -> None:
    story = Story(an_order(begins="in_review"))
    story.advance(HOUR)
    story._take(pass_review(story.sale, story.context))
    assert story.told[-2:] == ["order.review_closed", "order.accepted"]
    closed = story.event("order.review_closed").sale.order
    assert (closed.state, closed.fraud_state) == ("in_review", "passed")
    assert (story.order.state, story.order.fraud_state) == ("accepted", "passed")
    assert set(story.order.fraud_transitions) == {"review_opened", "passed"}
    assert story.order.transitions["accepted"] == story.now
    assert [source.state for source in story.sale.sources] == ["consumed"]
    story.fulfil(2)
    story.settle()
    assert story.order.state == "complete"


def test_an_order_that_is_blocked_gets_its_money_back() -> None:
    story = Story(replace(an_order_of_2689(), begins="in_review"))
    story._take(block(story.sale, story.context))
    assert story.told[4:6] == ["order.review_closed", "order.blocked"]
    assert (story.order.state, story.order.fraud_state) == ("blocked", "blocked")
    assert {charge.state for charge in story.sale.charges} == {"cancelled"}
    assert [states(charge.cancels) for charge in story.sale.charges] == [["complete"], ["complete"]]


def test_an_order_whose_payment_is_not_authorized_waits_for_it() -> None:
    story = Story(an_order(begins="in_review"))
    sale = story.sale
    waiting = replace(sale.charges[0], state="pending", due=story.now + HOUR)
    story._take(pass_review(replace(sale, charges=(waiting,)), story.context))
    assert story.told[-2:] == ["order.review_closed", "order.pending_payment"]
    story.settle()
    assert (story.order.state, story.told[-1]) == ("accepted", "order.accepted")


@pytest.mark.parametrize("decide", [pass_review, block])
def test_only_an_order_in_review_can_be_decided_about(decide: object) -> None:
    story = Story()
    with pytest.raises(Refused) as caught:
        decide(story.sale, story.context)  # type: ignore[operator]
    assert (caught.value.kind, caught.value.code, caught.value.parameter) == ("conflict", "invalid_state", "state")
