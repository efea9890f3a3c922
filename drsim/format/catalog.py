"""Customers and SKUs as `given.customers[]` and `given.skus[]` hold them: with the fields of the API's bodies."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from drsim.domain.countries import COUNTRIES
from drsim.domain.customers import LONGEST_ID, TYPES
from drsim.domain.postal import UNSUPPORTED
from drsim.domain.skus import MANAGED, WEIGHT_UNITS
from drsim.format.buyer import PartyModel
from drsim.format.fields import Alias, Email, Flag, Metadata, Text, fitting, one_of
from drsim.format.mistakes import refuse
from drsim.format.numbers import Weight
from drsim.format.part import Part
from drsim.format.written import NULL, Schema, Written, either, given, text

_LOCALE = fitting(r"[a-z]{2}([_-][A-Z]{2})?", "a locale such as en_US")
_HS_CODE = fitting(r"[0-9]{4}\.[0-9]{2}(\.[0-9]{1,4})?", "a code such as 1006.20.4025")
_TIME = fitting(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
    "a time such as 2022-07-01T17:55:58Z",
)
_ORIGIN = one_of(sorted(COUNTRIES - UNSUPPORTED), "a country code such as US")


def _or_number(pattern: str, expected: str, **bounds: int) -> Written:
    """A text that fits a regular expression, or a whole number whose digits do."""
    return Written(fitting(pattern, expected).read, either(text(pattern, expected), {"type": "integer", **bounds}))


_CUSTOMER_ID = _or_number(
    rf"[^\s/]{{1,{LONGEST_ID}}}", f"an id of at most {LONGEST_ID} characters, without blanks and /"
)
_SKU_ID = _or_number(r"[0-9A-Za-z._-]{1,255}", "an id of letters, digits, ., - and _")
_TAX_CODE = _or_number(
    r"[0-9]{2,8}(\.[0-9]{1,3})?(_[A-Z])?", "a tax code such as 4323.310_A", minimum=10, maximum=10**8 - 1
)


class TaxCertificateModel(Part):
    """`taxCertificate` of a customer."""

    company_name: Text
    tax_authority: Text
    start_date: Annotated[str, _TIME]
    end_date: Annotated[str, _TIME]
    file_id: Text


class CustomerModel(Part):
    """`given.customers[]`: a customer; nothing is made up but an id."""

    alias: Alias | None = Field(None, alias="as")
    id: Annotated[str, _CUSTOMER_ID] | None = None
    email: Email | None = None
    shipping: PartyModel | None = None
    organization: Text | None = None
    tax_certificate: TaxCertificateModel | None = None
    metadata: Metadata | None = None
    locale: Annotated[str, _LOCALE] | None = None
    type: Annotated[str, one_of(TYPES)] | None = None
    enabled: Flag | None = None


_NEEDED = ("eccn", "taxCode", "countryOfOrigin")


class SkuModel(Part):
    """`given.skus[]`: a SKU. Without a `skuGroupId` it needs `eccn`, `taxCode` and `countryOfOrigin`."""

    together: ClassVar[Schema] = {
        "if": given("skuGroupId"),
        "else": {"allOf": [given(key) for key in _NEEDED]},
        "dependentSchemas": {"weightUnit": {"anyOf": [given("weight"), {"properties": {"weightUnit": NULL}}]}},
    }

    alias: Alias | None = Field(None, alias="as")
    id: Annotated[str, _SKU_ID] | None = None
    name: Text
    eccn: Text | None = None
    tax_code: Annotated[str, _TAX_CODE] | None = None
    country_of_origin: Annotated[str, _ORIGIN] | None = None
    sku_group_id: Text | None = None
    part_number: Text | None = None
    manufacturer_id: Text | None = None
    managed_fulfillment: Annotated[str, one_of((MANAGED,))] | None = None
    hs_code: Annotated[str, _HS_CODE] | None = None
    description: Text | None = None
    image: Text | None = None
    url: Text | None = None
    item_breadcrumb: Text | None = None
    weight: Weight | None = None
    weight_unit: Annotated[str, one_of(WEIGHT_UNITS)] | None = None
    metadata: Metadata | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "SkuModel":
        present = {"eccn": self.eccn, "taxCode": self.tax_code, "countryOfOrigin": self.country_of_origin}
        mistakes: list[Any] = []
        if self.sku_group_id is None:
            mistakes += [
                ((), f"neither '{key}' nor 'skuGroupId'", "one of them") for key in _NEEDED if present[key] is None
            ]
        if self.weight is None and self.weight_unit is not None:
            mistakes.append((("weightUnit",), "'weightUnit' without 'weight'", "them together"))
        refuse(mistakes)
        return self


def sent(model: CustomerModel | SkuModel) -> dict[str, Any]:
    """What stands in it besides alias and id, under the names of the domain; parts of it as the API has them."""
    fields = {name: getattr(model, name) for name in type(model).model_fields if name not in ("alias", "id")}
    return {
        name: each.model_dump(by_alias=True, exclude_none=True) if isinstance(each, Part) else each
        for name, each in fields.items()
        if each is not None
    }
