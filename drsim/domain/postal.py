"""Postal addresses of checkouts: what they must have the form of, country by country.

Source: surroundings page, 3.7 and U26: which countries are looked at, and what is said; the patterns are drsim's own.
"""

import re
from collections.abc import Mapping
from typing import Any

from drsim.domain.refusal import Refused

_POSTAL_CODES: Mapping[str, re.Pattern[str]] = {
    "US": re.compile(r"\d{5}(-?\d{4})?"),
    "CA": re.compile(r"[A-Za-z]\d[A-Za-z][ -]?\d[A-Za-z]\d"),
    "GB": re.compile(r"[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}"),
    **dict.fromkeys(("DE", "FR", "ES", "IT"), re.compile(r"\d{5}")),
}

_STATES: Mapping[str, frozenset[str]] = {
    "US": frozenset(
        (
            "AA AE AK AL AP AR AS AZ CA CO CT DC DE FL FM GA GU HI IA ID IL IN KS KY LA MA MD ME MH MI MN MO MP MS MT"
            " NC ND NE NH NJ NM NV NY OH OK OR PA PR PW RI SC SD TN TX UM UT VA VI VT WA WI WV WY"
        ).split()
    ),
    "CA": frozenset("AB BC MB NB NL NS NT NU ON PE QC SK YT".split()),
}

UNSUPPORTED = frozenset("CU IR KP SY".split())
"""Countries that nothing is sold to."""


def check_address(party: Mapping[str, Any] | None) -> None:
    """Raises `Refused` for an address in a country that nothing is sold to, and for codes that cannot be there."""
    address = (party or {}).get("address") or {}
    country: str = address.get("country") or ""
    if country in UNSUPPORTED:
        raise Refused("conflict", "country_unsupported", f"Country '{country}' is not supported.", "country")
    code, state = address.get("postalCode"), address.get("state")
    if code and country in _POSTAL_CODES and not _POSTAL_CODES[country].fullmatch(code):
        raise _wrong("address.postalCode", "postal code")
    if state and country in _STATES and state.upper() not in _STATES[country]:
        raise _wrong("address.state", "state/province")


def _wrong(parameter: str, thing: str) -> Refused:
    message = f"A required address parameter, {thing}, is invalid."
    return Refused("bad_request", "invalid_parameter", message, parameter)
