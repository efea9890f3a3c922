import pytest

from drsim.domain.events import TYPES, matching_types


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("order.accepted", ["order.accepted"]),
        ("order.no_such", ["order.no_such"]),
        (
            "order.charge.capture.*",
            [f"order.charge.capture.{step}" for step in ("complete", "completed", "created", "failed", "pending")],
        ),
        ("*.deleted?", []),
        ("[o]rder.*", []),
        ("plan.*", ["plan.created", "plan.deleted", "plan.updated"]),
    ],
)
def test_a_star_names_all_types_that_fit(pattern: str, names: list[str]) -> None:
    assert matching_types(pattern) == names


def test_a_lone_star_names_every_type() -> None:
    assert matching_types("*") == sorted(TYPES)
