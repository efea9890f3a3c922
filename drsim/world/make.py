"""Making what a scenario describes in a sandbox: its settings, what is given, behavior rules and faults."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from drsim.domain.clock import Clock
from drsim.domain.faults import can_be_sent
from drsim.domain.history import live
from drsim.domain.orders import Sale
from drsim.domain.outcome import Rule
from drsim.domain.refusal import Refused, invalid
from drsim.domain.values import replace
from drsim.engine import customers, inventory, records, skus
from drsim.engine.instructions import redirect_url
from drsim.engine.makeup import next_makeup
from drsim.engine.sandbox import COPIED
from drsim.engine.subscriptions import subscribe
from drsim.engine.work import Work
from drsim.format.catalog import sent
from drsim.format.models import FaultModel, OrderModel, RuleModel, WebhookModel, World
from drsim.format.substitute import Unresolved, resolve
from drsim.world import build
from drsim.world.imported import imported

Made = dict[str, Any]
"""What the aliases of a scenario stand for, in public form."""


def make_world(work: Work, world: World, address: str | None = None) -> Made:
    """Makes the whole world; webhooks without an address get `address`. Returns its aliases.

    What is given is there when the scenario starts: its events are on record, but not pushed. Raises `Refused`.
    """
    _set_out(work, world)
    work.sandbox.account = build.account(world.account, work.sandbox.account)
    made: Made = {}
    for index, webhook in enumerate(world.webhooks):
        with _at(f"given.webhooks[{index}]."):
            _name(made, webhook.alias, _make_webhook(work, webhook, address))
    work.silent = True
    for index, customer in enumerate(world.given.customers):
        with _at(f"given.customers[{index}]."):
            _name(made, customer.alias, customers.create(work, customer.id, sent(customer)))
    for index, sku in enumerate(world.given.skus):
        with _at(f"given.skus[{index}]."):
            _name(made, sku.alias, skus.create(work, sku.id, sent(sku)))
    for order in world.orders:
        _make_given_order(work, order, made)
    work.silent = False
    ids = {alias: shown["id"] for alias, shown in made.items() if isinstance(shown, dict) and "id" in shown}
    for rule in world.behavior:
        make_rule(work, _resolved(rule, made), ids)
    for index, fault in enumerate(world.faults):
        make_fault(work, _resolved(fault, made), ids, f"faults[{index}].")
    return made


def make_order(work: Work, model: OrderModel, rules: tuple[Rule, ...] | None = None) -> bytes:
    """Makes one order now (or `createdAgo`); returns it in public form. Raises `Refused`.

    With `rules` these decide about its payment instead of the sandbox's, which stay as they are.
    """
    if model.resource is not None:
        sale = imported(model.resource, work.context())
        _check_is_new(work, sale.order.id, sale)
        work.sandbox.counters[COPIED] = work.sandbox.counters.get(COPIED, 0) + 1
        return work.keep(sale)
    created = work.now - model.age
    if created < 0:
        raise Refused("bad_request", "invalid_parameter", "An order cannot be older than 1970.", "createdAgo")
    pays_at = redirect_url(work.base, work.sandbox.name)
    spec = build.order_spec(model, next_makeup(work.sandbox), created, pays_at)
    if spec.id is not None:
        _check_is_new(work, spec.id, None)
    if spec.source.id is not None and work.get("source", spec.source.id):
        raise _exists("Source", spec.source.id)
    for line in spec.lines:
        if line.model != "third-party" and line.sku_id is not None:
            inventory.pair(work, line.sku_id, created)
    work.pushed_from = work.now
    context = replace(work.context(), now=created)
    if rules is None:
        return work.save(live(spec, model.state, context, work.now))
    decision = live(spec, model.state, replace(context, rules=rules), work.now)
    return work.save(replace(decision, rules=work.rules()))


def make_rule(work: Work, model: RuleModel, aliases: Mapping[str, str]) -> bytes:
    """Puts one behavior rule in force, after those that are; returns it in public form."""
    record = records.rule_record(build.rule(model, work.sandbox.new_id("rule"), aliases), work.now)
    work.put(record)
    return record.public or b"{}"


def make_fault(work: Work, model: FaultModel, aliases: Mapping[str, str], place: str = "") -> bytes:
    """Puts one fault in force, after those that are; returns it in public form.

    Raises `Refused`, naming parameters below `place`.
    """
    to = model.when.to and aliases.get(model.when.to, model.when.to)
    if to and work.get("webhook", to) is None:
        raise invalid(f"{place}when.to", to[:100], "webhook")
    for name, text in (model.then.headers or {}).items():
        # Fitting when they were read; then aliases were put in.
        if not isinstance(text, str) or not can_be_sent(name, text):
            raise invalid(f"{place}then.headers.{name}", str(text)[:100], "header")
    record = records.fault_record(build.fault(model, work.sandbox.new_id("fault"), to), work.now)
    work.put(record)
    return record.public or b"{}"


def _set_out(work: Work, world: World) -> None:
    """Sets seed and clock, which only an empty sandbox can still choose."""
    if world.clock is None and world.seed is None:
        return
    if not work.transaction.is_empty(work.sandbox.number):
        message = "clock and seed can only be set in an empty sandbox: reset it first."
        raise Refused("conflict", "sandbox_not_empty", message, "clock" if world.clock is not None else "seed")
    sandbox = work.sandbox
    if world.seed is not None:
        sandbox.seed = world.seed
        sandbox.counters.clear()
    if world.clock is not None:
        sandbox.clock = Clock(world.clock, work.wall, sandbox.clock.rate)
        sandbox.last = work.now = world.clock


def _make_webhook(work: Work, model: WebhookModel, address: str | None) -> bytes:
    to = model.address or address
    if to is None:
        message = "A webhook needs an address: give one, or start drsim with --webhook."
        raise Refused("bad_request", "missing_parameter", message, "address")
    fields: dict[str, Any] = {
        "types": tuple(model.event_types),
        "address": to,
        "enabled": model.enabled,
        "api_version": model.api_version,
        "expand": model.expand,
        "transport": model.transport_type,
    }
    for name in ("authentication", "oauth"):
        part = getattr(model, name)
        fields[name] = part and part.model_dump(by_alias=True, exclude_none=True)
    return subscribe(work, fields, model.token)


@contextmanager
def _at(place: str) -> Iterator[None]:
    """What is refused meanwhile stands in a scenario at this place."""
    try:
        yield
    except Refused as refused:
        refused.parameter = f"{place}{refused.parameter}"
        raise


def _name(made: Made, alias: str | None, public: bytes) -> None:
    """Lets an alias stand for what was made."""
    if alias:
        made[alias] = orjson.loads(public)


def _make_given_order(work: Work, model: OrderModel, made: Made) -> None:
    shown = orjson.loads(make_order(work, _resolved(model, made)))
    if model.alias:
        made[model.alias] = shown
    for item, line in zip(model.items, shown["items"], strict=False):
        if item.alias:
            made[item.alias] = line


def _resolved(model: Any, made: Made) -> Any:
    try:
        return resolve(model, made)
    except Unresolved as error:
        raise Refused("bad_request", "invalid_parameter", f"{error}.", "given") from error


def _check_is_new(work: Work, order_id: str, sale: Sale | None) -> None:
    if work.get("order", order_id):
        raise _exists("Order", order_id)
    for charge in sale.charges if sale else ():
        if work.get("charge", charge.id):
            raise _exists("Charge", charge.id)
    for document in sale.order.documents if sale else ():
        if work.get("file", document.id):
            raise _exists("File", document.id)
    for source in sale.sources if sale else ():
        if work.get("source", source.id):
            raise _exists("Source", source.id)


def _exists(resource: str, id: str) -> Refused:
    return Refused("conflict", "already_exists", f"{resource} '{id}' already exists.", "id")
