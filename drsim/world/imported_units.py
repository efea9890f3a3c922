"""Which units of which line a copied capture or cancel was for: public resources do not say, the amounts do.

Operations of one fulfillment were made in the order of the lines, each for a line's share rounded up (resources page,
5.4), on store credit first (5.1). An operation whose amount fits no line is left without one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from drsim.domain.charges import Charge, Operation, OperationKind
from drsim.domain.money import ceiling_share
from drsim.domain.orders import Item

_Group = list[tuple[str, Operation]]


@dataclass(frozen=True, slots=True)
class Handled:
    """How many units of a line were captured and cancelled; failed captures count, since their units were shipped."""

    captured: int = 0
    cancelled: int = 0

    def more(self, kind: OperationKind, units: int) -> "Handled":
        """With more units of this kind."""
        if kind == "capture":
            return replace(self, captured=self.captured + units)
        return replace(self, cancelled=self.cancelled + units)


def attributed(charges: tuple[Charge, ...], items: Sequence[Item]) -> tuple[tuple[Charge, ...], dict[str, Handled]]:
    """The charges with a line and units on every operation that fits one, and what that comes to for each line."""
    handled = {item.id: Handled() for item in items}
    found: dict[tuple[str, str], tuple[str, int]] = {}
    kinds: tuple[OperationKind, ...] = ("capture", "cancel")
    for kind in kinds:
        for group in _groups(charges, kind):
            for item_id, units, operations in _parts(group, items, handled):
                handled[item_id] = handled[item_id].more(kind, units)
                found.update({(charge_id, operation.id): (item_id, units) for charge_id, operation in operations})
    return tuple(_with_lines(charge, found) for charge in charges), handled


def _groups(charges: tuple[Charge, ...], kind: OperationKind) -> Iterator[_Group]:
    """The operations that one fulfillment made: those of the same second where no id says so."""
    groups: dict[object, _Group] = {}
    for charge in sorted(charges, key=lambda each: not each.secondary):
        for operation in charge.operations(kind):
            groups.setdefault(operation.fulfillment_id or operation.created, []).append((charge.id, operation))
    yield from groups.values()


def _parts(group: _Group, items: Sequence[Item], handled: dict[str, Handled]) -> Iterator[tuple[str, int, _Group]]:
    """The group as (line, units, operations): as one line's if its sum is one, else one line per operation.

    Looks at `handled` anew for each part, so that no unit is found twice.
    """
    for part in [group] if _fit(group, items, handled) else [[each] for each in group]:
        if fitting := _fit(part, items, handled):
            yield (*fitting, part)


def _fit(part: _Group, items: Sequence[Item], handled: dict[str, Handled]) -> tuple[str, int] | None:
    """The first line and number of its units left that are worth what the operations come to.

    One minor unit may be missing: the last operation of an order takes what is left.
    """
    amount = sum(operation.amount for _, operation in part)
    for slack in (0, 1):
        for item in items:
            left = item.quantity - handled[item.id].captured - handled[item.id].cancelled
            guess = amount * item.quantity // item.total if item.total else 0
            for units in (guess, guess + 1):
                if 0 < units <= left and 0 <= ceiling_share(item.total, units, item.quantity) - amount <= slack:
                    return item.id, units
    return None


def _with_lines(charge: Charge, found: dict[tuple[str, str], tuple[str, int]]) -> Charge:
    def with_line(operation: Operation) -> Operation:
        item_id, units = found.get((charge.id, operation.id), ("", 0))
        return replace(operation, item_id=item_id, units=units)

    return replace(
        charge, captures=tuple(map(with_line, charge.captures)), cancels=tuple(map(with_line, charge.cancels))
    )
