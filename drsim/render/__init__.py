"""Resources as the latest version of the API shows them: pure functions from domain values to JSON-ready mappings.

Key order, presence of keys and number formats follow the published payloads (resources page, sections 1 and 2;
platform page, 7.3). Amounts become major units here, times text. Older versions are made of these in `versions`.
"""

from drsim.render.charges import charge, event_charge
from drsim.render.checkouts import checkout
from drsim.render.control import fault, rule
from drsim.render.customers import customer, tax_identifier
from drsim.render.events import event, expansion
from drsim.render.files import answered_file, answered_link, document, file, file_link
from drsim.render.fulfillments import fulfillment, operation_ids
from drsim.render.inventory import inventory_item, inventory_level, reservation, shipping_quote
from drsim.render.orders import order, order_details
from drsim.render.parts import Json
from drsim.render.refunds import refund
from drsim.render.resources import resource
from drsim.render.returns import returned
from drsim.render.skus import sku, sku_group
from drsim.render.sources import browser_source, source
from drsim.render.webhooks import delivery, webhook, whole_delivery

__all__ = [
    "Json",
    "answered_file",
    "answered_link",
    "browser_source",
    "charge",
    "checkout",
    "customer",
    "delivery",
    "document",
    "event",
    "event_charge",
    "expansion",
    "fault",
    "file",
    "file_link",
    "fulfillment",
    "inventory_item",
    "inventory_level",
    "operation_ids",
    "order",
    "order_details",
    "refund",
    "reservation",
    "resource",
    "returned",
    "rule",
    "shipping_quote",
    "sku",
    "sku_group",
    "source",
    "tax_identifier",
    "webhook",
    "whole_delivery",
]
