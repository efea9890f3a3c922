"""Which tax an address bears: a small table of rates, and when duties and importer tax come in its place.

The rates are those of the vendor's worked examples; an account can have others (`Account.tax_rates`). Source:
surroundings page, 3.4 and U15.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

RATES: Mapping[str, str] = {"US-MN": "0.08025", "DE": "0.19", "BE": "0.21"}
"""By country, or country and state, the rate as a decimal fraction; everywhere else it is 0."""

DUTY_RATE = Decimal("0.05")
"""drsim's own: the duties on whatever comes from another country."""

_MINOR_VALUE = 15_000
"""Up to 150.00 a parcel into the European Union bears its ordinary tax and no duties."""

EUROPEAN_UNION = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())


def rate_at(party: Mapping[str, Any] | None, rates: Mapping[str, str]) -> str:
    """The rate at a party's address, as text; `rates` go before the table, states before countries."""
    address = (party or {}).get("address", {})
    country, state = address.get("country", ""), address.get("state", "")
    for place in (f"{country}-{state}", country):
        for table in (rates, RATES):
            if place in table:
                return table[place]
    return "0"


def is_landed(
    ship_from: Mapping[str, Any] | None, ship_to: Mapping[str, Any] | None, currency: str, amount: int, rate: str
) -> bool:
    """Whether goods for `amount` minor units cross a border where duties and importer tax are due.

    The European Union is one country in this, and up to 150 EUR its ordinary tax is due instead. Where the `rate` is 0
    drsim knows no importer tax, and in the United States there is none.
    """
    origin, destination = _customs_area(ship_from), _customs_area(ship_to)
    if origin is None or destination in (None, "US", origin) or rate == "0":
        return False
    return not is_minor(ship_from, ship_to, currency, amount)


def is_minor(
    ship_from: Mapping[str, Any] | None, ship_to: Mapping[str, Any] | None, currency: str, amount: int
) -> bool:
    """Whether goods come into the European Union for no more than 150 EUR."""
    crosses = _customs_area(ship_to) == "EU" and _customs_area(ship_from) not in (None, "EU")
    return crosses and currency == "EUR" and amount <= _MINOR_VALUE


def _customs_area(party: Mapping[str, Any] | None) -> str | None:
    country: str | None = (party or {}).get("address", {}).get("country")
    return "EU" if country in EUROPEAN_UNION else country
