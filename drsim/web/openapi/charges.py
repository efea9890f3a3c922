"""`/charges`: charges with their captures, cancels and refunds, alone and inside of orders and refunds."""

from drsim.domain.states import CHARGE, CHARGE_REFUND, OPERATION
from drsim.web.charges import LISTING
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.parts import FLAG, ID, MONEY, TEST_MODE, TEXT, TIME, listed, one_of, page_of, record, ref

_FAILURE = {
    "failureCode?": TEXT,
    "failureMessage?": {**TEXT, "description": "Only `/charges` shows it."},
}
_OPERATION = {"id": ID, "createdTime": TIME, "amount": MONEY, "state": one_of(OPERATION), **_FAILURE}
_REFUND = {"createdTime": TIME, "amount": MONEY, "state": one_of(CHARGE_REFUND)}

_SCHEMAS = {
    "Capture": record("A capture of a charge.", {**_OPERATION, "fulfillmentId?": ID}),
    "Cancel": record("A cancel of a charge.", {**_OPERATION, "fulfillmentId?": ID}),
    "ChargeRefund": record("A refund on a charge.", {"id": ID, **_REFUND, **_FAILURE}),
    "OrderChargeRefund": record("A refund on a charge, inside of an order or a refund.", {**_REFUND, **_FAILURE}),
    "Charge": record(
        "A charge on a source.",
        {
            "id": ID,
            "createdTime": TIME,
            "currency": TEXT,
            "amount": MONEY,
            "state": one_of(CHARGE),
            **_FAILURE,
            "orderId": ID,
            "captured": {**FLAG, "description": "Whether there are captures, failed ones included."},
            "captures?": listed(ref("Capture")),
            "refunded": {**FLAG, "description": "Whether there are refunds, failed ones included."},
            "refunds?": listed(ref("ChargeRefund")),
            "cancels?": listed(ref("Cancel")),
            "sourceId": ID,
            "paymentSessionId": ID,
            "type": TEXT,
            "liveMode": TEST_MODE,
        },
    ),
    "OrderCharge": record(
        "A charge inside of an order.",
        {
            "id": ID,
            "createdTime": TIME,
            "currency": TEXT,
            "amount": MONEY,
            "state": one_of(CHARGE),
            "captured": FLAG,
            "captures?": listed(ref("Capture")),
            "failureCode?": TEXT,
            "refunded": FLAG,
            "refunds?": listed(ref("OrderChargeRefund")),
            "cancels?": listed(ref("Cancel")),
            "sourceId": ID,
            "type": TEXT,
        },
    ),
}

CHAPTER = Chapter(
    "Charges",
    "What is charged to sources, captured, cancelled and refunded. The lists are drsim's own.",
    _SCHEMAS,
    {
        "GET /charges/{id}": Operation("getCharge", "Shows a charge", ref("Charge")),
        "GET /charges": Operation("listCharges", "Lists charges", page_of("Charge"), listing=LISTING),
    },
)
