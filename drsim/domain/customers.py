"""Customers: who buys again, what is known of them, and what may be changed about them.

What was sent comes as a mapping under the names of `Customer`: what is not in it stays as it is, and `""` takes a text
away. Source: surroundings page, section 5.
"""

import re
from collections.abc import Mapping
from typing import Any

from drsim.domain.amend import Metadata, merged_metadata
from drsim.domain.checkouts import in_use
from drsim.domain.clock import Time, parse_time
from drsim.domain.decision import Context
from drsim.domain.methods import METHODS
from drsim.domain.refusal import Refused, invalid, not_found
from drsim.domain.sources import Source
from drsim.domain.tax_identifiers import TaxIdentifier
from drsim.domain.values import replace, value

LONGEST_ID = 40
TYPES = ("individual", "business")

_ID = r"[^\s/](?:[^/]*[^\s/])?"
_EMAIL = r"[^\s@]{1,64}@[^\s@]{1,190}"
_LOCALE = r"[a-z]{2}(?:[_-][A-Z]{2})?"


@value
class Customer:
    """A customer. `shipping` and `organization` are as sent; the ids are of what is attached, oldest first."""

    id: str
    created: Time
    updated: Time
    email: str | None = None
    shipping: Mapping[str, Any] | None = None
    locale: str | None = None
    type: str | None = None
    organization: Any = None
    enabled: bool = True
    """A customer who is not enabled cannot place orders."""
    request_to_be_forgotten: bool = False
    metadata: Metadata | None = None
    tax_certificates: tuple[Mapping[str, Any], ...] = ()
    tax_identifier_ids: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    default_source_id: str | None = None


@value
class Profile:
    """A customer with all that is attached: what the public form is made of."""

    customer: Customer
    sources: tuple[Source, ...] = ()
    tax_identifiers: tuple[TaxIdentifier, ...] = ()


def make(id: str | None, sent: Mapping[str, Any], context: Context) -> Customer:
    """A new customer, with this id or a generated one. Raises `Refused` for what cannot be."""
    if id is not None and (len(id) > LONGEST_ID or not re.fullmatch(_ID, id) or not id.isprintable()):
        raise invalid("id", id[:100], "customer ID")
    return _amended(Customer(id or context.new_id("customer"), context.now, context.now), sent)


def amend(customer: Customer, sent: Mapping[str, Any], context: Context) -> Customer:
    """The customer with what was sent, as updated now. Raises `Refused` for what cannot be."""
    return replace(_amended(customer, sent), updated=context.now)


def attach_tax_identifier(profile: Profile, identifier: TaxIdentifier, context: Context) -> TaxIdentifier:
    """The tax identifier as one of this customer. Raises `Refused` when it has another, or the customer one like it."""
    customer = profile.customer
    if identifier.customer_id not in (None, customer.id):
        message = "You cannot replace a tax identifier's customer id."
        raise Refused("conflict", "customer_not_updateable", message, "customerId")
    if any(each.type == identifier.type and each.id != identifier.id for each in profile.tax_identifiers):
        message = f"Customer '{customer.id}' already has a tax identifier of type '{identifier.type}'."
        raise Refused("conflict", "already_exists", message, "type")
    if identifier.customer_id == customer.id:
        return identifier
    return replace(identifier, customer_id=customer.id, updated=context.now)


def attach_source(customer: Customer, source: Source) -> Source:
    """The source as one that this customer has saved. Raises `Refused` for what cannot be saved.

    Only what is chargeable, of a method that can be used again and no store credit, and nobody else's (resources page,
    7.1; surroundings page, 4.4).
    """
    if source.customer_id not in (None, customer.id):
        raise in_use(source)
    if not METHODS[source.type].storable:
        message = "Only a reusable source may be attached to a customer."
        raise Refused("conflict", "nonreusable_source", message)
    if source.state != "chargeable" or source.order_id is not None:
        message = f"Source '{source.id}' is not chargeable."
        raise Refused("conflict", "source_not_chargeable", message, "sourceId")
    return replace(source, reusable=True, customer_id=customer.id)


def with_source(customer: Customer, source: Source, now: Time) -> Customer:
    """The customer with one more source, which is the default if it is the first."""
    ids, default = (*customer.source_ids, source.id), customer.default_source_id or source.id
    return replace(customer, source_ids=ids, default_source_id=default, updated=now)


def without_source(customer: Customer, source_id: str, now: Time) -> Customer:
    """The customer without a source; where it was the default, the oldest one left is. Raises `Refused`."""
    if source_id not in customer.source_ids:
        raise not_found("Source", source_id, "sourceId")
    left = tuple(each for each in customer.source_ids if each != source_id)
    default = customer.default_source_id
    if default == source_id:
        default = left[0] if left else None
    return replace(customer, source_ids=left, default_source_id=default, updated=now)


def _amended(customer: Customer, sent: Mapping[str, Any]) -> Customer:
    changes: dict[str, Any] = {name: None if given == "" else given for name, given in sent.items()}
    _check(changes)
    if "metadata" in changes:
        changes["metadata"] = merged_metadata(customer.metadata, changes["metadata"])
    if certificate := changes.pop("tax_certificate", None):
        changes["tax_certificates"] = _with_certificate(customer.tax_certificates, certificate)
    source_id = changes.get("default_source_id")
    if source_id is not None and source_id not in customer.source_ids:
        raise not_found("Source", source_id, "defaultSourceId")
    return replace(customer, **changes)


def _check(changes: Mapping[str, Any]) -> None:
    email, locale, type = (changes.get(name) for name in ("email", "locale", "type"))
    if email is not None and not re.fullmatch(_EMAIL, email):
        raise Refused("bad_request", "email_invalid", f"'{email[:100]}' is not a valid email.", "email")
    if locale is not None and not re.fullmatch(_LOCALE, locale):
        raise invalid("locale", locale[:100])
    if type is not None and type not in TYPES:
        raise invalid("type", type[:100])


def _with_certificate(present: tuple[Mapping[str, Any], ...], sent: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The certificates with this one in place of an older one of the same tax authority."""
    for name in ("startDate", "endDate"):
        try:
            parse_time(sent[name])
        except ValueError as error:
            message = f"{sent[name][:100]} is not a valid timestamp."
            raise Refused("bad_request", "invalid_parameter", message, f"taxCertificate.{name}") from error
    return (*(each for each in present if each["taxAuthority"] != sent["taxAuthority"]), dict(sent))
