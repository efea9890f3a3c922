"""`/customers` and `/tax-identifiers`."""

from drsim.web import customers, tax_identifiers
from drsim.web.bodies.customers import CustomerBody, CustomerChangeBody, TaxIdentifierBody
from drsim.web.openapi.operation import Chapter, Operation
from drsim.web.openapi.parts import (
    FLAG,
    FREE,
    ID,
    METADATA,
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

_STATES = ("pending", "verified", "not_valid")

_SCHEMAS = {
    "TaxIdentifier": record(
        "A number that a tax authority has given to a customer.",
        {
            "id": ID,
            "createdTime": TIME,
            "updatedTime": TIME,
            "customerId?": ID,
            "type": TEXT,
            "value": TEXT,
            "state": one_of(_STATES),
            "stateTransitions": times_of(_STATES),
            "liveMode": TEST_MODE,
        },
    ),
    "TaxCertificate": record(
        "What frees a customer of tax.",
        {"companyName": TEXT, "taxAuthority": TEXT, "startDate": TEXT, "endDate": TEXT, "fileId": TEXT},
    ),
    "Customer": record(
        "A customer. Lists are there only when they hold something.",
        {
            "id": ID,
            "createdTime": TIME,
            "email?": TEXT,
            "shipping?": ref("Party"),
            "organization?": either(TEXT, FREE),
            "defaultSourceId?": ID,
            "sources?": listed(ref("Source")),
            "taxIdentifiers?": listed(ref("TaxIdentifier")),
            "taxCertificates?": listed(ref("TaxCertificate")),
            "enabled": FLAG,
            "requestToBeForgotten": FLAG,
            "metadata?": METADATA,
            "locale?": TEXT,
            "type?": TEXT,
            "updatedTime": TIME,
            "liveMode": TEST_MODE,
        },
    ),
}

CHAPTER = Chapter(
    "Customers",
    "Who buys again, with what they pay and their tax identifiers.",
    _SCHEMAS,
    {
        "POST /customers": Operation(
            "createCustomer", "Makes a customer", ref("Customer"), 201, body=CustomerBody, refused=(404, 409)
        ),
        "GET /customers": Operation("listCustomers", "Lists customers", page_of("Customer"), listing=customers.LISTING),
        "GET /customers/{id}": Operation("getCustomer", "Shows a customer", ref("Customer")),
        "POST /customers/{id}": Operation(
            "updateCustomer", "Changes a customer", ref("Customer"), body=CustomerChangeBody, refused=(409,)
        ),
        "DELETE /customers/{id}": Operation("deleteCustomer", "Deletes a customer", None, 204),
        "POST /customers/{id}/sources/{sourceId}": Operation(
            "attachSourceToCustomer", "Keeps a source for a customer", ref("Source"), refused=(409,)
        ),
        "DELETE /customers/{id}/sources/{sourceId}": Operation(
            "detachSourceFromCustomer", "Takes a source away from a customer", None, 204
        ),
        "POST /customers/{id}/tax-identifiers/{taxId}": Operation(
            "attachTaxIdentifier", "Gives a tax identifier to a customer", ref("TaxIdentifier"), refused=(409,)
        ),
        "POST /tax-identifiers": Operation(
            "createTaxIdentifier",
            "Makes a tax identifier",
            ref("TaxIdentifier"),
            201,
            body=TaxIdentifierBody,
        ),
        "GET /tax-identifiers": Operation(
            "listTaxIdentifiers", "Lists tax identifiers", page_of("TaxIdentifier"), listing=tax_identifiers.LISTING
        ),
        "GET /tax-identifiers/{id}": Operation("getTaxIdentifier", "Shows a tax identifier", ref("TaxIdentifier")),
        "DELETE /tax-identifiers/{id}": Operation("deleteTaxIdentifier", "Deletes a tax identifier", None, 204),
    },
)
