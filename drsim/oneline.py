"""Events in one line, for people at a terminal. Whatever a stranger sends is cut short and made printable."""

from typing import Any

_LONGEST = 80
_MOST_OPERATIONS = 3


def clean(value: object, longest: int = _LONGEST) -> str:
    """A value as text that fits into a line and cannot do anything to a terminal."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value)[: longest + 1])
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def summary(type: str, thing: Any) -> str:
    """What the object of an event comes to: its state, or the amounts of its operations, or the units it handled."""
    if not isinstance(thing, dict):
        return ""
    for kind in ("capture", "cancel", "refund"):
        if f".{kind}." in type:
            return _operations(thing.get(f"{kind}s"))
    if type.startswith("fulfillment."):
        return _units(thing.get("items"))
    amount = thing.get("totalAmount", thing.get("amount", ""))
    return clean(" ".join(str(each) for each in (thing.get("state", ""), amount, thing.get("currency", "")) if each))


def _operations(operations: object) -> str:
    if not isinstance(operations, list):
        return ""
    told = [f"{each.get('amount')} {each.get('state')}" for each in operations if isinstance(each, dict)]
    return clean(("… " if len(told) > _MOST_OPERATIONS else "") + ", ".join(told[-_MOST_OPERATIONS:]))


def _units(items: object) -> str:
    told = []
    for name, word in (("quantity", "shipped"), ("cancelQuantity", "cancelled")):
        counts = [each.get(name) for each in items if isinstance(each, dict)] if isinstance(items, list) else []
        if units := sum(count for count in counts if isinstance(count, int)):
            told.append(f"{units} {word}")
    return ", ".join(told)
