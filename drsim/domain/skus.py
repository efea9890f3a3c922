"""SKUs and SKU groups: the products of a merchant's catalog, and what makes them physical.

What was sent comes as a mapping under the names of `Sku`: what is not in it stays as it is, and `""` takes a text away.
Source: surroundings page, section 5; platform page, 3.1.
"""

import re
from collections.abc import Mapping
from typing import Any

from drsim.domain.amend import Metadata, merged_metadata
from drsim.domain.clock import Time
from drsim.domain.countries import COUNTRIES
from drsim.domain.decision import Context
from drsim.domain.postal import UNSUPPORTED
from drsim.domain.refusal import Refused, invalid, missing
from drsim.domain.values import replace, value

MANAGED = "DRGlobalFulfillment"
"""The only value that `managedFulfillment` can have."""
WEIGHT_UNITS = ("oz", "lb", "g", "kg")

_ID = r"[0-9A-Za-z._-]{1,255}"
_HS_CODE = r"[0-9]{4}\.[0-9]{2}(?:\.[0-9]{1,4})?"
_TAX_CODE = r"[0-9]{2,8}(?:\.[0-9]{1,3})?(?:_[A-Z])?"
_MANUFACTURER_ID = r"[0-9]{1,20}"
_NOT_PHYSICAL = ("4323.320", "4512.100", "551115", "70.", "8111", "95.")
"""How the tax codes of downloads, services and warranties begin; those of all else are of things that are shipped."""


@value
class Group:
    """A SKU group: products with the same compliance data, of which only the tax code is known here."""

    id: str
    alias: str
    tax_code: str


GROUPS: tuple[Group, ...] = (
    Group("backpacks", "Backpacks and travel bags", "53121603"),
    Group("clothing", "Everyday clothing and shoes", "531029.100"),
    Group("computers", "Laptops with lithium-ion batteries", "4321_A"),
    Group("computer-accessories", "Keyboards, mice and other devices for computers", "4321_B"),
    Group("consulting", "Consulting by the hour", "70.60"),
    Group("e-books", "Books to be downloaded", "55111502.120"),
    Group("general-merchandise", "Things that have no group of their own", "601410"),
    Group("music-downloads", "Music to be downloaded", "55111512.100"),
    Group("phones", "Mobile phones with lithium-ion batteries", "43211509"),
    Group("printed-books", "Printed books", "55101510"),
    Group("software-downloads", "Software to be downloaded, subscriptions included", "4323.320_A"),
    Group("software-on-media", "Software on discs", "4323.310_A"),
)
"""The SKU groups of every account: the vendor makes them together with the merchant, so no call of the API does."""

_GROUPS: Mapping[str, Group] = {group.id: group for group in GROUPS}


@value
class Sku:
    """A product. `weight` is in `weight_unit`."""

    id: str
    created: Time
    updated: Time
    name: str | None = None
    eccn: str | None = None
    tax_code: str | None = None
    country_of_origin: str | None = None
    sku_group_id: str | None = None
    part_number: str | None = None
    manufacturer_id: str | None = None
    managed_fulfillment: str | None = None
    hs_code: str | None = None
    description: str | None = None
    image: str | None = None
    url: str | None = None
    item_breadcrumb: str | None = None
    weight: float | None = None
    weight_unit: str | None = None
    metadata: Metadata | None = None

    @property
    def physical(self) -> bool:
        """Whether it is shipped, as the tax code of its group says, or else its own; without either it is."""
        group = _GROUPS.get(self.sku_group_id or "")
        return is_physical(group.tax_code if group else self.tax_code or "")


def group_is_physical(group_id: str) -> bool:
    """Whether products of this group are shipped; those of an unknown one are."""
    group = _GROUPS.get(group_id)
    return group is None or is_physical(group.tax_code)


def is_physical(tax_code: str) -> bool:
    """Whether a tax code is one of things that are shipped."""
    return not tax_code.startswith(_NOT_PHYSICAL)


def check_id(id: str) -> None:
    """Raises `Refused` for what cannot be the id of a SKU."""
    if not re.fullmatch(_ID, id):
        raise invalid("id", id[:100], "SKU ID")


def make(id: str | None, sent: Mapping[str, Any], context: Context) -> Sku:
    """A new SKU, with this id or a generated one. Raises `Refused` for what cannot be."""
    if id is not None:
        check_id(id)
    return _amended(Sku(id or context.new_id("sku"), context.now, context.now), sent)


def amend(sku: Sku, sent: Mapping[str, Any], context: Context) -> Sku:
    """The SKU with what was sent, as updated now. Raises `Refused` for what cannot be."""
    return replace(_amended(sku, sent), updated=context.now)


def remake(sku: Sku, sent: Mapping[str, Any], context: Context) -> Sku:
    """The SKU made anew of what was sent, as updated now; only its id and creation stay. Raises `Refused`."""
    return amend(Sku(sku.id, sku.created, sku.updated), sent, context)


def _amended(sku: Sku, sent: Mapping[str, Any]) -> Sku:
    changes: dict[str, Any] = {name: None if given == "" else given for name, given in sent.items()}
    if "metadata" in changes:
        changes["metadata"] = merged_metadata(sku.metadata, changes["metadata"])
    amended = replace(sku, **changes)
    if amended.weight is not None and amended.weight_unit is None:
        amended = replace(amended, weight_unit=WEIGHT_UNITS[0])
    _check_presence(amended)
    _check_values(amended)
    if amended.managed_fulfillment is not None:
        _check_managed(amended)
    return amended


def _check_presence(sku: Sku) -> None:
    if sku.name is None:
        raise missing("name")
    if sku.sku_group_id is None:
        for parameter, given in (("eccn", sku.eccn), ("taxCode", sku.tax_code)):
            if given is None:
                raise missing(parameter)
        if sku.country_of_origin is None:
            raise Refused("bad_request", "missing_parameter", "must not be null", "countryOfOrigin")
    if sku.weight is None and sku.weight_unit is not None:
        raise Refused("bad_request", "missing_parameter", "The weight is missing.", "weight")


def _check_values(sku: Sku) -> None:
    country, hs_code, tax_code, unit = sku.country_of_origin, sku.hs_code, sku.tax_code, sku.weight_unit
    if country is not None and (country not in COUNTRIES or country in UNSUPPORTED):
        raise invalid("countryOfOrigin", country[:100], "Country of Origin")
    if hs_code is not None and not re.fullmatch(_HS_CODE, hs_code):
        raise invalid("hsCode", hs_code[:100], "HS code")
    if tax_code is not None and not re.fullmatch(_TAX_CODE, tax_code):
        raise invalid("taxCode", tax_code[:100], "parameter")
    if unit is not None and unit not in WEIGHT_UNITS:
        raise invalid("weightUnit", unit[:100], "item type")


def _check_managed(sku: Sku) -> None:
    """What the vendor ships itself has to be a thing, with the number of its manufacturer."""
    if sku.managed_fulfillment != MANAGED:
        raise invalid("managedFulfillment", str(sku.managed_fulfillment)[:100], "item type")
    if not sku.physical:
        raise invalid("taxCode", sku.tax_code, "parameter")
    if sku.part_number is None:
        raise invalid("partNumber", None, "parameter")
    if sku.manufacturer_id is not None and not re.fullmatch(_MANUFACTURER_ID, sku.manufacturer_id):
        message = "Invalid manufacturer ID. The manufacturer ID and manufacturer part # combination could not be found."
        raise Refused("conflict", "invalid_parameter", message, "manufacturerId")
