"""The runner's own receiver: what a scenario tells it to do, it does to that scenario's events and to no others."""

from pathlib import Path

from tests.scenario.playing import report, written

WORLD = "given: {webhooks: [{as: hooks, types: [order.created, order.accepted]}]}\n"
ORDER = "  - {create: order, with: {items: [{price: 10}]}}\n"


def test_a_dropped_attempt_has_failed_whatever_was_received_before(tmp_path: Path) -> None:
    told = f"""{WORLD}steps:
{ORDER}  - receiver: {{drop: true, times: 1}}
{ORDER}  - delivery: order.created
    to: hooks
    expect: {{attempts: 1, status: 200}}
  - delivery: order.created
    to: hooks
    expect: {{attempts: 2, status: 200}}
    within: 5m
"""
    written(
        tmp_path,
        a=f"{WORLD}steps:\n{ORDER}",
        b=told,
        c=f"{WORLD}steps:\n{ORDER}",
        d=told.replace("drop: true", "status: 500"),
    )
    verdicts = [each["verdict"] for each in report(tmp_path, ".", "--jobs", "1", cwd=tmp_path)["scenarios"]]
    assert verdicts == ["passed"] * 4
