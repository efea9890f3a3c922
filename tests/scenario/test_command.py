"""`drsim run` from the outside: what is chosen, how it is played, what is said, what is left behind."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.harness import Receiver
from tests.integration.processes import free_port
from tests.scenario.playing import ROOT, called, drsim, report, written

ORDER = "given: {orders: [{as: order, items: [{as: item, price: 10, quantity: 3}]}]}\n"
SHIP = '{orderId: "${order.id}", items: [{itemId: "${item.id}", quantity: 3}]}'
PASSES = f"{ORDER}steps:\n  - call: POST /fulfillments\n    body: {SHIP}\n  - event: order.complete\n"
FAILS = f"{ORDER}steps:\n  - event: order.complete\n    within: 1s\n"


def verdicts(told: dict[str, Any]) -> dict[str, str]:
    """The verdict of each scenario by name."""
    return {each["name"]: each["verdict"] for each in told["scenarios"]}


def test_a_suite_that_passes_says_so_and_exits_with_0(tmp_path: Path) -> None:
    written(tmp_path, one=PASSES, two="")
    (tmp_path / "deeper").mkdir()
    written(tmp_path / "deeper", three=PASSES)
    (tmp_path / "notes.txt").write_text("no scenario")
    ran = drsim("run", ".", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    for line in (
        "ok    one.yaml: one (",
        "ok    two.yaml: two (",
        "ok    deeper/three.yaml: three (",
        "\n3 passed in ",
    ):
        assert line in ran.out


def test_one_failure_makes_the_run_fail_and_the_others_go_on(tmp_path: Path) -> None:
    written(tmp_path, a=FAILS, b=PASSES, c="steps: [{advance: 2s}]\n")
    ran = drsim("run", ".", cwd=tmp_path)
    assert ran.code == 1
    assert "\n1 failed" not in ran.out
    assert "2 passed, 1 failed in" in ran.out
    assert "a.yaml:4: step 1 of 1" in ran.out


def test_after_the_first_failure_fail_fast_skips_what_has_not_begun(tmp_path: Path) -> None:
    written(tmp_path, a=PASSES, b=FAILS, c=PASSES, d=PASSES)
    told = report(tmp_path, ".", "--fail-fast", "--jobs", "1", cwd=tmp_path)
    assert verdicts(told) == {"a": "passed", "b": "failed", "c": "skipped", "d": "skipped"}
    assert told["counts"] == {"passed": 1, "failed": 1, "skipped": 2}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["-k", "capture"], ["capture-late", "capture-fails"]),
        (["-k", "capture and not late"], ["capture-fails"]),
        (["-k", "(late or fails) and CAPTURE"], ["capture-late", "capture-fails"]),
        (["-k", "not capture"], ["cancel"]),
        (["--tag", "slow"], ["capture-late"]),
        (["--tag", "slow", "--tag", "money"], ["capture-late", "cancel"]),
        (["--tag", "!slow"], ["capture-fails", "cancel"]),
        (["--tag", "money", "--tag", "!slow"], ["cancel"]),
    ],
)
def test_scenarios_are_chosen_by_words_and_by_tags(tmp_path: Path, options: list[str], names: list[str]) -> None:
    written(tmp_path, **{"capture-late": "tags: [slow, money]\n", "capture-fails": "", "cancel": "tags: [money]\n"})
    ran = called("run", str(tmp_path), "--list", *options)
    assert ran.code == 0
    assert sorted(line.split(": ")[1].split("  ")[0] for line in ran.out.splitlines()) == sorted(names)


@pytest.mark.parametrize("expression", ["a and", "(a", "or b", "a b", ")", "not"])
def test_a_choice_that_cannot_be_understood_is_told(tmp_path: Path, expression: str) -> None:
    ran = called("run", str(written(tmp_path, a="")), "-k", expression)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


def test_choosing_nothing_or_finding_nothing_is_no_success(tmp_path: Path) -> None:
    assert drsim("run", str(tmp_path)).code == 2
    written(tmp_path, a="")
    ran = called("run", str(tmp_path), "-k", "b")
    assert (ran.code, ran.out) == (2, "")
    assert "no scenario" in ran.err
    ran = called("run", str(tmp_path / "none.yaml"))
    assert (ran.code, ran.out) == (2, "")
    assert "none.yaml" in ran.err


def test_variables_come_from_the_command_line_then_from_the_environment_then_from_their_default(tmp_path: Path) -> None:
    steps = """steps:
  - create: order
    with:
      as: order
      metadata: {a: "${A}", b: "${B}", c: "${C:-third}", both: "${A}-${B}"}
      items: [{price: "${PRICE:-3}"}]
  - call: GET /orders/${order.id}
    expect: {body: {totalAmount: 4.5, metadata: {a: first, b: second, c: third, both: first-second}}}
"""
    written(tmp_path, a=steps)
    env = {**os.environ, "A": "wrong", "B": "second"}
    ran = drsim("run", str(tmp_path), "--var", "A=first", "--var", "PRICE=4.5", env=env)
    assert ran.code == 0, ran.out
    for wrong in ("A", "=x", "1A=x"):
        assert called("run", str(tmp_path), "--var", wrong).code == 2


def test_every_problem_of_every_file_is_told_before_anything_runs(tmp_path: Path) -> None:
    written(
        tmp_path,
        a="steps:\n  - call: GET orders\n  - evnt: order.complete\n  - event: order.complet\n    match: {$gtt: 1}\n",
        b="steps:\n  - call: GET /orders/${order.id}\n  - advance: soon\n"
        "  - {advance: 1s, event: order.complete}\n  - no\n",
        c="steps: {}\n",
        d="steps:\n  - call: GET /x\n    expect: {stauts: 200}\n    save: {x: 'a b'}\n"
        "  - call: POST /x\n    body: ${x}\n    raw: x\n",
        e="",
    )
    (tmp_path / "f.yaml").write_text("scenario: e\n")
    for command in ("run", "check"):
        ran = drsim(command, ".", cwd=tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.splitlines() == [
            "a.yaml:3:11: found 'GET orders', expected a call such as GET /orders",
            "a.yaml:4:5: found a step without a kind ('evnt' is none), expected one of call, create, advance, event,"
            " no_event, delivery, await_call, no_call, behave, fault, receiver; did you mean 'event'?",
            "a.yaml:5:12: found 'order.complet', expected an event type such as fulfillment.created, or a group such as"
            " order.*; did you mean 'order.complete'?",
            "a.yaml:6:12: found an unusable pattern ('$gtt' is not one of $eq $ne $gt $gte $lt $lte $in $regex $exists"
            " $type $length $contains $all $not), expected one that can be matched",
            "b.yaml:3:11: found the unknown name '${order.id}', expected a variable or an alias",
            "b.yaml:4:14: found 'soon', expected a duration such as 30s, 2h or 7d",
            "b.yaml:5:5: found a step with advance and event, expected only one of call, create, advance, event,"
            " no_event, delivery, await_call, no_call, behave, fault, receiver",
            "b.yaml:6:5: found 'no', expected a mapping",
            "c.yaml:2:8: found a mapping, expected a list",
            "d.yaml:4:14: found the unknown key 'stauts', expected one of status, headers, body, dropped;"
            " did you mean 'status'?",
            "d.yaml:5:15: found 'a b', expected a path such as id, items[0].id, or . for the whole",
            "d.yaml:6:5: found both 'body' and 'raw', expected one of them",
            "f.yaml:1:11: found the name 'e' again, expected another (first at e.yaml:1)",
        ]


def test_a_webhook_that_is_not_given_is_told_before_anything_runs(tmp_path: Path) -> None:
    text = """given: {webhooks: [{as: hooks}]}
faults:
  - when: {delivery: order.*, to: hook}
    then: {drop: true}
steps:
  - {delivery: order.complete, to: hoks}
  - {receiver: {status: 500, to: other}}
  - {fault: [{when: {delivery: order.*, to: hooks}, then: {drop: true}}]}
"""
    ran = drsim("check", ".", cwd=written(tmp_path, a=text))
    assert (ran.code, ran.err.splitlines()) == (
        2,
        [
            "a.yaml:4:35: found 'hook', expected a webhook, given or saved before; did you mean 'hooks'?",
            "a.yaml:7:36: found 'hoks', expected a webhook, given or saved before; did you mean 'hooks'?",
            "a.yaml:8:34: found 'other', expected a webhook, given or saved before",
        ],
    )


def test_a_webhook_that_a_step_has_made_can_be_named_from_then_on(tmp_path: Path) -> None:
    made = """  - call: POST /webhooks
    body: {address: "${WEBHOOK_URL}/own", types: [order.created]}
    save: {own: .}
"""
    used = """  - receiver: {status: 500, times: 1, to: own}
  - fault: [{when: {delivery: order.created, to: own}, then: {duplicate: 1}}]
  - create: order
    with: {items: [{price: 10}]}
  - delivery: order.created
    to: own
    expect: {attempts: 4, status: 200, signature: valid}
"""
    ran = drsim("run", ".", cwd=written(tmp_path, a=f"steps:\n{made}{used}"))
    assert ran.code == 0, ran.out + ran.err
    written(tmp_path, a=f"steps:\n{used}{made}", b="steps:\n  - {call: GET /orders, save: {own: .}}\n" + used)
    assert "a.yaml:3:43: found 'own', expected a webhook" in drsim("check", ".", cwd=tmp_path).err
    assert "'own' is no webhook." in drsim("run", "b.yaml", cwd=tmp_path).out


def test_a_name_is_only_known_after_the_step_that_saves_it(tmp_path: Path) -> None:
    steps = 'steps:\n  - call: GET /orders/${late}\n  - call: GET /orders\n    save: {late: "data[0].id"}\n'
    ran = called("check", str(written(tmp_path, a=steps)))
    assert ran.code == 2
    assert "found '${late}', expected something that is made before it" in ran.err


def test_the_junit_report_holds_what_ci_systems_show(tmp_path: Path) -> None:
    written(
        tmp_path,
        good=PASSES,
        bad=FAILS.replace("order.complete", 'order.complete\n    match: {type: "]]>\\u0001<&\'"}'),
    )
    (tmp_path / "folder").mkdir()
    written(tmp_path / "folder", deeper="tags: [x]\n")
    path = tmp_path / "made" / "junit.xml"
    assert drsim("run", ".", "--junit", str(path), cwd=tmp_path).code == 1
    root = ElementTree.parse(path).getroot()
    suite = root[0]
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
    }
    cases = {case.get("name"): case for case in suite}
    assert {name: (case.get("classname"), case.get("file")) for name, case in cases.items()} == {
        "bad": ("bad", "bad.yaml"),
        "good": ("good", "good.yaml"),
        "deeper": ("folder.deeper", "folder/deeper.yaml"),
    }
    failure = cases["bad"].find("failure")
    assert failure is not None
    assert failure.get("message") == "No order.complete came that fits, within 1s of simulated time."
    assert "bad.yaml:4: step 1 of 1" in (failure.text or "")
    assert "]]>" in (failure.text or "")
    output = cases["good"].find("system-out")
    assert output is not None
    assert "POST /fulfillments -> 201" in (output.text or "")
    assert all(float(case.get("time", "")) >= 0 for case in cases.values())


def test_the_json_report_holds_every_step_and_the_timeline(tmp_path: Path) -> None:
    told = report(tmp_path, str(written(tmp_path, good=PASSES, bad=FAILS)))
    good, bad = (next(each for each in told["scenarios"] if each["name"] == name) for name in ("good", "bad"))
    assert [(step["title"], step["verdict"], step["place"]["line"]) for step in good["steps"]] == [
        ("call: POST /fulfillments", "passed", 4),
        ("event: order.complete", "passed", 6),
    ]
    assert good["steps"][0]["seen"] == "201"
    assert [entry["type"] for entry in good["timeline"] if entry["kind"] == "event"][-1] == "order.invoice.created"
    assert bad["failure"]["summary"].startswith("No order.complete")
    assert bad["failure"]["timeline"]
    assert (told["passed"], told["counts"]) == (False, {"passed": 1, "failed": 1, "skipped": 0})


STORY = f"""seed: 7
clock: 2022-03-02T17:38:00Z
account: {{signatureClock: simulated}}
given:
  webhooks: [{{as: hooks, address: "${{HOOK}}", token: t}}]
  orders: [{{as: order, items: [{{as: item, price: 10, quantity: 3}}]}}]
steps:
  - call: POST /fulfillments
    body: {SHIP}
    save: {{answer: .}}
  - event: order.complete
  - create: order
    with: {{as: second, items: [{{price: 5}}], metadata: {{answer: "${{answer.id}}"}}}}
"""


def test_alone_in_a_suite_and_in_parallel_the_same_bytes_are_sent(tmp_path: Path) -> None:
    port = str(free_port())  # the address of the invoice names it

    def sent(*options: str) -> list[tuple[bytes, str]]:
        with Receiver() as receiver:
            ran = drsim("run", ".", "--port", port, "--var", f"HOOK={receiver.url}/story", *options, cwd=tmp_path)
            assert ran.code == 0, ran.out
            return [(each.body, each.headers["digitalriver-signature"]) for each in receiver.received]

    others = {f"other{number}": PASSES for number in range(6)}
    written(tmp_path, story=STORY, **others)
    alone = sent("-k", "story")
    assert len(alone) == 11
    assert sent("--jobs", "1") == sent("--jobs", "8") == alone


def test_a_scenario_repeated_a_hundred_times_gives_the_same_verdict(tmp_path: Path) -> None:
    many = {f"{kind}{number}": text for number in range(50) for kind, text in (("pass", PASSES), ("fail", FAILS))}
    told = report(tmp_path, str(written(tmp_path, **many)), "--jobs", "16")
    assert {name: verdict.startswith(name[:4]) for name, verdict in verdicts(told).items()} == dict.fromkeys(many, True)


def test_deliveries_are_signed_right_before_and_after_a_rotation(tmp_path: Path) -> None:
    (tmp_path / "rotation.yaml").write_text("""
scenario: A rotation
given:
  webhooks: [{as: hooks, types: [order.created], token: whk_old}]
steps:
  - call: POST /_sim/orders
    body: {items: [{price: 1}]}
    expect: {status: 201}
  - delivery: order.created
    expect: {signature: valid}
  - call: POST /_sim/webhooks/${hooks.id}/rotate
    body: {expireOldIn: 0s}
  - call: POST /_sim/orders
    body: {items: [{price: 1}]}
    expect: {status: 201}
  - delivery: order.created
    expect: {signature: valid}
""")
    assert drsim("run", str(tmp_path)).code == 0


def test_simulated_time_costs_no_real_time(tmp_path: Path) -> None:
    steps = f"{ORDER}steps:\n  - advance: 300d\n  - no_event: order.complete\n    within: 400d\n"
    steps += "  - {event: order.*, count: 0, within: 99d}\n"
    told = report(tmp_path, str(written(tmp_path, a=steps)))
    assert told["passed"]
    assert told["seconds"] < 2


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with Receiver() as receiver:
        port = receiver.url.rpartition(":")[2]
        ran = drsim("run", str(written(tmp_path, a="")), "--port", port)
    assert (ran.code, ran.out) == (3, "")
    assert f"cannot listen on 127.0.0.1 port {port}" in ran.err


@pytest.mark.parametrize("options", [["--jobs", "0"], ["--jobs", "x"], ["--port", "x"], ["--webhook-token", "x"], []])
def test_wrong_usage_is_told_with_exit_code_2(options: list[str]) -> None:
    ran = called("run", *options, *(["."] if options else []))
    assert ran.code == 2
    assert "usage: drsim" in ran.err


def test_options_can_be_set_by_environment_variables(tmp_path: Path) -> None:
    written(tmp_path, a="tags: [x]\n", b="")
    env = {**os.environ, "DRSIM_TAG": "x", "DRSIM_LIST": "1", "DRSIM_VAR": "A=1,B=2"}
    assert drsim("run", ".", cwd=tmp_path, env=env).out == "a.yaml:1: a  [x]\n"


def test_ctrl_c_ends_a_run_without_a_traceback(tmp_path: Path) -> None:
    written(tmp_path, a="", b="steps: [{no_call: POST /fulfillments, within: 50s}]\n")
    command = [sys.executable, "-m", "drsim.cli", "run", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "a.yaml: a" in process.stdout.readline()  # it plays
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 3
    assert "Traceback" not in out + err
    assert "interrupted" in err


@pytest.mark.parametrize("colorless", [False, True])
def test_a_terminal_shows_a_bar_and_colors_unless_told_not_to(tmp_path: Path, colorless: bool) -> None:
    written(tmp_path, a=PASSES, b=FAILS)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    env = {**os.environ, **({"NO_COLOR": "1"} if colorless else {})}
    command = [sys.executable, "-m", "drsim.cli", "run", str(tmp_path)]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the end of a terminal
        while chunk := os.read(ours, 65_536):
            shown += chunk
    os.close(ours)
    assert process.wait(timeout=30) == 1
    assert b"0/2 [" in shown
    assert b"1 failed" in shown
    assert (b"\033[31m" in shown) != colorless


def test_a_reader_that_has_seen_enough_causes_no_traceback() -> None:
    command = f"{sys.executable} -m drsim.cli schema | head -c 10"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (len(done.stdout), done.stderr) == (10, "")
