"""Bodies of `/skus`."""

from drsim.web.bodies.checkouts import Tolerant
from drsim.web.bodies.fields import Metadata, Text, Weight


class SkuBody(Tolerant):
    """`POST /skus`, `PUT` and `POST /skus/{id}`. In a body for a path with an id, `id` has to be the same."""

    id: Text | None = None
    name: Text | None = None
    eccn: Text | None = None
    taxCode: Text | None = None
    countryOfOrigin: Text | None = None
    skuGroupId: Text | None = None
    partNumber: Text | None = None
    manufacturerId: Text | None = None
    managedFulfillment: Text | None = None
    hsCode: Text | None = None
    description: Text | None = None
    image: Text | None = None
    url: Text | None = None
    itemBreadcrumb: Text | None = None
    weight: Weight | None = None
    weightUnit: Text | None = None
    metadata: Metadata | None = None
