"""Making an order of a checkout: `POST /orders`."""

from drsim.domain.checkouts import Checkout, CheckoutItem, check_orderable, in_use
from drsim.domain.customers import Customer
from drsim.domain.orders import FulfillmentModel
from drsim.domain.refusal import Refused
from drsim.domain.skus import Sku
from drsim.domain.sources import Source
from drsim.domain.submit import submit
from drsim.domain.values import replace
from drsim.engine.checkouts import save, source_of
from drsim.engine.work import Work


def order(work: Work, checkout_id: str) -> bytes | Refused:
    """Makes an order of a checkout; returns its public form, or the refusal that is left when it is declined: by then
    the checkout is burnt (resources page, section 8).

    Raises `Refused` for what can be mended and tried again with the same checkout.
    """
    checkout: Checkout | None = work.get("checkout", checkout_id)
    if checkout is None or checkout.state != "open":
        raise Refused("not_found", "not_found", f"Order {checkout_id} not found", "orderId")
    check_orderable(checkout)
    checkout = replace(checkout, items=tuple(replace(item, model=_model(work, item)) for item in checkout.items))
    sources = tuple(source_of(work, each.source_id) for each in checkout.contributions)
    for source in sources:
        _check_usable(source, checkout)
    try:
        _check_customer(work.get("customer", checkout.customer_id) if checkout.customer_id else None)
        decision = submit(checkout, sources, work.context())
    except Refused as refusal:
        save(work, replace(checkout, state="burnt", updated=work.now))
        if refusal.rules is not None:
            work.save_rules(refusal.rules)
        return refusal
    shown = work.save(decision)
    save(work, replace(checkout, state="converted", updated=work.now))
    return shown


def _model(work: Work, item: CheckoutItem) -> FulfillmentModel:
    """Who ships a line, as its SKU says: one that the vendor manages, or that has an inventory item of the same id."""
    if item.sku_id is None or not item.line.physical:
        return "third-party"
    sku: Sku | None = work.get("sku", item.sku_id)
    if sku is not None and sku.managed_fulfillment is not None:
        return "orchestrated"
    return "third-party" if work.get("inventory_item", item.sku_id) is None else "distributed"


def _check_customer(customer: Customer | None) -> None:
    """A customer who is disabled buys nothing (surroundings page, U31)."""
    if customer is not None and not customer.enabled:
        message = "The order is missing required details and could not be completed."
        raise Refused("conflict", "create-order-failed", message)


def _check_usable(source: Source, checkout: Checkout) -> None:
    if source.order_id is not None or source.state not in ("chargeable", "pending_redirect", "pending_funds"):
        message = f"Source '{source.id}' is not chargeable."
        raise Refused("conflict", "source_not_chargeable", message, "sourceId")
    if source.customer_id is not None and source.customer_id != checkout.customer_id:
        raise in_use(source)
