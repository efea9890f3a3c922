"""`/fulfillments`."""

from drsim.web.bodies.fulfillments import FulfillmentBody, FulfillmentChange
from drsim.web.fulfillments import LISTING
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.parts import (
    COUNT,
    ID,
    METADATA,
    TEST_MODE,
    TEXT,
    TIME,
    listed,
    page_of,
    record,
    ref,
)

_COST = {"type": "number", "minimum": 0}
_TRACKING = {"trackingCompany?": TEXT, "trackingNumber?": TEXT, "trackingUrl?": TEXT}
_FIELDS = {
    "id": ID,
    "createdTime": TIME,
    "items": listed(ref("FulfillmentItem")),
    "orderId": ID,
    "shipmentId?": TEXT,
    **_TRACKING,
    "currency?": TEXT,
    "partnerId?": TEXT,
    "metadata?": METADATA,
    "liveMode": TEST_MODE,
}

_SCHEMAS = {
    "FulfillmentItem": record(
        "A line of a fulfillment: how many units were shipped, and how many cancelled.",
        {
            "quantity": COUNT,
            "cancelQuantity": COUNT,
            "skuId?": ID,
            "itemId": ID,
            "shipmentItemId?": TEXT,
            **_TRACKING,
            "subfulfillerId?": TEXT,
            "distributorCost?": _COST,
            "shippingCost?": _COST,
        },
    ),
    "Fulfillment": record("A fulfillment.", _FIELDS),
    "EventFulfillment": record(
        "A fulfillment as events tell it, with its order as it was then.",
        {**_FIELDS, "orderDetails": ref("OrderDetails")},
    ),
    "DetailedFulfillment": record(
        "A fulfillment with the captures and cancels it has caused, and its order as it is now.",
        {**_FIELDS, "chargeOperationIds": listed(ID), "orderDetails": ref("OrderDetails")},
    ),
}

CHAPTER = Chapter(
    "Fulfillments",
    "Shipping lines of orders, which captures money, or cancelling them.",
    _SCHEMAS,
    {
        "POST /fulfillments": Operation(
            "createFulfillment",
            "Ships or cancels lines of an order",
            ref("Fulfillment"),
            201,
            body=FulfillmentBody,
            refused=(404, 409),
        ),
        "GET /fulfillments": Operation(
            "listFulfillments", "Lists fulfillments", page_of("Fulfillment"), listing=LISTING
        ),
        "GET /fulfillments/{id}": Operation("getFulfillment", "Shows a fulfillment", ref("DetailedFulfillment")),
        "POST /fulfillments/{id}": Operation(
            "updateFulfillment", "Adds tracking to a fulfillment", ref("Fulfillment"), body=FulfillmentChange
        ),
    },
)
