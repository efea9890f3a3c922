"""`/checkouts`."""

from drsim.web.bodies.checkouts import CheckoutBody, CheckoutChangeBody
from drsim.web.checkouts import LISTING
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.orders import KEPT, KEPT_OF_LINES, PRICE, SELLER, SHIPPING_CHOICE, TAX, TAXED
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
    listed,
    page_of,
    record,
    ref,
)

_SCHEMAS = {
    "CheckoutItem": record(
        "A line of a checkout. Amounts are for the whole line.",
        {
            "id": ID,
            "skuId?": ID,
            "productDetails": ref("ProductDetails"),
            "amount": MONEY,
            "quantity": COUNT,
            "metadata?": METADATA,
            "tax": TAX,
            "importerTax": PRICE,
            "duties": PRICE,
            "fees": record(
                "Fees, and the tax on them.", {"amount": MONEY, "taxAmount": MONEY, "details": listed(FREE)}
            ),
            "shipping": TAXED,
            "sellerTaxIdentifier?": TEXT,
            **KEPT_OF_LINES,
        },
    ),
    "CheckoutPayment": record(
        "How a checkout is to be paid.", {"sources?": listed(ref("OrderSource")), "session": ref("PaymentSession")}
    ),
    "Checkout": record(
        "A checkout.",
        {
            "id": ID,
            "createdTime": TIME,
            "updatedTime": TIME,
            "customerId?": ID,
            "currency": TEXT,
            "email?": TEXT,
            "shipTo?": ref("Party"),
            "shipFrom?": ref("Party"),
            "billTo?": ref("Party"),
            "taxInclusive": FLAG,
            "totalAmount": {**MONEY, "description": "`subtotal` and `totalTax` together."},
            "subtotal": MONEY,
            "totalFees": MONEY,
            "totalTax": MONEY,
            "totalImporterTax": MONEY,
            "importerOfRecordTax": FLAG,
            "totalDuty": MONEY,
            "totalDiscount": MONEY,
            "totalShipping": MONEY,
            "items": listed(ref("CheckoutItem")),
            "shippingChoice?": SHIPPING_CHOICE,
            "metadata?": METADATA,
            "applicationId?": TEXT,
            "upstreamId?": TEXT,
            "browserIp?": TEXT,
            "discount?": FREE,
            **KEPT,
            "chargeType": TEXT,
            "locale": TEXT,
            "customerType": TEXT,
            "sellingEntity": SELLER,
            "liveMode": TEST_MODE,
            "payment": ref("CheckoutPayment"),
        },
    ),
}

CHAPTER = Chapter(
    "Checkouts",
    "What a shopper is about to buy, with tax and shipping; orders are made of them.",
    _SCHEMAS,
    {
        "POST /checkouts": Operation(
            "createCheckout", "Makes a checkout", ref("Checkout"), 201, body=CheckoutBody, refused=(404, 409)
        ),
        "GET /checkouts": Operation("listCheckouts", "Lists checkouts", page_of("Checkout"), listing=LISTING),
        "GET /checkouts/{id}": Operation("getCheckout", "Shows a checkout", ref("Checkout")),
        "POST /checkouts/{id}": Operation(
            "updateCheckout", "Changes a checkout", ref("Checkout"), body=CheckoutChangeBody, refused=(409,)
        ),
        "DELETE /checkouts/{id}": Operation("deleteCheckout", "Deletes a checkout", None, 204, refused=(409,)),
        "POST /checkouts/{id}/sources/{sourceId}": Operation(
            "attachSourceToCheckout", "Has a source pay for a checkout", ref("Source"), refused=(409,)
        ),
        "DELETE /checkouts/{id}/sources/{sourceId}": Operation(
            "detachSourceFromCheckout", "Takes a source away from a checkout", None, 204, refused=(409,)
        ),
    },
)
