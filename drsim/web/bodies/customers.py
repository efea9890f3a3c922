"""Bodies of `/customers` and `/tax-identifiers`."""

from drsim.web.bodies.checkouts import PartyBody, Tolerant
from drsim.web.bodies.fields import Id, Loose, Metadata, Needed, Text


class TaxCertificateBody(Tolerant):
    """A certificate that frees a customer of tax."""

    companyName: Needed
    taxAuthority: Needed
    startDate: Needed
    endDate: Needed
    fileId: Needed


class CustomerBody(Tolerant):
    """`POST /customers`."""

    id: Id | None = None
    email: Text | None = None
    shipping: PartyBody | None = None
    organization: Loose | None = None
    defaultSourceId: Text | None = None
    taxCertificate: TaxCertificateBody | None = None
    metadata: Metadata | None = None
    locale: Text | None = None
    type: Text | None = None
    enabled: bool | None = None


class CustomerChangeBody(CustomerBody):
    """`POST /customers/{id}`; an `id` has to be the one in the path."""

    requestToBeForgotten: bool | None = None


class TaxIdentifierBody(Tolerant):
    """`POST /tax-identifiers`."""

    type: Text | None = None
    value: Text | None = None
