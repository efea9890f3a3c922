"""The coordinated fulfillment models: fulfillment orders, shipments, requests to cancel or return units."""

from drsim.domain.states import FULFILLMENT_RETURN, REQUEST
from drsim.web import fulfillment_orders, fulfillment_requests
from drsim.web.bodies.logistics import (
    BackorderBody,
    CancelBody,
    FulfillmentCancellationBody,
    FulfillmentOrderBody,
    FulfillmentReturnBody,
    GrantBody,
    ShipBody,
)
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.parts import (
    COUNT,
    FREE,
    ID,
    METADATA,
    TEST_MODE,
    TEXT,
    TIME,
    listed,
    one_of,
    page_of,
    record,
    ref,
)

_AMOUNT = {"type": "number", "minimum": 0}
_STATE = one_of(("pending", "shipped", "cancelled", "backordered", "returned"))
_REQUESTED = {
    "fulfillmentOrderItemId": ID,
    "fulfillmentOrderItemUpstreamId?": ID,
    "inventoryItemId": ID,
    "quantity": COUNT,
    "quantityAccepted": COUNT,
    "state": one_of(REQUEST),
}
_REQUEST = {"id": ID, "createdTime": TIME, "fulfillmentOrderId": ID, "upstreamId?": ID, "reason?": TEXT}
_TRACKING = {"trackingCompanyId?": TEXT, "trackingCompany?": TEXT, "trackingNumber?": TEXT, "trackingUrl?": TEXT}

_SCHEMAS = {
    "FulfillmentOrderItem": record(
        "A line of a fulfillment order, and what became of its units.",
        {
            "id": ID,
            "upstreamId?": ID,
            "inventoryItemId": ID,
            "quantity": COUNT,
            "subtotal?": _AMOUNT,
            "total?": _AMOUNT,
            "name?": TEXT,
            "giftMessage?": TEXT,
            "giftWrap?": {"type": ["boolean", "string"]},
            "tax?": FREE,
            "state": _STATE,
            "pending": COUNT,
            "backordered": COUNT,
            "shipped": COUNT,
            "cancelled": COUNT,
            "returned": COUNT,
        },
    ),
    "FulfillmentOrder": record(
        "What the fulfiller is to ship.",
        {
            "id": ID,
            "createdTime": TIME,
            "currency": TEXT,
            "locale?": TEXT,
            "upstreamOrderTime?": TIME,
            "name?": TEXT,
            "email?": TEXT,
            "phone?": TEXT,
            "reservationId?": ID,
            "shipTo?": ref("Party"),
            "shippingChoice?": FREE,
            "upstreamId?": ID,
            "items": listed(ref("FulfillmentOrderItem")),
            "state": _STATE,
            "metadata?": METADATA,
            "updatedTime": TIME,
            "liveMode": TEST_MODE,
        },
    ),
    "ShipmentItem": record(
        "A line of a shipment.",
        {
            "id": ID,
            "fulfillmentOrderItemId": ID,
            "fulfillmentOrderItemUpstreamId?": ID,
            "inventoryItemId": ID,
            "partNumber?": TEXT,
            "quantity": COUNT,
            "trackingUrls?": listed(record("Where it is.", {"trackingNumber?": TEXT, "trackingUrl?": TEXT})),
        },
    ),
    "Shipment": record(
        "A parcel.",
        {
            "id": ID,
            "createdTime": TIME,
            "fulfillmentOrderId": ID,
            "fulfillmentOrderUpstreamId?": ID,
            "shippingChoiceId": TEXT,
            **_TRACKING,
            "items": listed(ref("ShipmentItem")),
            "liveMode": TEST_MODE,
        },
    ),
    "Backorder": record(
        "Units that are on backorder, as the event tells it.",
        {
            "id": ID,
            "fulfillmentOrderId": ID,
            "fulfillmentOrderUpstreamId?": ID,
            "items": listed(
                record(
                    "A line of it.",
                    {
                        "fulfillmentOrderItemId": ID,
                        "fulfillmentOrderItemUpstreamId?": ID,
                        "inventoryItemId": ID,
                        "ordered": COUNT,
                        "backordered": COUNT,
                        "totalBackordered": COUNT,
                        "availableTime?": TIME,
                    },
                )
            ),
            "liveMode": TEST_MODE,
        },
    ),
    "FulfillmentCancellation": record(
        "What the fulfiller is asked not to ship.",
        {
            **_REQUEST,
            "state": one_of(REQUEST),
            "items": listed(record("A line of it.", _REQUESTED)),
            "livemode": TEST_MODE,
        },
    ),
    "FulfillmentReturn": record(
        "What the fulfiller is to get back.",
        {
            **_REQUEST,
            "state": one_of(FULFILLMENT_RETURN),
            "type": TEXT,
            "items": listed(record("A line of it.", {**_REQUESTED, "unitAttributes?": listed(FREE)})),
            "liveMode": TEST_MODE,
        },
    ),
}

_ORDER, _CANCELLATION, _RETURN = map(ref, ("FulfillmentOrder", "FulfillmentCancellation", "FulfillmentReturn"))

CHAPTER = Chapter(
    "Fulfillment orders",
    "Shipping by a fulfiller that is told what to ship, and tells what became of it.",
    _SCHEMAS,
    {
        "POST /fulfillment-orders": Operation(
            "createFulfillmentOrder",
            "Has something shipped",
            _ORDER,
            201,
            body=FulfillmentOrderBody,
            refused=(404, 409),
        ),
        "GET /fulfillment-orders": Operation(
            "listFulfillmentOrders",
            "Lists fulfillment orders",
            page_of("FulfillmentOrder"),
            listing=fulfillment_orders.LISTING,
        ),
        "GET /fulfillment-orders/{id}": Operation("getFulfillmentOrder", "Shows a fulfillment order", _ORDER),
        "GET /shipments": Operation(
            "listShipments", "Lists shipments", page_of("Shipment"), listing=fulfillment_orders.SHIPMENTS
        ),
        "GET /shipments/{id}": Operation("getShipment", "Shows a shipment", ref("Shipment")),
        "POST /fulfillment-cancellations": Operation(
            "createFulfillmentCancellation",
            "Asks to cancel units",
            _CANCELLATION,
            201,
            body=FulfillmentCancellationBody,
            refused=(404, 409),
        ),
        "GET /fulfillment-cancellations": Operation(
            "listFulfillmentCancellations",
            "Lists fulfillment cancellations",
            page_of("FulfillmentCancellation"),
            listing=fulfillment_requests.CANCELLATIONS,
        ),
        "GET /fulfillment-cancellations/{id}": Operation(
            "getFulfillmentCancellation", "Shows a fulfillment cancellation", _CANCELLATION
        ),
        "POST /fulfillment-returns": Operation(
            "createFulfillmentReturn",
            "Announces what comes back",
            _RETURN,
            201,
            body=FulfillmentReturnBody,
            refused=(404, 409),
        ),
        "GET /fulfillment-returns": Operation(
            "listFulfillmentReturns",
            "Lists fulfillment returns",
            page_of("FulfillmentReturn"),
            listing=fulfillment_requests.RETURNS,
        ),
        "GET /fulfillment-returns/{id}": Operation("getFulfillmentReturn", "Shows a fulfillment return", _RETURN),
        "POST /_sim/fulfillment-orders/{id}/ship": Operation(
            "ship", "Says that a parcel has left", ref("Shipment"), 201, body=ShipBody, refused=(409,)
        ),
        "POST /_sim/fulfillment-orders/{id}/backorder": Operation(
            "backorder", "Says that units are on backorder", _ORDER, body=BackorderBody, refused=(409,)
        ),
        "POST /_sim/fulfillment-orders/{id}/cancel": Operation(
            "cancelUnits", "Says that units will not be shipped", _ORDER, body=CancelBody, refused=(409,)
        ),
        "POST /_sim/fulfillment-cancellations/{id}/accept": Operation(
            "acceptCancellation", "Accepts a fulfillment cancellation", _CANCELLATION, body=GrantBody, refused=(409,)
        ),
        "POST /_sim/fulfillment-cancellations/{id}/reject": Operation(
            "rejectCancellation", "Rejects a fulfillment cancellation", _CANCELLATION, refused=(409,)
        ),
        "POST /_sim/fulfillment-returns/{id}/accept": Operation(
            "acceptReturn", "Accepts a fulfillment return", _RETURN, body=GrantBody, refused=(409,)
        ),
        "POST /_sim/fulfillment-returns/{id}/reject": Operation(
            "rejectReturn", "Rejects a fulfillment return", _RETURN, refused=(409,)
        ),
    },
)
