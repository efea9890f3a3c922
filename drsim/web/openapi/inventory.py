"""`/inventory-items`, `/inventory-levels`, `/reservations` and `/shipping-quotes`."""

from drsim.web.bodies.inventory import (
    InventoryItemBody,
    InventoryItemChange,
    ReservationBody,
    ShippingQuoteBody,
    StockBody,
)
from drsim.web.inventory import LISTING
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
    data_of,
    listed,
    page_of,
    record,
    ref,
)

_SCHEMAS = {
    "InventoryItem": record(
        "Something that is kept in the warehouse.",
        {
            "id": ID,
            "createdTime": TIME,
            "manufacturerId?": TEXT,
            "eccn?": TEXT,
            "hsCode?": TEXT,
            "partNumber": TEXT,
            "countryOfOrigin?": TEXT,
            "allowOversell": FLAG,
            "liveMode": TEST_MODE,
            "updatedTime": TIME,
        },
    ),
    "InventoryLevel": record(
        "How much of it there is that nobody has a claim to.",
        {
            "locationId": TEXT,
            "inventoryItemId": ID,
            "available": FLAG,
            "availableQuantity": COUNT,
            "liveMode": TEST_MODE,
            "updatedTime": TIME,
        },
    ),
    "Reservation": record(
        "What is held for somebody.",
        {
            "id": ID,
            "createdTime": TIME,
            "shipTo": ref("Party"),
            "shippingChoice": FREE,
            "items": listed(record("A line of it.", {"inventoryItemId": ID, "quantity": COUNT, "allowOversell": FLAG})),
            "expiresTime": TIME,
            "liveMode": TEST_MODE,
        },
    ),
    "ShippingQuote": record(
        "What shipping costs at one service level.",
        {
            "id": ID,
            "serviceLevel": TEXT,
            "deliveryType": TEXT,
            "shipping": record("Its price.", {"amount": MONEY, "currency": TEXT}),
            "minDeliveryTime": TIME,
            "maxDeliveryTime": TIME,
        },
    ),
}

CHAPTER = Chapter(
    "Inventory",
    "What is in the warehouse, what is held, and what shipping costs.",
    _SCHEMAS,
    {
        "POST /inventory-items": Operation(
            "createInventoryItem",
            "Makes an inventory item",
            ref("InventoryItem"),
            201,
            body=InventoryItemBody,
            refused=(409,),
        ),
        "GET /inventory-items": Operation(
            "listInventoryItems", "Lists inventory items", page_of("InventoryItem"), listing=LISTING
        ),
        "GET /inventory-items/{id}": Operation("getInventoryItem", "Shows an inventory item", ref("InventoryItem")),
        "POST /inventory-items/{id}": Operation(
            "updateInventoryItem", "Changes an inventory item", ref("InventoryItem"), body=InventoryItemChange
        ),
        "DELETE /inventory-items/{id}": Operation("deleteInventoryItem", "Deletes an inventory item", None, 204),
        "GET /inventory-levels": Operation(
            "listInventoryLevels",
            "Shows how much there is",
            data_of(ref("InventoryLevel")),
            parameters=(
                Parameter("inventoryItemIds", "Of these inventory items.", many=True, required=True),
                Parameter("available", "`true` leaves out what is not available.", FLAG),
            ),
        ),
        "PATCH /_sim/inventory-items/{id}": Operation(
            "setStock", "Sets how many there are", ref("InventoryLevel"), body=StockBody, nulls=("stock",)
        ),
        "POST /reservations": Operation(
            "createReservation",
            "Holds inventory items",
            ref("Reservation"),
            201,
            body=ReservationBody,
            refused=(404, 409),
        ),
        "DELETE /reservations/{id}": Operation("deleteReservation", "Lets them go again", None, 204),
        "POST /shipping-quotes": Operation(
            "createShippingQuotes",
            "Shows the ways to ship",
            record("What each costs.", {"quotes": listed(ref("ShippingQuote"))}),
            201,
            body=ShippingQuoteBody,
            refused=(404,),
        ),
    },
)
