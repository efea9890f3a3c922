"""Who somebody is and where to find them, as several bodies have it."""

from drsim.web.bodies.fields import Body, Text


class AddressBody(Body):
    """An address."""

    line1: Text | None = None
    line2: Text | None = None
    city: Text | None = None
    postalCode: Text | None = None
    state: Text | None = None
    country: Text | None = None


class PartyBody(Body):
    """A person or organization at an address."""

    name: Text | None = None
    phone: Text | None = None
    email: Text | None = None
    organization: Text | None = None
    address: AddressBody | None = None
    additionalAddressInfo: dict[str, Text] | None = None
