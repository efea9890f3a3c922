"""`/sources`, and `/payments`, where the shopper's browser makes them; sources inside of orders; what shoppers do."""

from drsim.domain.methods import CARD_TYPES, METHODS
from drsim.domain.states import SOURCE
from drsim.web.bodies.sources import CardBody, PayBody, ReturnsBody, SourceBody, SourceChangeBody, WalletBody
from drsim.web.openapi.operation import Chapter, Operation, Parameter
from drsim.web.openapi.parts import (
    COUNT,
    FLAG,
    FREE,
    ID,
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
)
from drsim.web.sources import LISTING

_DETAILS = {f"{type}?": ref("Card" if type in CARD_TYPES else "SourceDetails") for type in METHODS}
"""The object that is named after the type of a source."""

_PARTS = {
    type: CardBody if type == "creditCard" else WalletBody if type in CARD_TYPES else ReturnsBody for type in METHODS
}
_CHANGED = dict.fromkeys(METHODS, ReturnsBody)
_MILLIS = {"type": "integer", "minimum": 0, "description": "In milliseconds since 1970."}
_FLOW = one_of(("standard", "redirect", "receiver"))
_SECRET = (Parameter("secret", "The client secret of the source, which a public key needs."),)
_PAGE = ("text/html",)
_DECISION = record(
    "What the shopper has decided.",
    {"action": one_of(("approve", "decline")), "password?": {**TEXT, "description": "Passes a challenge."}},
    more=TEXT,
)

_SCHEMAS = {
    "Address": record(
        "Where somebody lives.",
        {"line1?": TEXT, "line2?": TEXT, "city?": TEXT, "postalCode?": TEXT, "state?": TEXT, "country?": TEXT},
        more={},
    ),
    "Party": record(
        "To whom something is billed or shipped, or from where.",
        {"address?": ref("Address"), "name?": TEXT, "phone?": TEXT, "email?": TEXT, "organization?": TEXT},
        more={},
    ),
    "Owner": record(
        "Whose source this is.",
        {"firstName?": TEXT, "lastName?": TEXT, "email?": TEXT, "address?": ref("Address")},
        more={},
    ),
    "Card": record(
        "What is kept of a card.",
        {"brand?": TEXT, "expirationMonth?": COUNT, "expirationYear?": COUNT, "lastFourDigits?": TEXT},
        more={},
    ),
    "SourceDetails": {**FREE, "description": "What the other types of sources show."},
    "Source": record(
        "A payment source. Only store credit shows an amount.",
        {
            "id": ID,
            "createdTime": TIME,
            "type": one_of(METHODS),
            "currency?": TEXT,
            "amount?": MONEY,
            "reusable": FLAG,
            "state": one_of(SOURCE),
            "customerId?": ID,
            "upstreamId?": TEXT,
            "owner": ref("Owner"),
            "paymentSessionId?": ID,
            "clientSecret": TEXT,
            **_DETAILS,
            "liveMode": TEST_MODE,
        },
    ),
    "BrowserSource": record(
        "A source as the shopper's browser sees it.",
        {
            "clientId": TEXT,
            "channelId": TEXT,
            "liveMode": TEST_MODE,
            "id": ID,
            "clientSecret": TEXT,
            "type": one_of(METHODS),
            "flow": _FLOW,
            "reusable": FLAG,
            "state": one_of(SOURCE),
            "owner": ref("Owner"),
            "amount?": {**TEXT, "description": "In major units, as text."},
            "currency?": TEXT,
            "customerId?": ID,
            "upstreamId?": TEXT,
            "sessionId?": ID,
            "futureUse?": FLAG,
            "usage?": TEXT,
            "mandate?": FREE,
            "createdTime": _MILLIS,
            "updatedTime": _MILLIS,
            "expirationTime?": _MILLIS,
            "creationIp?": TEXT,
            "redirect?": FREE,
            **_DETAILS,
        },
    ),
    "PaymentMethod": record("A way to pay.", {"type": one_of(METHODS), "flow": _FLOW, "supportsStorage": FLAG}),
    "OrderSource": record(
        "A source inside of an order.",
        {"id": ID, "type": one_of(METHODS), "amount": MONEY, "owner": ref("Owner"), "upstreamId?": TEXT, **_DETAILS},
    ),
}

_SEEN = either(ref("BrowserSource"), ref("Source"))
"""What a public key gets, and what a secret one."""

CHAPTER = Chapter(
    "Sources",
    "Where the money of orders comes from.",
    _SCHEMAS,
    {
        "GET /sources/{id}": Operation("getSource", "Shows a source", ref("Source")),
        "POST /sources": Operation(
            "createSource", "Makes a source", ref("Source"), 201, body=SourceBody, parts=_PARTS, refused=(404, 409)
        ),
        "GET /sources": Operation("listSources", "Lists sources", page_of("Source"), listing=LISTING),
        "POST /payments/sources": Operation(
            "createPaymentSource", "Makes a source", _SEEN, 201, body=SourceBody, parts=_PARTS, refused=(404, 409)
        ),
        "GET /payments/sources/{id}": Operation("getPaymentSource", "Shows a source", _SEEN, parameters=_SECRET),
        "POST /payments/sources/{id}": Operation(
            "updatePaymentSource",
            "Changes the owner of a source",
            _SEEN,
            body=SourceChangeBody,
            parts=_CHANGED,
            parameters=_SECRET,
            refused=(409,),
        ),
        "POST /payments/sources/{id}/": Operation(
            "updatePaymentSourceInChallenge",
            "Changes the owner of a source",
            _SEEN,
            body=SourceChangeBody,
            parts=_CHANGED,
            parameters=_SECRET,
            refused=(409,),
        ),
        "GET /payments/payment-methods": Operation(
            "listPaymentMethods",
            "Lists the ways to pay",
            record("All of them.", {"paymentMethods": listed(ref("PaymentMethod"))}),
        ),
        "GET /payments/redirects/{id}": Operation(
            "showRedirect", "Shows the page that asks the shopper", TEXT, media=_PAGE, keyless=True
        ),
        "POST /payments/redirects/{id}": Operation(
            "decideRedirect",
            "Takes what the shopper has decided",
            TEXT,
            also=302,
            media=_PAGE,
            forms={"application/x-www-form-urlencoded": _DECISION},
            refused=(409,),
            keyless=True,
        ),
        "POST /_sim/sources/{id}/pay": Operation(
            "pay", "Has the shopper pay", ref("Source"), body=PayBody, refused=(409,)
        ),
        "POST /_sim/sources/{id}/decline": Operation(
            "decline", "Has the shopper decline", ref("Source"), refused=(409,)
        ),
        "POST /_sim/sources/{id}/expire": Operation(
            "expire", "Lets the time to pay pass", ref("Source"), refused=(409,)
        ),
    },
)
