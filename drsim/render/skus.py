"""SKUs and SKU groups."""

from drsim.domain.clock import format_time
from drsim.domain.skus import Group, Sku
from drsim.render.parts import Json, put


def sku(it: Sku) -> Json:
    """A SKU."""
    shown: Json = {"id": it.id, "createdTime": format_time(it.created), "name": it.name}
    put(shown, eccn=it.eccn, partNumber=it.part_number, manufacturerId=it.manufacturer_id)
    shown["updatedTime"] = format_time(it.updated)
    put(shown, taxCode=it.tax_code, countryOfOrigin=it.country_of_origin, metadata=it.metadata)
    put(shown, description=it.description, image=it.image, url=it.url, itemBreadcrumb=it.item_breadcrumb)
    put(shown, weight=it.weight, weightUnit=it.weight_unit)
    shown["fulfill"] = False
    put(shown, hsCode=it.hs_code)
    shown["liveMode"] = False
    put(shown, managedFulfillment=it.managed_fulfillment)
    shown["physical"] = it.physical
    put(shown, skuGroupId=it.sku_group_id)
    return shown


def sku_group(it: Group) -> Json:
    """A SKU group: its compliance data stay with the vendor."""
    return {"id": it.id, "alias": it.alias}
