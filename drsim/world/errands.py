"""Errands: how each event that is about no order comes about, one row for each event type.

An errand is run at once and as a whole, by the same actions that the routes of the API call; clock, behavior rules and
orders have no part in it. A flow that emits new events adds them to `EMITTED`, and a row for each to `ERRANDS`; a test
compares the two and runs all of them.
"""

from collections.abc import Callable, Mapping

import orjson

from drsim.engine import checkouts, customers, skus, sources
from drsim.engine.checkouts import Asked, AskedItem, Changes
from drsim.engine.makeup import MakeUp
from drsim.engine.work import Work
from drsim.world.errand import Did, Errand
from drsim.world.logistics import LOGISTICS

_Made = tuple[str, str]
"""What kind of thing was made, and its id."""
_Deed = tuple[str, Callable[[Work, str], object]]
"""Something that is done to a thing with this id: in words and in deed."""


def _making(make: Callable[[Work, MakeUp], _Made], *deeds: _Deed) -> Callable[[Work, MakeUp], Did]:
    """Makes something, and then does something to it."""

    def does(work: Work, makeup: MakeUp) -> Did:
        kind, id = make(work, makeup)
        for _, deed in deeds:
            deed(work, id)
        return (f"made {kind} {id}", *(f"{words} {kind} {id}" for words, _ in deeds))

    return does


def _customer(work: Work, makeup: MakeUp) -> _Made:
    person, address = makeup.person(), makeup.address()
    shipping = {"name": person.name, "address": address}
    sent = {"email": person.email, "shipping": shipping, "type": "individual", "locale": "en_US"}
    return "customer", _id(customers.create(work, None, sent))


def _tax_identifier(work: Work, makeup: MakeUp) -> _Made:
    number = f"DE{makeup.digits('tax identifier', 9)}"
    return "tax identifier", _id(customers.create_tax_identifier(work, "de", number))


def _sku(work: Work, makeup: MakeUp) -> _Made:
    sent = {"name": makeup.product(), "eccn": "EAR99", "tax_code": "4323.310_A", "country_of_origin": "US"}
    return "SKU", _id(skus.create(work, None, sent))


def _checkout(work: Work, makeup: MakeUp) -> _Made:
    person, address = makeup.person(), makeup.address()
    party = {"name": person.name, "address": address}
    fields = {"currency": "USD", "email": person.email, "bill_to": party, "ship_to": party, "ship_from": party}
    asked = Asked(fields, (AskedItem(makeup.sku_id(), None, 1000, 1),))
    return "checkout", _id(checkouts.create(work, asked))


def _touch_checkout(work: Work, id: str) -> None:
    checkouts.update(work, id, lambda currency: Changes({}, {}, _METADATA["metadata"]))


def _attach(work: Work, makeup: MakeUp) -> Did:
    (_, customer), (_, identifier) = _customer(work, makeup), _tax_identifier(work, makeup)
    customers.attach_tax_identifier(work, customer, identifier)
    attached = f"attached tax identifier {identifier} to customer {customer}"
    return f"made customer {customer}", f"made tax identifier {identifier}", attached


def _source(work: Work, makeup: MakeUp) -> _Made:
    person = makeup.person()
    name = {"firstName": person.first_name, "lastName": person.last_name}
    owner = {**name, "email": person.email, "address": makeup.address()}
    return "source", sources.create(work, sources.Asked("creditCard", owner)).id


def _save_source(work: Work, makeup: MakeUp) -> tuple[str, str]:
    (_, customer), (_, source) = _customer(work, makeup), _source(work, makeup)
    customers.attach_source(work, customer, source)
    return customer, source


def _saving(work: Work, makeup: MakeUp) -> Did:
    customer, source = _save_source(work, makeup)
    return f"made customer {customer}", f"made source {source}", f"saved source {source} with customer {customer}"


def _forgetting(work: Work, makeup: MakeUp) -> Did:
    customer, source = _save_source(work, makeup)
    customers.detach_source(work, customer, source)
    return f"made customer {customer} with source {source}", f"took source {source} from customer {customer}"


def _id(public: bytes) -> str:
    return str(orjson.loads(public)["id"])


_METADATA = {"metadata": {"triggered": "1"}}
_CHANGE = "changed the metadata of"

ERRANDS: Mapping[str, Errand] = {
    "customer.created": Errand("a new customer", _making(_customer)),
    "customer.updated": Errand(
        "a new customer, whose metadata is changed",
        _making(_customer, (_CHANGE, lambda work, id: customers.amend(work, id, _METADATA))),
    ),
    "customer.deleted": Errand("a new customer, who is deleted", _making(_customer, ("deleted", customers.delete))),
    "customer.source.created": Errand("a new customer, who saves a card", _saving),
    "customer.source.deleted": Errand("a new customer, whose saved card is deleted", _forgetting),
    "customer.tax_identifier.created": Errand("a new customer, who gets a new tax identifier", _attach),
    "tax_identifier.verified": Errand("a new tax identifier", _making(_tax_identifier)),
    "tax_identifier.deleted": Errand(
        "a new tax identifier, which is deleted",
        _making(_tax_identifier, ("deleted", customers.delete_tax_identifier)),
    ),
    "checkout.created": Errand("a new checkout", _making(_checkout)),
    "checkout.updated": Errand(
        "a new checkout, whose metadata is changed", _making(_checkout, (_CHANGE, _touch_checkout))
    ),
    "checkout.deleted": Errand("a new checkout, which is deleted", _making(_checkout, ("deleted", checkouts.delete))),
    "source.created": Errand("a new card of a shopper", _making(_source)),
    "sku.created": Errand("a new SKU", _making(_sku)),
    "sku.updated": Errand(
        "a new SKU, whose metadata is changed",
        _making(_sku, (_CHANGE, lambda work, id: skus.amend(work, id, _METADATA))),
    ),
    "sku.deleted": Errand("a new SKU, which is deleted", _making(_sku, ("deleted", skus.delete))),
    **LOGISTICS,
}
"""The errand of every event type that drsim emits and that is about no order."""
