"""Schemas of older API versions: the latest ones with every later change undone, as `drsim.versions` does."""

from collections.abc import Callable, Mapping

from drsim.web.openapi.parts import FLAG, ID, MONEY, Schema, listed, ref

Schemas = Mapping[str, Schema]


def schemas_in(schemas: Schemas, version: str) -> dict[str, Schema]:
    """All schemas as of a version."""
    older = dict(schemas)
    for since, undo in _CHANGES:
        if version < since:
            older |= undo(older)
    return older


def _payment_at_the_top(schemas: Schemas) -> dict[str, Schema]:
    return {
        name: _replaced(
            schemas[name],
            "payment",
            {
                "charges?": listed(ref("OrderCharge")),
                "chargeIds?": listed(ID),
                f"sourceId{unless_paid}": ID,
                f"sources{unless_paid}": listed(ref("OrderSource")),
                "paymentSessionId": ID,
                "creditAmount?": MONEY,
            },
        )
        for name, unless_paid in (("Order", ""), ("Checkout", "?"))
    }


def _importer_tax_as_tax(schemas: Schemas) -> dict[str, Schema]:
    field = {"importerOfRecordTax?": {**FLAG, "const": True}}
    return {name: _replaced(schemas[name], "totalImporterTax", field) for name in ("Order", "OrderDetails", "Checkout")}


_CHANGES: tuple[tuple[str, Callable[[Schemas], dict[str, Schema]]], ...] = (
    ("2021-03-23", _payment_at_the_top),
    ("2020-12-17", _importer_tax_as_tax),
)
"""From which version on schemas are as they are, and how they were before; the newest first."""


def _replaced(schema: Schema, key: str, fields: Schemas) -> Schema:
    """A record with other fields in the place of one of its own; `?` marks those that may be absent."""
    properties: dict[str, Schema] = {}
    for name, each in schema["properties"].items():
        properties |= {new.removesuffix("?"): field for new, field in fields.items()} if name == key else {name: each}
    required = [name for name in schema["required"] if name != key]
    return {
        **schema,
        "properties": properties,
        "required": [*required, *(name for name in fields if not name.endswith("?"))],
    }
