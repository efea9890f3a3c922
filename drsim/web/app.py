"""The application: every path with its routes, behind the gate."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from drsim.domain.refusal import Refused
from drsim.engine.scheduler import Scheduler
from drsim.engine.simulator import Simulator
from drsim.web import (
    charges,
    checkouts,
    control,
    customers,
    deliveries,
    description,
    events,
    file_links,
    files,
    fulfillment_orders,
    fulfillment_requests,
    fulfillments,
    inventory,
    orders,
    payments,
    refunds,
    returns,
    settings,
    signing,
    skus,
    sources,
    tax_identifiers,
    triggers,
    verdicts,
    webhooks,
    worlds,
)
from drsim.web.answers import Answer, on_bug, on_http_error, on_refused
from drsim.web.calls import CallLog
from drsim.web.front import HEALTH

Endpoint = Callable[[Request], Awaitable[Answer]]


def routes() -> list[Route]:
    """All routes of the API and of the control plane; the busiest first."""
    return [
        _at("/fulfillments", POST=fulfillments.create, GET=fulfillments.listed),
        _at("/orders/{id}", GET=orders.retrieve, POST=orders.update),
        _at("/orders/{id}/refresh", POST=orders.refresh),
        _at("/orders", POST=orders.create, GET=orders.listed),
        _at("/checkouts", POST=checkouts.create, GET=checkouts.listed),
        _at("/checkouts/{id}", GET=checkouts.retrieve, POST=checkouts.update, DELETE=checkouts.delete),
        _at("/checkouts/{id}/sources/{sourceId}", POST=checkouts.attach, DELETE=checkouts.detach),
        _at("/charges/{id}", GET=charges.retrieve),
        _at("/charges", GET=charges.listed),
        _at("/sources/{id}", GET=sources.retrieve),
        _at("/sources", POST=sources.create, GET=sources.listed),
        _at("/payments/sources", POST=payments.create),
        _at("/payments/sources/{id}", GET=payments.retrieve, POST=payments.update),
        _at("/payments/sources/{id}/", POST=payments.update_slashed),
        _at("/payments/payment-methods", GET=payments.methods),
        _at("/payments/redirects/{id}", GET=payments.redirect, POST=payments.decide),
        _at("/fulfillments/{id}", GET=fulfillments.retrieve, POST=fulfillments.update),
        _at("/fulfillment-orders", POST=fulfillment_orders.create, GET=fulfillment_orders.listed),
        _at("/fulfillment-orders/{id}", GET=fulfillment_orders.retrieve),
        _at("/shipments", GET=fulfillment_orders.shipments),
        _at("/shipments/{id}", GET=fulfillment_orders.shipment),
        _at(
            "/fulfillment-cancellations",
            POST=fulfillment_requests.create_cancellation,
            GET=fulfillment_requests.cancellations,
        ),
        _at("/fulfillment-cancellations/{id}", GET=fulfillment_requests.cancellation),
        _at("/fulfillment-returns", POST=fulfillment_requests.create_return, GET=fulfillment_requests.returns),
        _at("/fulfillment-returns/{id}", GET=fulfillment_requests.returned),
        _at("/inventory-items", POST=inventory.create, GET=inventory.listed),
        _at("/inventory-items/{id}", GET=inventory.retrieve, POST=inventory.update, DELETE=inventory.delete),
        _at("/inventory-levels", GET=inventory.levels),
        _at("/reservations", POST=inventory.reserve),
        _at("/reservations/{id}", DELETE=inventory.unreserve),
        _at("/shipping-quotes", POST=inventory.quote),
        _at("/refunds", POST=refunds.create, GET=refunds.listed),
        _at("/refunds/{id}", GET=refunds.retrieve, POST=refunds.update),
        _at("/customers/{id}", GET=customers.retrieve, POST=customers.update, DELETE=customers.delete),
        _at("/customers", POST=customers.create, GET=customers.listed),
        _at("/customers/{id}/sources/{sourceId}", POST=customers.attach_source, DELETE=customers.detach_source),
        _at("/customers/{id}/tax-identifiers/{taxId}", POST=customers.attach_tax_identifier),
        _at("/tax-identifiers", POST=tax_identifiers.create, GET=tax_identifiers.listed),
        _at("/tax-identifiers/{id}", GET=tax_identifiers.retrieve, DELETE=tax_identifiers.delete),
        _at("/skus/{id}", GET=skus.retrieve, PUT=skus.put, POST=skus.update, DELETE=skus.delete),
        _at("/skus", POST=skus.create, GET=skus.listed),
        _at("/sku-groups", GET=skus.groups),
        _at("/returns", POST=returns.create, GET=returns.listed),
        _at("/returns/{id}", GET=returns.retrieve, POST=returns.update),
        _at("/events/{id}", GET=events.retrieve),
        _at("/events", GET=events.listed),
        _at("/files", POST=files.create, GET=files.listed),
        _at("/files/{id}", GET=files.retrieve, DELETE=files.delete),
        _at("/files/{id}/content", GET=files.content),
        _at("/file-links", POST=file_links.create, GET=file_links.listed),
        _at("/file-links/{id}", GET=file_links.retrieve, POST=file_links.update, DELETE=file_links.delete),
        _at("/links/{id}", GET=files.follow),
        _at("/webhooks", GET=webhooks.listed, POST=webhooks.create),
        _at("/webhooks/{id}", GET=webhooks.retrieve, PATCH=webhooks.update, DELETE=webhooks.delete),
        _at(HEALTH, GET=control.health),
        _at("/_sim/openapi.json", GET=description.retrieve),
        _at("/_sim/clock", GET=control.clock),
        _at("/_sim/clock/advance", POST=control.advance),
        _at("/_sim/settle", POST=control.settle),
        _at("/_sim/reset", POST=control.reset),
        _at("/_sim/orders", POST=worlds.create_order),
        _at("/_sim/fulfillment-orders/{id}/ship", POST=fulfillment_orders.ship),
        _at("/_sim/fulfillment-orders/{id}/backorder", POST=fulfillment_orders.backorder),
        _at("/_sim/fulfillment-orders/{id}/cancel", POST=fulfillment_orders.cancel),
        _at("/_sim/fulfillment-cancellations/{id}/accept", POST=fulfillment_requests.accept_cancellation),
        _at("/_sim/fulfillment-cancellations/{id}/reject", POST=fulfillment_requests.reject_cancellation),
        _at("/_sim/fulfillment-returns/{id}/accept", POST=fulfillment_requests.accept_return),
        _at("/_sim/fulfillment-returns/{id}/reject", POST=fulfillment_requests.reject_return),
        _at("/_sim/inventory-items/{id}", PATCH=inventory.stock),
        _at("/_sim/orders/{id}/review", POST=verdicts.close_review),
        _at("/_sim/orders/{id}/dispute", POST=verdicts.open_dispute),
        _at("/_sim/orders/{id}/dispute/resolve", POST=verdicts.resolve_dispute),
        _at("/_sim/refunds/{id}/bank", POST=refunds.inform),
        _at("/_sim/sources/{id}/pay", POST=sources.pay),
        _at("/_sim/sources/{id}/decline", POST=sources.decline),
        _at("/_sim/sources/{id}/expire", POST=sources.expire),
        _at("/_sim/trigger", GET=triggers.listed, POST=triggers.trigger),
        _at("/_sim/orders/{id}/timeline", GET=control.order_timeline),
        _at("/_sim/scenario", POST=worlds.load_scenario),
        _at("/_sim/behavior", GET=worlds.list_rules, POST=worlds.create_rule),
        _at("/_sim/behavior/{id}", DELETE=worlds.delete_rule),
        _at("/_sim/faults", GET=worlds.list_faults, POST=worlds.create_fault),
        _at("/_sim/faults/{id}", DELETE=worlds.delete_fault),
        _at("/_sim/deliveries", GET=deliveries.listed),
        _at("/_sim/deliveries/{id}", GET=deliveries.retrieve),
        _at("/_sim/webhooks/{id}", GET=settings.retrieve, PATCH=settings.update),
        _at("/_sim/webhooks/{id}/resend", POST=deliveries.resend_to),
        _at("/_sim/webhooks/{id}/secrets", GET=signing.secrets),
        _at("/_sim/webhooks/{id}/rotate", POST=signing.rotate),
        _at("/_sim/webhooks/{id}/revoke", POST=signing.revoke),
        _at("/_sim/events/{id}/resend", POST=deliveries.resend),
        _at("/_sim/events", GET=control.events),
        _at("/_sim/requests", GET=control.requests),
        _at("/_sim/timeline", GET=control.sandbox_timeline),
    ]


def _at(path: str, **verbs: Endpoint) -> Route:
    """One path with the function of each verb."""

    async def dispatch(request: Request) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        return await verbs[method](request)

    return Route(path, dispatch, methods=list(verbs))


def application(simulator: Simulator, scheduler: Scheduler, calls: CallLog) -> Starlette:
    """The application without its gate."""
    app = Starlette(
        routes=routes(),
        exception_handlers={Refused: on_refused, HTTPException: on_http_error, Exception: on_bug},
    )
    app.router.redirect_slashes = False
    app.state.simulator = simulator
    app.state.scheduler = scheduler
    app.state.calls = calls
    return app
