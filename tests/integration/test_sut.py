"""`drsim run` as somebody sees it who tests a system of their own with it."""

import signal
import subprocess
import threading
from pathlib import Path

import httpx
import pytest

from drsim.cli import main
from tests.harness import Received, Receiver
from tests.integration.processes import Ran, Shop, command, free_port, run

NOTHING_LISTENS = "http://127.0.0.1:9/hooks"
ORDER = "{as: order, items: [{name: Widget, price: 10.00}]}"
WAITS = f"""
scenario: Waits
steps:
  - create: order
    with: {ORDER}
  - await_call: POST /fulfillments
    within: 20s
"""
ENDS_AT_ONCE = f"""
scenario: Ends at once
steps:
  - create: order
    with: {ORDER}
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("address", ["localhost:3000/hooks", "ftp://localhost/hooks", "http://", "http:///hooks", ""])
@pytest.mark.parametrize("arguments", [["run", "scenarios"], ["serve"]], ids=["run", "serve"])
def test_an_address_that_is_none_is_wrong_usage(
    arguments: list[str], address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--webhook", address])
    assert stopped.value.code == 2
    assert f"'{address}' is not an address such as http://localhost:3000/hooks" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_tells_what_it_has_and_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    fails = ENDS_AT_ONCE.replace("Ends at once", "Fails") + "  - event: order.blocked\n"
    folder, report = write(tmp_path, a=fails, b=WAITS, c=ENDS_AT_ONCE), tmp_path / "report.xml"
    process = subprocess.Popen(
        command(folder, NOTHING_LISTENS, free_port(), "--junit", str(report)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    before = [process.stdout.readline() for _ in range(3)]
    assert "Fails" in before[-1]
    process.send_signal(number)
    out, errors = process.communicate(timeout=5)
    assert process.returncode == 3
    assert errors == "drsim: interrupted\n"
    assert "No order.blocked came that fits" in out
    assert "interrupted: 1 failed, 2 skipped in " in out
    assert 'tests="3" failures="1" skipped="2"' in report.read_text()


def test_ids_are_new_in_each_run_since_a_system_under_test_remembers_them(tmp_path: Path) -> None:
    folder = write(tmp_path, a=ENDS_AT_ONCE)
    with Receiver() as receiver:

        def ids(*options: str) -> list[bytes]:
            receiver.received.clear()
            ran = run(folder, receiver.url, free_port(), *options)
            assert ran.code == 0, ran.out
            return [received.body.partition(b'"type"')[0] for received in receiver.received]

        first, second = ids("--seed", "1"), ids()
        assert len(first) == len(second) > 0
        assert not set(first) & set(second)
        assert ids("--seed", "1") == first


def test_a_seed_of_its_own_makes_the_ids_of_a_scenario_repeat(tmp_path: Path) -> None:
    folder = write(tmp_path, a=f"seed: 7\n{ENDS_AT_ONCE}")
    with Receiver() as receiver:
        for _ in range(2):
            assert run(folder, receiver.url, free_port()).code == 0
        bodies = [received.body.partition(b'"type"')[0] for received in receiver.received]
        assert bodies[: len(bodies) // 2] == bodies[len(bodies) // 2 :]


def test_calls_about_things_of_an_earlier_scenario_do_not_count(tmp_path: Path) -> None:
    watches = f"""
scenario: Watches
steps:
  - create: order
    with: {ORDER.replace("items", "state: in_review, items")}
  - no_call: POST /fulfillments
    within: 600ms
"""
    port = free_port()
    folder = write(tmp_path, a=ENDS_AT_ONCE, b=watches)
    with Shop(port, "--pause", "0.2") as shop:
        ran = run(folder, shop.hooks, port, "--json", str(tmp_path / "report.json"))
    assert ran.code == 0, ran.out
    assert (tmp_path / "report.json").read_text().count('"/fulfillments"') == 1


def test_a_failure_tells_of_calls_about_things_of_earlier_scenarios(tmp_path: Path) -> None:
    waits = WAITS.replace("items", "state: in_review, items").replace("20s", "1s")
    port = free_port()
    with Shop(port, "--pause", "0.2") as shop:
        ran = run(write(tmp_path, a=ENDS_AT_ONCE, b=waits), shop.hooks, port)
    assert ran.code == 1
    assert ran.about("b.yaml").splitlines()[-2:] == [
        "    It made no such call; it made: none at all",
        "    It also made, about things of earlier scenarios: POST /fulfillments",
    ]


def waiting(tmp_path: Path, address: str, extra: str = "") -> Ran:
    text = WAITS.replace("20s", "200ms").replace("steps:", f"{extra}\nsteps:")
    return run(write(tmp_path, a=text), address, free_port())


def test_a_failure_tells_when_the_system_under_test_is_not_reached(tmp_path: Path) -> None:
    ran = waiting(tmp_path, NOTHING_LISTENS)
    refused = "cannot connect to 127.0.0.1:9: Connection refused"
    assert ran.about("a.yaml").splitlines()[-3:] == [
        "  The system under test made no call POST /fulfillments that fits, within 200ms.",
        "    It made no such call; it made: none at all",
        f"    It did not take 3 of 3 events, the last: order.accepted: pending, {refused} after 1 attempt",
    ]
    assert f"delivery  order.accepted -> {refused}" in ran.timeline("a.yaml")


def test_a_failure_tells_when_no_event_was_for_the_system_under_test(tmp_path: Path) -> None:
    ran = waiting(tmp_path, NOTHING_LISTENS, "given: {webhooks: [{types: [order.blocked]}]}")
    assert ran.about("a.yaml").splitlines()[-1] == "    No event was sent to it."


def test_a_timeline_tells_whose_calls_they_are(tmp_path: Path) -> None:
    text = """
scenario: Both call
given: {webhooks: [{types: [fulfillment.created]}]}
steps:
  - create: order
    with: {as: order, items: [{as: widget, name: Widget, price: 10.00, quantity: 2}]}
  - call: POST /fulfillments
    body: {orderId: "${order.id}", items: [{itemId: "${widget.id}", quantity: 1}]}
  - await_call: GET /orders
  - event: order.blocked
"""
    port = free_port()

    def answer(received: Received) -> int:
        key = {"Authorization": "Bearer sk_test_drsim"}
        threading.Thread(target=httpx.get, args=(f"http://127.0.0.1:{port}/orders",), kwargs={"headers": key}).start()
        return 202

    with Receiver(answer) as receiver:
        ran = run(write(tmp_path, a=text), receiver.url, port)
    calls = [line for line in ran.timeline("a.yaml") if line.startswith("call")]
    assert calls == [
        "call      POST /fulfillments -> 201",
        "call      GET /orders -> 200 (by the system under test)",
    ]


def test_what_matters_is_seen_even_in_something_long(tmp_path: Path) -> None:
    text = """
scenario: Long
steps:
  - create: order
    with: {items: [{name: Widget, price: 10.00}, {name: Gadget, price: 20.00}]}
  - event: order.accepted
    match: {data: {object: {items: {$contains: {amount: 30, quantity: 1}}}}}
"""
    ran = run(write(tmp_path, a=text), NOTHING_LISTENS, free_port())
    assert '+ [{"amount":10.0,"quantity":1},{"amount":20.0,"quantity":1}]  (seen)' in ran.about("a.yaml")
