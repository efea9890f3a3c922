"""`/orders`."""

from collections.abc import Mapping

from drsim.domain.states import ITEM, ORDER, SESSION
from drsim.web.bodies.checkouts import OrderBody
from drsim.web.bodies.control import DisputeBody, ResolutionBody, ReviewBody
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
    Schema,
    either,
    listed,
    one_of,
    page_of,
    record,
    ref,
    times_of,
)
from drsim.web.orders import LISTING

PRICE = record("An amount.", {"amount": MONEY})
TAXED = record("An amount, and the tax on it.", {"amount": MONEY, "taxAmount": MONEY})

TAX = record("The tax on the line.", {"rate": {"type": "number", "minimum": 0}, "amount": MONEY})
SHIPPING_CHOICE = record("How it is shipped.", {"id?": ID, "amount": MONEY, "taxAmount": MONEY}, more={})
SELLER = record("Who sells.", {"id?": TEXT, "name?": TEXT}, more={})
KEPT: Mapping[str, Schema] = {
    "shippingDiscount?": FREE,
    "taxIdentifiers?": listed(record("A tax identifier.", {"id": ID})),
    "organization?": FREE,
    "invoiceAttributeId?": TEXT,
    "purchaseLocation?": FREE,
    "disclosures?": FREE,
    "billingOptimization?": {},
}
"""What checkouts are only told, and show as it was sent."""
KEPT_OF_LINES: Mapping[str, Schema] = {
    "shipFrom?": ref("Party"),
    "subscriptionInfo?": FREE,
    "discount?": FREE,
}
"""The same of their lines."""
_FILES = listed(record("A document of it.", {"id": ID, "url": TEXT, "liveMode": TEST_MODE}))

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
    "importerOfRecordTax?": {**FLAG, "const": True},
    "totalDuty": MONEY,
    "totalDiscount": MONEY,
    "totalShipping": MONEY,
    "items": listed(ref("OrderItem")),
    "shippingChoice?": SHIPPING_CHOICE,
    "discount?": {**FREE, "description": "The discount on the whole order."},
    "metadata?": METADATA,
    "applicationId?": TEXT,
    "upstreamId?": TEXT,
    "updatedTime": TIME,
    "browserIp?": TEXT,
    **KEPT,
    "locale": TEXT,
    "customerType": TEXT,
    "sellingEntity": SELLER,
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
    "invoicePDFs?": _FILES,
    "creditMemoPDFs?": _FILES,
    "checkoutId": ID,
}

_SCHEMAS = {
    "ProductDetails": record("What is sold.", {"id?": TEXT, "name?": TEXT}, more={}),
    "OrderItem": record(
        "A line of an order. Amounts are for the whole line.",
        {
            "id": ID,
            "skuId?": ID,
            "productDetails": ref("ProductDetails"),
            "amount": MONEY,
            "quantity": COUNT,
            "metadata?": METADATA,
            "state": one_of(ITEM),
            "stateTransitions": times_of(ITEM),
            "tax": TAX,
            "importerTax": PRICE,
            "duties": PRICE,
            "availableToRefundAmount?": MONEY,
            "fees": TAXED,
            "shipping": TAXED,
            **KEPT_OF_LINES,
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
        "POST /orders": Operation(
            "createOrder", "Makes an order of a checkout", ref("Order"), 201, body=OrderBody, refused=(404, 409)
        ),
        "POST /orders/{id}/refresh": Operation("refreshOrder", "Shows an order once the shopper is back", ref("Order")),
        "POST /_sim/orders/{id}/review": Operation(
            "closeReview", "Lets an order pass its review, or blocks it", ref("Order"), body=ReviewBody, refused=(409,)
        ),
        "POST /_sim/orders/{id}/dispute": Operation(
            "openDispute", "Disputes the payment of an order", ref("Order"), body=DisputeBody, refused=(409,)
        ),
        "POST /_sim/orders/{id}/dispute/resolve": Operation(
            "resolveDispute", "Ends a dispute", ref("Order"), body=ResolutionBody, refused=(409,)
        ),
        "GET /orders": Operation("listOrders", "Lists orders", page_of("Order"), listing=LISTING),
    },
)
