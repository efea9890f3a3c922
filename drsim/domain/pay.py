"""What shoppers do after a source was made: they approve or pay, they do not, or they let it expire.

A source that no order has taken yet only changes its own state. Where an order waits for it, approving charges the
order and a payment that fails cancels it. Sources: surroundings page, 4.3; resources page, 4.1 and 4.6; platform page,
7.4 (order of the events).
"""

from drsim.domain.charges import Charge
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.ending import give_up
from drsim.domain.methods import Trouble
from drsim.domain.orders import Sale
from drsim.domain.outcome import Failure
from drsim.domain.refusal import Refused
from drsim.domain.settle import end_authorization
from drsim.domain.sources import Source
from drsim.domain.states import SOURCE, step
from drsim.domain.submit import Beginning, charge_order
from drsim.domain.values import replace


def approved(source: Source) -> Source:
    """The source once the shopper has paid, approved or passed the challenge. Raises `Refused` if it does not wait.

    It is chargeable, or failed where its owner's name says that it fails on the way back.
    """
    _check_open(source)
    fails = Trouble("source", "fails_on_return") in source.troubles
    return replace(source, state=step(SOURCE, source.state, "failed" if fails else "chargeable"))


def turned_down(source: Source) -> Source:
    """The source once the shopper has declined: a redirect may still be approved later, anything else has failed.

    Raises `Refused` if nobody waits for the shopper.
    """
    _check_open(source)
    if source.state == "pending_redirect":
        return source
    return replace(source, state=step(SOURCE, source.state, "failed"))


def expired(source: Source) -> Source:
    """The source once the shopper has let its time pass. Raises `Refused` if nobody waits for the shopper."""
    _check_open(source)
    return replace(source, state=step(SOURCE, source.state, "cancelled"))


def approve(sale: Sale, source_id: str, context: Context, begins: Beginning = "accepted") -> Decision:
    """The shopper pays for an order that waits for it; `begins` says what fraud screening makes of it then.

    What the bank is still deciding about is authorized. Raises `Refused` if the order waits for neither.
    """
    draft, source = Draft(sale, context), sale.source(source_id)
    if not source.is_open:
        end_authorization(draft, replace(_undecided(sale, source), failure=None))
        return draft.decided()
    source = _put(draft, approved(source))
    if source.state == "failed":
        give_up(draft)
        return draft.decided()
    draft.tell("source.chargeable", source=source)
    pending = [charge for charge in sale.charges if charge.state == "pending"]
    for charge in pending:
        end_authorization(draft, replace(charge, failure=None))
    if not pending:
        charge_order(draft, begins)
    return draft.decided()


def decline(sale: Sale, source_id: str, context: Context) -> Decision:
    """The shopper does not pay: a redirect goes on waiting, any other payment has failed and the order with it.

    What the bank is still deciding about is declined. Raises `Refused` if the order waits for neither.
    """
    draft, source = Draft(sale, context), sale.source(source_id)
    if not source.is_open:
        end_authorization(draft, replace(_undecided(sale, source), failure=Failure()))
    elif _put(draft, turned_down(source)).state == "failed":
        give_up(draft)
    return draft.decided()


def expire(sale: Sale, source_id: str, context: Context) -> Decision:
    """The shopper has let the time pass: the order is cancelled. Raises `Refused` if it does not wait for that."""
    draft = Draft(sale, context)
    _put(draft, expired(sale.source(source_id)))
    give_up(draft)
    return draft.decided()


def _put(draft: Draft, changed: Source) -> Source:
    draft.sources = tuple(changed if each.id == changed.id else each for each in draft.sources)
    return changed


def _undecided(sale: Sale, source: Source) -> Charge:
    """The charge on this source that is still being authorized."""
    for charge in sale.charges:
        if sale.order.state == "pending_payment" and charge.source_id == source.id and charge.state == "pending":
            return charge
    raise _not_open(source)


def _check_open(source: Source) -> None:
    if not source.is_open:
        raise _not_open(source)


def _not_open(source: Source) -> Refused:
    message = f"Source '{source.id}' is not waiting for the shopper: it is '{source.state}'."
    return Refused("conflict", "invalid_state", message, "state")
