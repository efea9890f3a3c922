"""`/sources`: payment sources, alone and inside of orders."""

from drsim.domain.methods import CARD_TYPES, METHODS
from drsim.domain.states import SOURCE
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.parts import COUNT, FLAG, FREE, ID, MONEY, TEST_MODE, TEXT, TIME, one_of, page_of, record, ref
from drsim.web.sources import LISTING

_DETAILS = {f"{type}?": ref("Card" if type in CARD_TYPES else "SourceDetails") for type in METHODS}
"""The object that is named after the type of a source."""

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
    "OrderSource": record(
        "A source inside of an order.",
        {"id": ID, "type": one_of(METHODS), "amount": MONEY, "owner": ref("Owner"), "upstreamId?": TEXT, **_DETAILS},
    ),
}

CHAPTER = Chapter(
    "Sources",
    "Where the money of orders comes from.",
    _SCHEMAS,
    {
        "GET /sources/{id}": Operation("getSource", "Shows a source", ref("Source")),
        "GET /sources": Operation("listSources", "Lists sources", page_of("Source"), listing=LISTING),
    },
)
