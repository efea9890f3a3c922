"""Work: what an action of one sandbox loads and saves with, in one transaction."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from drsim import render
from drsim.domain.addresses import Hosts
from drsim.domain.clock import Time, format_precise
from drsim.domain.decision import Context, Decision
from drsim.domain.events import EMITTED, EXPANDABLE, AnyEvent, Event, ResourceEvent
from drsim.domain.faults import Fault, Occasion, strike
from drsim.domain.files import made_files
from drsim.domain.orders import Sale
from drsim.domain.outcome import Rule
from drsim.domain.pay import expired
from drsim.domain.refusal import not_found
from drsim.domain.settle import wake
from drsim.domain.values import replace
from drsim.domain.webhooks import Attempt, Delivery, Webhook
from drsim.engine import fulfilling, inventory, records, requesting
from drsim.engine.sandbox import Sandbox
from drsim.store import Record, Transaction

MOST_FIRED = 10_000
"""No more than this is told of what one movement of the clock has fired."""


class Work:
    """One unit of work in one sandbox: what an action loads and saves with."""

    def __init__(
        self, transaction: Transaction, sandbox: Sandbox, now: Time, wall: Time, hosts: Hosts, base: str = ""
    ) -> None:
        self.transaction = transaction
        self.base = base
        self.hosts = hosts
        self.sandbox = sandbox
        self.now = now
        self.wall = wall
        self.silent = False
        """While true, events are put on record but not pushed."""
        self.pushed_from: Time = 0
        """Events from before this are pushed at this time: those of an order that is made with a past."""
        self.dues: dict[str, Time] = {}
        """By lane, the earliest time at which something that was saved here wakes."""

    def context(self) -> Context:
        """What a decision made now gets."""
        return Context(self.now, self.sandbox.new_id, self.sandbox.account, self.rules())

    def get(self, kind: str, id: str) -> Any:
        """The value of a document, or nothing."""
        return self.transaction.get(self.sandbox.number, kind, id)

    def put(self, record: Record) -> None:
        """Saves one document."""
        self.transaction.put(self.sandbox.number, record)
        if record.kind == "webhook":
            self.sandbox.know_webhook(record.value)
        elif record.kind == "rule":
            self.sandbox.forget_lists()
        elif record.kind == "fault":
            self.sandbox.faults = None
        if record.lane == "" and record.due is not None:
            known = self.sandbox.due
            self.sandbox.due = record.due if known is None else min(known, record.due)
        self._wakes(record)

    def add(self, record: Record) -> None:
        """Saves one document that is certainly new and no sale."""
        self.transaction.add(self.sandbox.number, record)
        self._wakes(record)

    def _wakes(self, record: Record) -> None:
        if record.lane is not None and record.due is not None:
            self.dues[record.lane] = min(record.due, self.dues.get(record.lane, record.due))

    def delete(self, kind: str, id: str) -> None:
        """Removes one document."""
        self.transaction.delete(self.sandbox.number, kind, id)
        self.sandbox.forget_lists()
        self.sandbox.faults = None

    def sale(self, order_id: str, parameter: str = "id") -> Sale:
        """An order with its charges and sources. Raises `Refused` when there is none, naming `parameter`."""
        order = self.get("order", order_id)
        if order is None:
            raise not_found("Order", order_id, parameter)
        charges = tuple(self.get("charge", id) for id in order.charge_ids)
        sources = tuple(self.get("source", id) for id in (each.source_id for each in order.contributions))
        refunds = tuple(self.get("refund", id) for id in order.refund_ids)
        return Sale(order, charges, sources, refunds, tuple(self.get("return", id) for id in order.return_ids))

    def webhooks(self) -> tuple[Webhook, ...]:
        """All webhooks, oldest first."""
        if self.sandbox.webhooks is None:
            self.sandbox.webhooks = tuple(self.transaction.all(self.sandbox.number, "webhook"))
        return self.sandbox.webhooks

    def rules(self) -> tuple[Rule, ...]:
        """The behavior rules in force, in order."""
        if self.sandbox.rules is None:
            self.sandbox.rules = tuple(self.transaction.all(self.sandbox.number, "rule"))
        return self.sandbox.rules

    def faults(self) -> tuple[Fault, ...]:
        """The faults in force, in order."""
        if self.sandbox.faults is None:
            self.sandbox.faults = tuple(self.transaction.all(self.sandbox.number, "fault"))
        return self.sandbox.faults

    def strike(self, occasion: Occasion) -> Fault | None:
        """The fault that strikes now, counted and saved."""
        before = self.faults()
        fault, after = strike(before, occasion)
        for old, new in zip(before, after, strict=True):
            if new is not old:
                self.put(records.fault_record(new, self.now))
        self.sandbox.faults = after
        return fault

    def save(self, decision: Decision, before: Sale | None = None) -> bytes:
        """Saves what a decision has changed since `before`, with its events and the deliveries they imply.

        Returns the order in public form.
        """
        shown = _Shown(self.base)
        if before and decision.fulfillment:
            # Told with the order as it was: that stands ready in the store.
            shown.know(before, self.transaction.public(self.sandbox.number, "order", before.order.id))
        public = self.keep(decision.sale, before, shown)
        if decision.fulfillment:
            self.add(records.fulfillment_record(decision.fulfillment))
        self.tell(decision.events, shown)
        self.save_rules(decision.rules)
        for event in decision.events:
            if event.type == "order.accepted":
                fulfilling.orchestrate(self, decision.sale.order, event.at)
        return public

    def keep(self, sale: Sale, before: Sale | None = None, shown: "_Shown | None" = None) -> bytes:
        """Saves an order with what belongs to it and is not as `before`; returns its public form."""
        old = {id(each) for each in before.parts} if before else set()
        for charge in sale.charges:
            if id(charge) not in old:
                self.put(records.charge_record(charge))
        for source in sale.sources:
            if id(source) not in old:
                self.put(records.source_record(source))
        for refund in sale.refunds:
            if id(refund) not in old:
                self.put(records.refund_record(sale, refund))
        for file in made_files(sale.order, before.order if before else None):
            self.add(records.file_record(file))
        for returned in sale.returns:
            if id(returned) not in old:
                self.put(records.return_record(returned))
        public = (shown or _Shown(self.base)).order(sale)
        self.put(records.order_record(sale, public))
        return public

    def tell(self, events: Iterable[AnyEvent], shown: "_Shown | None" = None) -> None:
        """Puts events on record, with a delivery to every webhook that wants them."""
        shown = shown or _Shown(self.base)
        for event in events:
            wanting = [webhook for webhook in self.webhooks() if webhook.wants(event.type) and not self.silent]
            expanding = event.type in EXPANDABLE and any(event.type in webhook.expand for webhook in wanting)
            more = render.expansion(event.sale.order) if expanding and isinstance(event, Event) else None
            self.add(records.event_record(event, shown.object(event), [webhook.id for webhook in wanting], more))
            self._note(event.at, 0, 0, event=event.type, id=event.id)
            for webhook in wanting:
                due = max(event.at, self.pushed_from)
                self.deliver(webhook, event.id, event.type, event.order_id or "", created=event.at, due=due)

    def happen(
        self, type: str, subject: Any, previous: Mapping[str, Any] | None = None, *, at: Time | None = None
    ) -> None:
        """Tells an event about a resource that is no part of a sale, as it is now, or was `at` a time.

        Without a subject, it is gone.

        `previous` are the changed attributes as they were, in public form.
        """
        assert type in EMITTED, f"'{type}' is not in EMITTED"
        id = self.sandbox.new_id("event")
        if type.startswith("fulfillment_"):
            id = f"evt_{id}"  # only this family's ids look like that (surroundings page, 2.3)
        self.tell([ResourceEvent(id, type, self.now if at is None else at, subject, previous)])

    def deliver(
        self,
        webhook: Webhook,
        event_id: str,
        type: str,
        order_id: str,
        *,
        created: Time,
        due: Time,
        resent: bool = False,
    ) -> bytes:
        """Puts an event on its way to a webhook; returns the new delivery in public form."""
        delivery = Delivery(
            id=self.sandbox.new_id("delivery"),
            number=self.sandbox.counters["delivery"],
            created=created,
            event_id=event_id,
            webhook_id=webhook.id,
            type=type,
            order_id=order_id,
            state="pending",
            due=due,
            resent=resent,
            api_version=self.sandbox.account.version(webhook.api_version),
            expanded=type in webhook.expand,
        )
        record = records.delivery_record(delivery)
        self.add(record)
        return record.public or b"{}"

    def _note(self, at: Time, rank: int, number: int, **what: str) -> None:
        """Notes what has happened; deliveries are noted as they come back, and put in order by rank and number."""
        fired = self.sandbox.fired
        if fired is not None and len(fired) < MOST_FIRED:
            fired.append((at, rank, number, {"time": format_precise(at), **what}))

    def note_delivery(self, delivery: Delivery, attempt: Attempt, outcome: str) -> None:
        """Notes an attempt for whoever moves the clock."""
        self._note(attempt.at, 1, delivery.number, delivery=delivery.id, type=delivery.type, outcome=outcome)

    def note_disabling(self, webhook_id: str, at: Time, reason: str) -> None:
        """Notes for whoever moves the clock that a webhook was disabled."""
        self._note(at, 2, 0, webhook=webhook_id, disabled=reason)

    def save_rules(self, rules: tuple[Rule, ...]) -> None:
        """Saves how many times the behavior rules are left."""
        for rule, left in zip(self.rules(), rules, strict=True):
            if rule is not left:
                self.put(records.rule_record(left, self.now))

    def wake_due(self) -> None:
        """Lets everything happen that is due by now, each thing at its own time."""
        number, sandbox = self.sandbox.number, self.sandbox
        while (following := self.transaction.next_due(number, "")) and following[0] <= self.now:
            due, kind, id = following
            _WAKE[kind](self, id, due)
        sandbox.due = following[0] if following else None


def _wake_sale(work: Work, order_id: str, due: Time) -> None:
    sale = work.sale(order_id)
    work.save(wake(sale, replace(work.context(), now=due)), sale)


def _wake_source(work: Work, source_id: str, due: Time) -> None:
    work.put(records.source_record(expired(work.get("source", source_id))))


_WAKE: Mapping[str, Callable[[Work, str, Time], None]] = {
    "order": _wake_sale,
    "source": _wake_source,
    "fulfillment_order": fulfilling.wake,
    "fulfillment_cancellation": requesting.wake_cancellation,
    "fulfillment_return": requesting.wake_return,
    "reservation": inventory.wake,
}
"""How each kind of document that can be due by itself goes on: given its id and when it was due."""


class _Shown:
    """Rendered orders of one decision: several of its events often show the same one."""

    def __init__(self, base: str = "") -> None:
        self._base = base
        self._orders: dict[tuple[int, ...], dict[str, Any]] = {}
        self._texts: dict[tuple[int, ...], bytes] = {}

    def know(self, sale: Sale, public: bytes | None) -> None:
        """This order is already rendered."""
        if public is not None:
            self._texts[self._key(sale)] = public
            self._orders[self._key(sale)] = orjson.loads(public)

    def order(self, sale: Sale) -> bytes:
        """An order as JSON."""
        key = self._key(sale)
        if key not in self._texts:
            self._texts[key] = orjson.dumps(self._order(sale))
        return self._texts[key]

    def object(self, event: AnyEvent) -> Any:
        """The object of an event: its subject, or what it is about besides its order, or else that."""
        if isinstance(event, ResourceEvent):
            return render.resource(event.subject)
        if event.fulfillment is not None:
            details = render.order_details(self._order(event.sale))
            return {**render.fulfillment(event.fulfillment), "orderDetails": details}
        if event.refund is not None:
            return render.refund(event.sale, event.refund)
        if event.document is not None:
            return render.document(event.document, event.sale.order, self._base)
        if event.returned is not None:
            return render.returned(event.returned)
        if event.source is not None:
            return render.source(event.source)
        if event.charge is not None:
            return render.event_charge(event.charge)
        return orjson.Fragment(self.order(event.sale))

    def _order(self, sale: Sale) -> dict[str, Any]:
        key = self._key(sale)
        if key not in self._orders:
            self._orders[key] = render.order(sale, self._base)
        return self._orders[key]

    @staticmethod
    def _key(sale: Sale) -> tuple[int, ...]:
        # Frozen values that live as long as the decision: their identity is their content.
        return (id(sale.order), *map(id, sale.charges), *map(id, sale.sources), *map(id, sale.refunds))
