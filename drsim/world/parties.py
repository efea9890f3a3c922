"""Who buys and where it goes: the people and addresses of an order, as far as given, the rest made up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drsim.engine.makeup import HOME, LOCALES, MakeUp
from drsim.format.buyer import AddressModel, OwnerModel, PartyModel
from drsim.format.orders import OrderModel

_COUNTRIES: Mapping[str, str] = {
    "EUR": "DE",
    **{code: code[:2] for code in "AUD BRL CAD CHF CNY CZK DKK GBP HUF INR JPY KRW MXN NOK NZD PLN RON SEK".split()},
    **{code: code[:2] for code in "THB TRY TWD".split()},
}
"""Where people live who pay in a currency; in the United States for all others."""


@dataclass(frozen=True, slots=True)
class Parties:
    """The people of one order, as resources show them; nothing is shipped where `ship_to` is absent."""

    owner: Mapping[str, Any]
    bill_to: Mapping[str, Any]
    ship_to: Mapping[str, Any] | None
    ship_from: Mapping[str, Any] | None
    email: str
    locale: str


def parties(order: OrderModel, makeup: MakeUp) -> Parties:
    """The parties to an order. They live where it says, or where its locale or its currency is at home.

    Without other words the buyer pays, is billed and receives at one address; digital goods are sent nowhere.
    """
    owner, bill_to = order.source.owner or OwnerModel(), order.bill_to or PartyModel()
    ship_to = order.ship_to or PartyModel()
    home = _home(order)
    person = makeup.person(_country(bill_to.address, owner.address, ship_to.address) or home)
    first, last = _names(owner, bill_to, person.first_name, person.last_name)
    email = order.email or owner.email or bill_to.email or person.email
    address = _address((bill_to.address, owner.address, ship_to.address), home, makeup)
    billed = _party(bill_to, f"{first} {last}", address, email)
    shipped = None
    if order.ship_to or any(item.physical for item in order.items):
        shipped = _party(ship_to, billed["name"], _address((ship_to.address,), home, makeup, address), None)
    return Parties(
        owner=_owner(owner, first, last, email, _address((owner.address,), home, makeup, address)),
        bill_to=billed,
        ship_to=shipped,
        ship_from={"address": makeup.address(shipped["address"]["country"], "warehouse")} if shipped else None,
        email=email,
        locale=order.locale or LOCALES.get(address["country"], LOCALES[HOME]),
    )


def _country(*addresses: AddressModel | None) -> str | None:
    return next((address.country for address in addresses if address and address.country), None)


def _home(order: OrderModel) -> str:
    """The country of whatever address does not say."""
    owner = order.source.owner
    given = [party.address for party in (order.ship_to, order.bill_to, owner) if party]
    if country := _country(*given):
        return country
    return order.locale[3:] if order.locale else _COUNTRIES.get(order.currency, HOME)


def _names(owner: OwnerModel, bill_to: PartyModel, first: str, last: str) -> tuple[str, str]:
    if bill_to.name and not owner.first_name and not owner.last_name:
        first, _, last = bill_to.name.partition(" ")
    return owner.first_name or first, owner.last_name or last


def _address(
    given: tuple[AddressModel | None, ...], home: str, makeup: MakeUp, otherwise: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The first address that is given, completed; none given: `otherwise`, or one that is made up."""
    address = next((each for each in given if each), None)
    if address is None:
        return dict(otherwise or makeup.address(home))
    parts = address.model_dump(by_alias=True, exclude_none=True)
    made_up = makeup.address(address.country or home)
    if parts.keys() - {"country"}:
        # Somebody wrote a real address: only what every address has is added to it.
        made_up = {key: made_up[key] for key in ("line1", "city", "postalCode", "country")}
    return {key: parts.get(key, made_up.get(key)) for key in _ADDRESS if key in parts or key in made_up}


_ADDRESS = ("line1", "line2", "city", "postalCode", "state", "country")


def _party(given: PartyModel, name: str, address: Mapping[str, Any], email: str | None) -> dict[str, Any]:
    party = {
        "address": address,
        "name": given.name or name,
        "phone": given.phone,
        "email": given.email or email,
        "organization": given.organization,
        "additionalAddressInfo": given.additional_address_info,
    }
    return {key: value for key, value in party.items() if value is not None}


def _owner(given: OwnerModel, first: str, last: str, email: str, address: Mapping[str, Any]) -> dict[str, Any]:
    owner = {
        "firstName": first,
        "lastName": last,
        "email": given.email or email,
        "organization": given.organization,
        "upstreamId": given.upstream_id,
        "address": address,
        "additionalAddressInfo": given.additional_address_info,
    }
    return {key: value for key, value in owner.items() if value is not None}
