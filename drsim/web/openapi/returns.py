"""`/returns`."""

from drsim.domain.states import RETURN
from drsim.web.bodies.returns import ReturnBody, ReturnChangeBody
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.parts import (
    COUNT,
    FREE,
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
from drsim.web.returns import LISTING

_SCHEMAS = {
    "ReturnItem": record(
        "A line of a return.",
        {
            "itemId": ID,
            "amount": MONEY,
            "quantity": COUNT,
            "quantityAccepted": COUNT,
            "skuId?": ID,
            "state": one_of(RETURN),
        },
    ),
    "Return": record(
        "A return: what a customer sends back.",
        {
            "id": ID,
            "createdTime": TIME,
            "updatedTime?": TIME,
            "currency": TEXT,
            "items": listed(ref("ReturnItem")),
            "orderId": ID,
            "reason?": TEXT,
            "location?": FREE,
            "metadata?": METADATA,
            "refundIds?": listed(ID),
            "state": one_of(RETURN),
            "liveMode": TEST_MODE,
        },
    ),
}

CHAPTER = Chapter(
    "Returns",
    "What customers send back, which refunds it.",
    _SCHEMAS,
    {
        "POST /returns": Operation(
            "createReturn", "Announces a return", ref("Return"), 201, body=ReturnBody, refused=(404, 409)
        ),
        "GET /returns": Operation("listReturns", "Lists returns", page_of("Return"), listing=LISTING),
        "GET /returns/{id}": Operation("getReturn", "Shows a return", ref("Return")),
        "POST /returns/{id}": Operation(
            "updateReturn", "Accepts a return, or part of it", ref("Return"), body=ReturnChangeBody, refused=(409,)
        ),
    },
)
