"""`/refunds`, and the customer's part in them."""

from drsim.domain.states import REFUND
from drsim.web.bodies.refunds import RefundBody, RefundChange
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.parts import (
    COUNT,
    FLAG,
    ID,
    METADATA,
    MONEY,
    TEST_MODE,
    TEXT,
    TIME,
    listed,
    one_of,
    page_of,
    record,
    ref,
)
from drsim.web.refunds import LISTING

_SCHEMAS = {
    "RefundItem": record(
        "A line of a refund.",
        {"amount": MONEY, "quantity": COUNT, "refundedAmount?": MONEY, "skuId?": ID, "itemId": ID, "type?": TEXT},
    ),
    "RefundCharge": record(
        "A charge, with what it pays back of a refund.",
        {
            "id": ID,
            "captured": FLAG,
            "refunded": FLAG,
            "refunds": listed(ref("OrderChargeRefund")),
            "sourceId": ID,
        },
    ),
    "Refund": record(
        "A refund. One with `items` has no `amount` of its own.",
        {
            "id": ID,
            "createdTime": TIME,
            "amount?": MONEY,
            "currency": TEXT,
            "items": listed(ref("RefundItem")),
            "orderId": ID,
            "reason?": TEXT,
            "type?": TEXT,
            "metadata?": METADATA,
            "refundedAmount": MONEY,
            "state": one_of(REFUND),
            "failureReason?": TEXT,
            "tokenInformation?": record(
                "What the customer gives bank details with.", {"token": TEXT, "expiresTime": TIME}
            ),
            "charges?": listed(ref("RefundCharge")),
            "liveMode": TEST_MODE,
        },
    ),
}

CHAPTER = Chapter(
    "Refunds",
    "Giving back what was captured.",
    _SCHEMAS,
    {
        "POST /refunds": Operation(
            "createRefund", "Refunds an order, or lines of it", ref("Refund"), 201, body=RefundBody, refused=(404, 409)
        ),
        "GET /refunds": Operation("listRefunds", "Lists refunds", page_of("Refund"), listing=LISTING),
        "GET /refunds/{id}": Operation("getRefund", "Shows a refund", ref("Refund")),
        "POST /refunds/{id}": Operation(
            "updateRefund", "Changes the metadata of a refund", ref("Refund"), body=RefundChange
        ),
        "POST /_sim/refunds/{id}/bank": Operation(
            "giveBankDetails", "Gives the bank details that a refund waits for", ref("Refund"), refused=(409,)
        ),
    },
)
