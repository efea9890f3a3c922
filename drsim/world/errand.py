"""What an errand is; the tables of them stand in `errands` and `logistics`."""

from collections.abc import Callable

from drsim.domain.values import value
from drsim.engine.makeup import MakeUp
from drsim.engine.work import Work

Did = tuple[str, ...]
"""What was done, in words."""


@value
class Errand:
    """What brings an event about: in words (`plan`), and in deed, which says in words what it did.

    One is run by itself (`does`), the other on the order with an id (`about`), for which a new one is made if need be.
    """

    plan: str
    does: Callable[[Work, MakeUp], Did] | None = None
    about: Callable[[Work, str], Did] | None = None
