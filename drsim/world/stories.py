"""Stories: how each event about an order comes about, one row for each event type; for the others there are errands.

A story is an order to begin with and what is then done to it, through the decisions that the API's own calls make,
until the event is there. One that begins with an order which exists already leaves out what cannot be done to it any
more. A flow that emits new events adds them to `EMITTED`, and a row for each to `STORIES`; a test compares the two and
lives through all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal
from itertools import count
from typing import Any

from drsim.domain.amend import OrderChange, amend_order
from drsim.domain.charges import uncommitted
from drsim.domain.clock import MINUTE, Time
from drsim.domain.decision import Context, Decision
from drsim.domain.disputes import can_be_disputed, dispute, lose, win
from drsim.domain.fulfill import Line, fulfill
from drsim.domain.orders import Sale, open_units, refundable_amount
from drsim.domain.outcome import Operation, Rule, Then
from drsim.domain.pay import approve
from drsim.domain.refund import Asked, Portion, amend_refund, refund
from drsim.domain.refusal import Refused
from drsim.domain.review import block, pass_review
from drsim.domain.settle import wake
from drsim.domain.takeback import ReturnChange, announce_everything, change_return, returnable_units
from drsim.domain.values import replace, value


def _no_matter_when(sale: Sale) -> Time | None:
    return None


@value
class Act:
    """One thing that is done to an order: the decision `does`, as soon as it `can` be made, and not before `from_`.

    `rules` are what the payment provider does about it, in place of the sandbox's own. `plan` and `done` say it.
    """

    plan: str
    done: str
    can: Callable[[Sale, Time], bool]
    does: Callable[[Sale, Context], Decision]
    rules: tuple[Rule, ...] = ()
    from_: Callable[[Sale], Time | None] = _no_matter_when
    """When it can be done, if that is a matter of time that nothing due on the order tells."""


@value
class Story:
    """What leads to an event: how a new order begins, as in `POST /_sim/orders`, and what is done to it."""

    begins: str = "an accepted order"
    order: Mapping[str, Any] = field(default_factory=dict)
    acts: tuple[Act, ...] = ()
    rules: tuple[Rule, ...] = ()
    """What the payment provider does while the order is made."""
    lapsed: bool = False
    """Whether the order is as old as its authorization lasts."""

    @property
    def plan(self) -> str:
        """The story in words."""
        return ", ".join([self.begins, *(act.plan for act in self.acts)])


def _rule(operation: Operation, then: Then) -> tuple[Rule, ...]:
    return (Rule("story", operation, {}, then),)


def _is_open(sale: Sale, now: Time) -> bool:
    return sale.order.state == "accepted" and open_units(sale.order) > 0


def _ship(sale: Sale, context: Context) -> Decision:
    return fulfill(sale, [Line(item.id, item.open, 0, {}) for item in sale.order.items if item.open], {}, None, context)


def _cancel(sale: Sale, context: Context) -> Decision:
    return fulfill(sale, [Line(item.id, 0, item.open, {}) for item in sale.order.items if item.open], {}, None, context)


def _ship_on_lapsed(sale: Sale, context: Context) -> Decision:
    """Tries to ship as on a risk-averse account, which is refused; what is told all the same is all there is to it."""
    averse = replace(context.account, risk_tolerance="averse")
    try:
        return _ship(sale, replace(context, account=averse))
    except Refused as refusal:
        if not refusal.events:
            raise
        return Decision(sale, refusal.events, context.rules)


def _lapses(sale: Sale) -> Time | None:
    return min((charge.expires for charge in sale.charges if uncommitted(charge)), default=None)


def _has_lapsed(sale: Sale, now: Time) -> bool:
    lapses = _lapses(sale)
    return _is_open(sale, now) and lapses is not None and lapses <= now


def _update(sale: Sale, context: Context) -> Decision:
    return amend_order(sale, OrderChange(metadata=_counted_up(sale.order.metadata)), context)


def _counted_up(metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    before = str((metadata or {}).get("triggered", ""))
    following = int(before) + 1 if before.isascii() and before.isdecimal() and len(before) < 10 else 1
    return {"triggered": str(following)}


def _can_be_refunded(sale: Sale, now: Time) -> bool:
    return sale.order.state != "dispute" and refundable_amount(sale) > 0


def _refund(sale: Sale, context: Context) -> Decision:
    return refund(sale, Asked(sale.order.currency, Portion(percent=Decimal(100))), context)


def _update_refund(sale: Sale, context: Context) -> Decision:
    newest = sale.refunds[-1]
    return amend_refund(sale, newest.id, _counted_up(newest.metadata), context)


def _can_be_returned(sale: Sale, now: Time) -> bool:
    return sale.order.state != "dispute" and any(returnable_units(sale).values())


def _newest_waits(sale: Sale, now: Time) -> bool:
    """Whether a return waits to be accepted, and its order for no money."""
    return sale.order.state != "dispute" and sale.due is None and any(each.state == "created" for each in sale.returns)


def _accept_newest(sale: Sale, context: Context) -> Decision:
    newest = [each for each in sale.returns if each.state == "created"][-1]
    return change_return(sale, newest.id, ReturnChange(everything=True), context)


def _update_newest(sale: Sale, context: Context) -> Decision:
    newest = sale.returns[-1]
    return change_return(sale, newest.id, ReturnChange(metadata=_counted_up(newest.metadata)), context)


def _is_disputed(sale: Sale, now: Time) -> bool:
    return sale.order.state == "dispute"


_SHIP = Act("everything open is shipped", "fulfilled order {id}", _is_open, _ship, _rule("capture", Then("complete")))
_SHIP_UNPAID = Act(
    "everything open is shipped and the capture fails",
    "fulfilled order {id}",
    _is_open,
    _ship,
    _rule("capture", Then("failed")),
)
_SHIP_ON_LAPSED = Act(
    "shipping it after its authorization has expired is refused as on a risk-averse account",
    "tried to fulfill order {id}, whose authorization has expired, as on a risk-averse account",
    _has_lapsed,
    _ship_on_lapsed,
    from_=_lapses,
)
_PAY = Act(
    "the shopper pays",
    "paid order {id}",
    lambda sale, now: any(source.awaits_shopper for source in sale.sources),
    lambda sale, context: approve(sale, next(each.id for each in sale.sources if each.awaits_shopper), context),
    _rule("authorize", Then("complete")),
)
_CANCEL = Act(
    "everything open is cancelled",
    "cancelled what was open of order {id}",
    _is_open,
    _cancel,
    _rule("cancel", Then("complete")),
)
_CANCEL_IN_VAIN = Act(
    "everything open is cancelled and that fails",
    "cancelled what was open of order {id}",
    _is_open,
    _cancel,
    _rule("cancel", Then("failed")),
)
_BLOCK = Act("the reviewer blocks it", "blocked order {id}", lambda sale, now: sale.order.state == "in_review", block)
_PASS = Act(
    "the reviewer lets it pass",
    "let order {id} pass its review",
    lambda sale, now: sale.order.state == "in_review",
    pass_review,
)
_DISPUTE = Act(
    "the payment is disputed",
    "disputed the payment of order {id}",
    lambda sale, now: can_be_disputed(sale) and sale.due is None,
    dispute,
)
_WIN = Act("the dispute is won", "won the dispute about order {id}", _is_disputed, win)
_LOSE = Act(
    "the dispute is lost and the money charged back",
    "lost the dispute about order {id}",
    _is_disputed,
    lambda sale, context: lose(sale, None, context),
)
_REFUND = Act(
    "what was captured is refunded",
    "refunded what was captured of order {id}",
    _can_be_refunded,
    _refund,
    _rule("refund", Then("complete")),
)
_REFUND_IN_VAIN = Act(
    "what was captured is refunded and that fails",
    "refunded what was captured of order {id}",
    _can_be_refunded,
    _refund,
    _rule("refund", Then("failed")),
)
_REFUND_TO_BANK = replace(_REFUND, plan="what was captured is refunded to a bank account", rules=())
_UPDATE_REFUND = Act(
    "the metadata of the refund is changed",
    "changed the metadata of the refund of order {id}",
    lambda sale, now: bool(sale.refunds),
    _update_refund,
)
_RETURN = Act(
    "a return of what was shipped is announced",
    "announced the return of what was shipped of order {id}",
    _can_be_returned,
    announce_everything,
)
_ACCEPT_RETURN = Act(
    "the return is accepted",
    "accepted the return of order {id}",
    _newest_waits,
    _accept_newest,
    _rule("refund", Then("complete")),
)
_UPDATE_RETURN = Act(
    "the metadata of the return is changed",
    "changed the metadata of the return of order {id}",
    lambda sale, now: bool(sale.returns),
    _update_newest,
)
_UPDATE = Act("its metadata is changed", "changed the metadata of order {id}", lambda sale, now: True, _update)

_SHIPPED = Story(acts=(_SHIP,))
_SHIPPED_UNPAID = Story(
    "an accepted order paid with a card that fails", {"source": {"number": "4000 0000 0000 4103"}}, (_SHIP_UNPAID,)
)
_CANCELLED = Story(acts=(_CANCEL,))
_CANCELLED_IN_VAIN = Story(
    "an accepted order paid with a card that fails", {"source": {"number": "4000 0000 0000 4442"}}, (_CANCEL_IN_VAIN,)
)
_REFUNDED = Story(acts=(_SHIP, _REFUND))
_REFUNDED_IN_VAIN = Story(
    "an accepted order paid with a card that fails",
    {"source": {"number": "4000 0000 0000 4111"}},
    (_SHIP, _REFUND_IN_VAIN),
)
_UNPAID = Story(
    "an order by direct debit, which is authorized a minute later",
    {"source": {"type": "directDebit"}},
    rules=_rule("authorize", Then("complete", after=MINUTE)),
)
_NEVER_PAID = Story(
    "an order by direct debit, which is declined a minute later",
    {"source": {"type": "directDebit", "owner": {"lastName": "ChargeFailedAfterPending"}}},
)
_REVIEWED = Story("an order that the fraud screening holds up", {"state": "in_review"})
_RETURNED = Story(acts=(_SHIP, _RETURN, _ACCEPT_RETURN))

STORIES: Mapping[str, Story] = {
    "order.created": Story(),
    "order.pending_payment": _UNPAID,
    "order.accepted": Story(),
    "order.review_opened": _REVIEWED,
    "order.review_closed": replace(_REVIEWED, acts=(_PASS,)),
    "order.blocked": replace(_REVIEWED, acts=(_BLOCK,)),
    "order.cancelled": _CANCELLED,
    "order.fulfilled": _SHIPPED,
    "order.complete": _SHIPPED,
    "order.updated": Story(acts=(_UPDATE,)),
    "order.dispute": Story(acts=(_SHIP, _DISPUTE)),
    "order.dispute.resolved": Story(acts=(_SHIP, _DISPUTE, _WIN)),
    "order.chargeback": Story(acts=(_SHIP, _DISPUTE, _LOSE)),
    "order.returned": _RETURNED,
    "order.refunded": _REFUNDED,
    "order.invoice.created": _SHIPPED,
    "order.credit_memo.created": _REFUNDED,
    "order.charge.pending": _UNPAID,
    "order.charge.capturable": Story(),
    "order.charge.processing": _SHIPPED,
    "order.charge.complete": _SHIPPED,
    "order.charge.cancelled": _CANCELLED,
    "order.charge.failed": _NEVER_PAID,
    "order.charge.reauth.failed": Story(acts=(_SHIP_ON_LAPSED,), lapsed=True),
    "order.charge.capture.pending": _SHIPPED,
    "order.charge.capture.complete": _SHIPPED,
    "order.charge.capture.failed": _SHIPPED_UNPAID,
    "order.charge.cancel.pending": _CANCELLED,
    "order.charge.cancel.complete": _CANCELLED,
    "order.charge.cancel.failed": _CANCELLED_IN_VAIN,
    "order.charge.refund.pending": _REFUNDED,
    "order.charge.refund.complete": _REFUNDED,
    "order.charge.refund.failed": _REFUNDED_IN_VAIN,
    "refund.pending": _REFUNDED,
    "refund.pending_information": Story(
        "an order by wire transfer", {"source": {"type": "wireTransfer"}}, (_SHIP, _REFUND_TO_BANK)
    ),
    "refund.complete": _REFUNDED,
    "refund.failed": _REFUNDED_IN_VAIN,
    "refund.updated": replace(_REFUNDED, acts=(_SHIP, _REFUND, _UPDATE_REFUND)),
    "return.created": Story(acts=(_SHIP, _RETURN)),
    "return.accepted": _RETURNED,
    "return.updated": Story(acts=(_SHIP, _RETURN, _UPDATE_RETURN)),
    "fulfillment.created": _SHIPPED,
    "source.chargeable": Story(
        "an order by wire transfer that is not paid yet",
        {"source": {"type": "wireTransfer"}, "state": "pending_payment"},
        (_PAY,),
    ),
}
"""The story of every event type that drsim emits and that is about an order."""


def following(acts: tuple[Act, ...], sale: Sale, now: Time) -> tuple[Act | Time | None, tuple[Act, ...]]:
    """What comes next: an act, or a time to wait for; with the acts that are left then.

    An act that cannot be done yet waits while anything is due on the order; when nothing is, it is left out.
    """
    for place, act in enumerate(acts):
        if act.can(sale, now):
            return act, acts[place + 1 :]
        # What an act has made due at once is still to happen at this very time.
        due, from_ = sale.due, act.from_(sale)
        times = ([] if due is None else [due]) + ([from_] if from_ is not None and from_ > now else [])
        if times:
            return min(times), acts[place:]
    return sale.due, ()


def check_leads_to(type: str, sale: Sale, context: Context) -> None:
    """Raises `Refused` (409) when the story does not lead from this order, as it stands, to the event.

    Lives through it on values that nobody keeps.
    """
    numbers = count()
    context = replace(context, new_id=lambda kind: f"{kind} {next(numbers)}")
    acts = STORIES[type].acts
    while True:
        following_step, acts = following(acts, sale, context.now)
        if following_step is None:
            raise _dead_end(type, sale)
        try:
            if isinstance(following_step, Act):
                decision = following_step.does(sale, replace(context, rules=following_step.rules))
            else:
                context = replace(context, now=following_step)
                decision = wake(sale, context)
                context = replace(context, rules=decision.rules)
        except Refused as refusal:
            raise _dead_end(type, sale, refusal.message) from refusal
        if any(event.type == type for event in decision.events):
            return
        sale = decision.sale


def _dead_end(type: str, sale: Sale, why: str | None = None) -> Refused:
    order = sale.order
    why = why or f"it ends as '{order.state}' without it."
    message = f"Order '{order.id}' can no longer lead to '{type}': {why}"
    return Refused("conflict", "event_out_of_reach", message, "orderId")
