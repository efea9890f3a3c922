"""What happens to customers and their tax identifiers: each action saves what it changes and tells it."""

from collections.abc import Mapping
from typing import Any

import orjson

from drsim import render
from drsim.domain import customers, tax_identifiers
from drsim.domain.checkouts import reusing
from drsim.domain.customers import Customer, Profile
from drsim.domain.previous import previous_attributes
from drsim.domain.refusal import Refused, not_found
from drsim.domain.sources import Source
from drsim.domain.states import SOURCE, step
from drsim.domain.tax_identifiers import TaxIdentifier
from drsim.domain.values import replace
from drsim.engine import checkouts, records
from drsim.engine.checkouts import source_of
from drsim.engine.work import Work


def create(work: Work, id: str | None, sent: Mapping[str, Any]) -> bytes:
    """A new customer; returns its public form. Raises `Refused`, also for an id that is taken."""
    customer = customers.make(id, sent, work.context())
    while id is None and work.get("customer", customer.id) is not None:
        customer = replace(customer, id=work.sandbox.new_id("customer"))
    if work.get("customer", customer.id) is not None:
        raise Refused("conflict", "already_exists", f"Customer '{id}' already exists.", "id")
    profile = Profile(customer)
    public = _save(work, profile)
    work.happen("customer.created", profile)
    return public


def amend(work: Work, id: str, sent: Mapping[str, Any]) -> bytes:
    """Changes a customer, and tells it if anything is different then; returns its public form. Raises `Refused`."""
    before = find(work, id)
    after = replace(before, customer=customers.amend(before.customer, sent, work.context()))
    previous = previous_attributes(render.customer(before), render.customer(after))
    if not previous:
        return orjson.dumps(render.customer(before))
    public = _save(work, after)
    work.happen("customer.updated", after, previous)
    return public


def delete(work: Work, id: str) -> None:
    """Removes a customer with all tax identifiers; the saved sources are cancelled. Raises `Refused`."""
    profile = find(work, id)
    for identifier in profile.tax_identifiers:
        _remove_tax_identifier(work, identifier)
    for source in profile.sources:
        _cancel(work, source)
    work.delete("customer", id)
    work.happen("customer.deleted", None, render.customer(profile))


def find(work: Work, id: str) -> Profile:
    """A customer with what is attached. Raises `Refused` when there is none."""
    customer: Customer | None = work.get("customer", id)
    if customer is None:
        raise not_found("Customer", id)
    return profile_of(work, customer)


def profile_of(work: Work, customer: Customer) -> Profile:
    """A customer with what its ids say is attached."""
    sources = tuple(work.get("source", each) for each in customer.source_ids)
    return Profile(customer, sources, tuple(work.get("tax identifier", each) for each in customer.tax_identifier_ids))


def save(work: Work, customer: Customer) -> bytes:
    """Saves a customer to whom something was attached, or from whom it was taken; returns the public form."""
    return _save(work, profile_of(work, customer))


def attach_source(work: Work, customer_id: str, source_id: str) -> bytes:
    """Saves a source with a customer; returns the source in public form. Raises `Refused`."""
    customer, present = find(work, customer_id).customer, source_of(work, source_id)
    if source_id in customer.source_ids:
        return orjson.dumps(render.source(present))
    saved = customers.attach_source(customer, present)
    _put_source(work, saved)
    for checkout in checkouts.paid_by(work, source_id):
        checkouts.save(work, reusing(checkout, source_id))
    save(work, customers.with_source(customer, saved, work.now))
    work.happen("customer.source.created", saved)
    return orjson.dumps(render.source(saved))


def detach_source(work: Work, customer_id: str, source_id: str) -> None:
    """Takes a saved source from its customer; it is cancelled. Raises `Refused`."""
    customer = customers.without_source(find(work, customer_id).customer, source_id, work.now)
    _cancel(work, source_of(work, source_id))
    save(work, customer)
    work.happen("customer.source.deleted", source_of(work, source_id))


def create_tax_identifier(work: Work, type: str | None, number: str | None) -> bytes:
    """A new tax identifier that belongs to nobody yet; returns its public form. Raises `Refused`."""
    identifier = tax_identifiers.make(type, number, work.context())
    public = _save_tax_identifier(work, identifier)
    work.happen("tax_identifier.verified", identifier)
    return public


def attach_tax_identifier(work: Work, customer_id: str, id: str) -> bytes:
    """Makes a tax identifier one of a customer's; returns its public form. Raises `Refused`."""
    profile, present = find(work, customer_id), find_tax_identifier(work, id)
    identifier = customers.attach_tax_identifier(profile, present, work.context())
    public = _save_tax_identifier(work, identifier)
    if identifier is not present:
        ids = (*profile.customer.tax_identifier_ids, id)
        save(work, replace(profile.customer, tax_identifier_ids=ids, updated=work.now))
        work.happen("customer.tax_identifier.created", identifier)
    return public


def delete_tax_identifier(work: Work, id: str) -> None:
    """Removes a tax identifier, from its customer too. Raises `Refused`."""
    identifier = find_tax_identifier(work, id)
    _remove_tax_identifier(work, identifier)
    if identifier.customer_id is not None:
        customer = find(work, identifier.customer_id).customer
        left = tuple(each for each in customer.tax_identifier_ids if each != id)
        save(work, replace(customer, tax_identifier_ids=left, updated=work.now))


def find_tax_identifier(work: Work, id: str) -> TaxIdentifier:
    """A tax identifier. Raises `Refused` when there is none."""
    found: TaxIdentifier | None = work.get("tax identifier", id)
    if found is None:
        raise not_found("Tax identifier", id)
    return found


def _cancel(work: Work, source: Source) -> None:
    if SOURCE[source.state]:
        _put_source(work, replace(source, state=step(SOURCE, source.state, "cancelled")))


def _put_source(work: Work, source: Source) -> None:
    work.put(records.source_record(source))


def _remove_tax_identifier(work: Work, identifier: TaxIdentifier) -> None:
    work.delete("tax identifier", identifier.id)
    work.happen("tax_identifier.deleted", None, render.tax_identifier(identifier))


def _save(work: Work, profile: Profile) -> bytes:
    record = records.customer_record(profile)
    work.put(record)
    return record.public or b"{}"


def _save_tax_identifier(work: Work, identifier: TaxIdentifier) -> bytes:
    record = records.tax_identifier_record(identifier)
    work.put(record)
    return record.public or b"{}"
