"""Tax identifiers: numbers that tax authorities have given to customers.

They are verified as soon as they are made; there is no agency behind drsim that would have to be asked.
"""

import re
from collections.abc import Mapping
from dataclasses import field

from drsim.domain.clock import Time
from drsim.domain.decision import Context
from drsim.domain.refusal import Refused, invalid, missing
from drsim.domain.values import value

_TYPE = r"[a-z]{2}(?:_[a-z]{1,20}){0,3}"
_USUAL = r"(?=.*[0-9])[A-Za-z0-9](?:[A-Za-z0-9 ./&-]{0,38}[A-Za-z0-9])?"
_FORMATS: Mapping[str, str] = {
    "at": r"ATU[0-9]{8}",
    "be": r"BE[01]?[0-9]{9}",
    "de": r"DE[0-9]{9}",
    "dk": r"DK[0-9]{8}",
    "es": r"ES[A-Z0-9][0-9]{7}[A-Z0-9]",
    "fi": r"FI[0-9]{8}",
    "fr": r"FR[A-Z0-9]{2}[0-9]{9}",
    "it": r"IT[0-9]{11}",
    "lu": r"LU[0-9]{8}",
    "nl": r"NL[0-9]{9}B[0-9]{2}",
    "pl": r"PL[0-9]{10}",
    "pt": r"PT[0-9]{9}",
    "se": r"SE[0-9]{12}",
    "uk": r"GB(?:[0-9]{9}|[0-9]{12})",
}
"""What the numbers of a type look like, where that is looked at: patterns that are compiled once they are needed."""


@value
class TaxIdentifier:
    """A tax identifier; `type` is a country such as `de`, or one of several kinds there such as `br_natural`."""

    id: str
    created: Time
    updated: Time
    type: str
    value: str
    state: str = "verified"
    transitions: Mapping[str, Time] = field(default_factory=dict)
    customer_id: str | None = None


def make(type: str | None, number: str | None, context: Context) -> TaxIdentifier:
    """A new tax identifier. Raises `Refused` for a type that is none, or a number that none of the type can be."""
    if not type:
        raise missing("type")
    if not number:
        raise missing("value")
    if not re.fullmatch(_TYPE, type):
        raise invalid("type", type[:100])
    if not re.fullmatch(_FORMATS.get(type, _USUAL), number):
        raise Refused("bad_request", "invalid_parameter", f"Tax identifier '{number[:100]}' invalid.", "value")
    now, id = context.now, context.new_id("tax identifier")
    return TaxIdentifier(id, now, now, type, number, transitions={"pending": now, "verified": now})
