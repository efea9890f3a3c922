"""`/events`, which are also what is sent to webhooks."""

from drsim.domain.account import VERSIONS
from drsim.domain.events import EMITTED
from drsim.web.bodies.webhooks import ResendBody
from drsim.web.events import LISTING
from drsim.web.openapi.operation import Chapter, Operation, Parameter
from drsim.web.openapi.parts import (
    COUNT,
    FREE,
    ID,
    TEST_MODE,
    TEXT,
    TIME,
    Schema,
    data_of,
    either,
    listed,
    one_of,
    page_of,
    record,
    ref,
)
from drsim.web.openapi.webhooks import TYPE_FILTERS

SUBJECTS = {
    r"order\.(?!charge\.|invoice\.|credit_memo\.)": "Order",
    r"order\.(invoice|credit_memo)\.": "Document",
    r"order\.charge\.(reauth\.)?failed": "Order",
    r"order\.charge\.(?!failed|reauth)": "Charge",
    r"fulfillment\.": "EventFulfillment",
    r"refund\.": "Refund",
    r"return\.": "Return",
    r"source\.": "Source",
    r"checkout\.(?!deleted)": "Checkout",
    r"customer\.(created|updated)": "Customer",
    r"customer\.tax_identifier\.": "TaxIdentifier",
    r"customer\.source\.": "Source",
    r"tax_identifier\.(?!deleted)": "TaxIdentifier",
    r"sku\.(?!deleted)": "Sku",
    r"(checkout|customer|tax_identifier|sku)\.deleted": "Gone",
    r"fulfillment_order\.(pending|cancelled)": "FulfillmentOrder",
    r"fulfillment_order\.backordered": "Backorder",
    r"fulfillment_order\.shipped": "Shipment",
    r"fulfillment_cancellation\.": "FulfillmentCancellation",
    r"fulfillment_return\.": "FulfillmentReturn",
}
"""What events of a type that begins like this are about: their object, as it was then."""

_FIELDS = {
    "id": ID,
    "type": one_of(sorted(EMITTED)),
    "data": record(
        "What it happened to.",
        {
            "object": either(*(ref(name) for name in dict.fromkeys(SUBJECTS.values()))),
            "previousAttributes?": {**FREE, "description": "What has changed, as it was before."},
        },
    ),
    "liveMode": TEST_MODE,
    "createdTime": TIME,
    "webhookIds?": listed(ID),
    "versionIds?": {**listed(TEXT), "description": "In place of a version, where the event is about a document."},
    "digitalriverVersion?": one_of(VERSIONS),
}


def _about(pattern: str, name: str) -> Schema:
    """That events of such a type are about such an object."""
    return {
        "if": {"properties": {"type": {"pattern": f"^{pattern}"}}},
        "then": {"properties": {"data": {"properties": {"object": ref(name)}}}},
    }


_SCHEMAS = {
    "Gone": record("What was deleted is nothing any more; `previousAttributes` has all of it.", {}),
    "Event": {
        **record("Something that happened.", _FIELDS),
        "allOf": [_about(pattern, name) for pattern, name in SUBJECTS.items()],
    },
}

CHAPTER = Chapter(
    "Events",
    "What has happened in the last thirty days.",
    _SCHEMAS,
    {
        "GET /events/{id}": Operation("getEvent", "Shows an event", ref("Event")),
        "GET /events": Operation(
            "listEvents", "Lists events", page_of("Event"), listing=LISTING, parameters=TYPE_FILTERS
        ),
        "GET /_sim/events": Operation(
            "listAllEvents",
            "Lists all events, oldest first",
            record("Up to 1000 events.", {"next": COUNT, "data": listed(ref("Event"))}),
            parameters=(Parameter("after", "Where to go on: the `next` of the page before.", COUNT),),
        ),
        "POST /_sim/events/{id}/resend": Operation(
            "resendEvent", "Sends an event again", data_of(ref("Delivery")), 201, body=ResendBody, refused=(409,)
        ),
    },
)
