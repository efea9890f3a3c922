"""Resources that events tell about by themselves, each by its own rendering."""

from collections.abc import Callable, Mapping
from typing import Any

from drsim.domain.checkouts import Purchase
from drsim.domain.sources import Source
from drsim.render.checkouts import checkout
from drsim.render.parts import Json
from drsim.render.sources import source

_RENDERINGS: Mapping[type, Callable[[Any], Json]] = {Purchase: checkout, Source: source}


def resource(it: Any) -> Json:
    """A resource that is no part of a sale."""
    return _RENDERINGS[type(it)](it)
