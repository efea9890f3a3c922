"""`/orders`."""

from drsim.domain.states import ITEM, ORDER, SESSION
from drsim.web.bodies.orders import OrderChangeBody
from drsim.web.openapi.operation import Chapter, Operation, Parameter
from drsim.web.openapi.parts import (
    COUNT,
    FLAG,
    FREE,
    ID,
    METADATA,
    MONEY,
    TEST_MODE,
    TEXT,
    TIME,
    either,
    listed,
    one_of,
    page_of,
    record,
    ref,
    times_of,
)
from drsim.web.orders import LISTING

_PRICE = record("An amount.", {"amount": MONEY})
_TAXED = record("An amount, and the tax on it.", {"amount": MONEY, "taxAmount": MONEY})

_FIELDS = {
    "id": ID,
    "createdTime": TIME,
    "customerId?": ID,
    "currency": TEXT,
    "email": TEXT,
    "shipTo?": ref("Party"),
    "shipFrom?": ref("Party"),
    "billTo?": ref("Party"),
    "totalAmount": {**MONEY, "description": "`subtotal` and `totalTax` together."},
    "subtotal": MONEY,
    "totalFees": MONEY,
    "totalTax": MONEY,
    "totalImporterTax": MONEY,
    "totalDuty": MONEY,
    "totalDiscount": MONEY,
    "totalShipping": MONEY,
    "items": listed(ref("OrderItem")),
    "shippingChoice?": record("How it is shipped.", {"id?": ID, "amount": MONEY, "taxAmount": MONEY}, more={}),
    "discount?": {**FREE, "description": "The discount on the whole order."},
    "metadata?": METADATA,
    "applicationId?": TEXT,
    "upstreamId?": TEXT,
    "updatedTime": TIME,
    "browserIp?": TEXT,
    "locale": TEXT,
    "customerType": TEXT,
    "sellingEntity": record("Who sells.", {"id?": TEXT, "name?": TEXT}, more={}),
    "liveMode": TEST_MODE,
    "payment": ref("Payment"),
    "refundedAmount?": MONEY,
    "state": one_of(ORDER),
    "stateTransitions": times_of(ORDER),
    "fraudState?": TEXT,
    "fraudStateTransitions?": {"type": "object", "additionalProperties": TIME},
    "requestToBeForgotten": FLAG,
    "capturedAmount": {**MONEY, "description": "What was captured or is about to be."},
    "cancelledAmount": {**MONEY, "description": "What was cancelled or is about to be."},
    "availableToRefundAmount": MONEY,
    "checkoutId": ID,
}

_SCHEMAS = {
    "OrderItem": record(
        "A line of an order. Amounts are for the whole line.",
        {
            "id": ID,
            "skuId?": ID,
            "productDetails": record("What is sold.", {"id?": TEXT, "name?": TEXT}, more={}),
            "amount": MONEY,
            "quantity": COUNT,
            "metadata?": METADATA,
            "state": one_of(ITEM),
            "stateTransitions": times_of(ITEM),
            "tax": record("The tax on the line.", {"rate": {"type": "number", "minimum": 0}, "amount": MONEY}),
            "importerTax": _PRICE,
            "duties": _PRICE,
            "availableToRefundAmount?": MONEY,
            "fees": _TAXED,
            "shipping": _TAXED,
        },
    ),
    "PaymentSession": record(
        "The payment session of an order.",
        {
            "id": ID,
            "amountContributed": MONEY,
            "amountRemainingToBeContributed": MONEY,
            "state": either(one_of(SESSION), {**TEXT, "description": "As it stood in an order copied from a log."}),
            "clientSecret": TEXT,
            "nextAction?": FREE,
        },
    ),
    "Payment": record(
        "How an order is paid.",
        {
            "charges?": listed(ref("OrderCharge")),
            "sources": listed(ref("OrderSource")),
            "session": ref("PaymentSession"),
        },
    ),
    "Order": record("An order.", _FIELDS),
    "OrderDetails": record(
        "An order inside of a fulfillment: without its payment.",
        {name: schema for name, schema in _FIELDS.items() if name != "payment"},
    ),
}

CHAPTER = Chapter(
    "Orders",
    "Orders and how they are paid.",
    _SCHEMAS,
    {
        "GET /orders/{id}": Operation(
            "getOrder",
            "Shows an order",
            ref("Order"),
            parameters=(Parameter("expand", "`true` shows `physical` and `metadata` of the products.", FLAG),),
        ),
        "POST /orders/{id}": Operation(
            "updateOrder", "Changes an order", ref("Order"), body=OrderChangeBody, nulls=("upstreamId",)
        ),
        "GET /orders": Operation("listOrders", "Lists orders", page_of("Order"), listing=LISTING),
    },
)
