"""`/skus` and `/sku-groups`."""

from drsim.web.bodies.skus import SkuBody
from drsim.web.openapi.lists import CURSORS
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.parts import (
    FLAG,
    ID,
    METADATA,
    TEST_MODE,
    TEXT,
    TIME,
    page_of,
    record,
    ref,
)
from drsim.web.skus import LISTING

_SCHEMAS = {
    "Sku": record(
        "A product that is sold.",
        {
            "id": ID,
            "createdTime": TIME,
            "name": TEXT,
            "eccn?": TEXT,
            "partNumber?": TEXT,
            "manufacturerId?": TEXT,
            "updatedTime": TIME,
            "taxCode?": TEXT,
            "countryOfOrigin?": TEXT,
            "metadata?": METADATA,
            "description?": TEXT,
            "image?": TEXT,
            "url?": TEXT,
            "itemBreadcrumb?": TEXT,
            "weight?": {"type": "number", "minimum": 0},
            "weightUnit?": TEXT,
            "fulfill": {**FLAG, "const": False},
            "hsCode?": TEXT,
            "liveMode": TEST_MODE,
            "managedFulfillment?": TEXT,
            "physical": FLAG,
            "skuGroupId?": TEXT,
        },
    ),
    "SkuGroup": record("Products with the same compliance data.", {"id": ID, "alias": TEXT}),
}

_NULLS = ("managedFulfillment",)

CHAPTER = Chapter(
    "SKUs",
    "The catalog: products, and the groups they belong to.",
    _SCHEMAS,
    {
        "POST /skus": Operation(
            "createSku", "Makes a SKU", ref("Sku"), 201, body=SkuBody, nulls=_NULLS, refused=(409,)
        ),
        "GET /skus": Operation("listSkus", "Lists SKUs", page_of("Sku"), listing=LISTING),
        "GET /skus/{id}": Operation("getSku", "Shows a SKU", ref("Sku")),
        "PUT /skus/{id}": Operation(
            "putSku", "Makes a SKU or replaces it", ref("Sku"), also=201, body=SkuBody, nulls=_NULLS, refused=(409,)
        ),
        "POST /skus/{id}": Operation(
            "updateSku", "Changes a SKU", ref("Sku"), body=SkuBody, nulls=_NULLS, refused=(409,)
        ),
        "DELETE /skus/{id}": Operation("deleteSku", "Deletes a SKU", None, 204),
        "GET /sku-groups": Operation("listSkuGroups", "Lists SKU groups", page_of("SkuGroup"), parameters=CURSORS),
    },
)
