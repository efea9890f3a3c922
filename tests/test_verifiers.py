"""The verifiers of the README, run as they stand there against what a real drsim has sent to a real receiver."""

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.harness import JSON, Drsim, Received, Receiver

README = (Path(__file__).parents[1] / "README.md").read_text()

PROGRAMS = {
    "python": (
        sys.executable,
        "-c",
        """
import json, sys
cases = json.load(sys.stdin)
print(json.dumps([is_genuine(case["header"], case["secret"], base64.b64decode(case["body"])) for case in cases]))
""",
    ),
    "js": (
        "node",
        "-e",
        """
const cases = JSON.parse(require("node:fs").readFileSync(0));
const found = cases.map((each) => isGenuine(each.header, each.secret, Buffer.from(each.body, "base64")));
console.log(JSON.stringify(found));
""",
    ),
    "php": (
        "php",
        "-r",
        """
$cases = json_decode(stream_get_contents(STDIN), true);
$judge = fn ($case) => is_genuine($case['header'], $case['secret'], base64_decode($case['body']));
echo json_encode(array_map($judge, $cases));
""",
    ),
}
"""By language: its interpreter, the option that takes a program, and what follows the verifier there."""


class Case(NamedTuple):
    """One question to a verifier and the right answer."""

    name: str
    header: str
    secret: str
    body: bytes
    genuine: bool


def verifier(language: str) -> str:
    """The code in the README."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(block)


def answers(language: str, cases: list[Case]) -> list[bool]:
    """What a verifier says to each case."""
    interpreter, option, rest = PROGRAMS[language]
    path = shutil.which(interpreter)
    if path is None:
        pytest.skip(f"{interpreter} is not installed")
    told = [
        {"header": case.header, "secret": case.secret, "body": base64.b64encode(case.body).decode()} for case in cases
    ]
    command = [path, option, verifier(language) + rest]
    done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    found: list[bool] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def cases(drsim: Drsim) -> list[Case]:
    """Real deliveries in every layout, before, during and after a rotation, and what may be done to them."""
    with Receiver() as receiver:
        return [
            case
            for order in ("newest-first", "oldest-first")
            for unit in ("seconds", "milliseconds")
            for case in rotation(drsim, receiver, order, unit)
        ]


def rotation(drsim: Drsim, receiver: Receiver, order: str, unit: str) -> Iterator[Case]:
    """The cases that a rotation makes in one layout."""
    client = drsim.client(f"verifiers_{order}_{unit}".replace("-", "_"))
    account = {"signatureOrder": order, "signatureUnit": unit}
    client.ok(client.post("/_sim/scenario", json={"scenario": "signed", "account": account}))
    webhook = client.webhook(receiver.url, "order.created")
    (old,) = secrets = [client.secret(webhook)]

    def delivery() -> Received:
        client.order(email="zoë@example.com", items=[{"name": "Ünï “cödé” 😀", "price": 10.0}])
        client.settle("now")
        return receiver.received[-1]

    yield from judged(f"{order}, {unit}, before", delivery(), secrets, [])
    rotated: JSON = client.ok(client.post(f"/_sim/webhooks/{webhook['id']}/rotate", json={"expireOldIn": "1h"}))
    during = delivery()
    yield from judged(f"{order}, {unit}, during", during, rotated["secrets"], [])
    first = rotated["secrets"][0 if order == "newest-first" else 1]
    alone = during.headers["digitalriver-signature"].rpartition(", ")[0]
    yield Case(f"{order}, {unit}, the first signature alone", alone, first, during.body, True)
    client.advance("1h")
    yield from judged(f"{order}, {unit}, after", delivery(), rotated["secrets"][:1], [old])
    client.ok(client.post("/_sim/faults", json={"when": {"delivery": "*"}, "then": {"corruptSignature": True}}), 201)
    yield from judged(f"{order}, {unit}, badly signed", delivery(), [], rotated["secrets"])


def judged(name: str, received: Received, right: list[str], wrong: list[str]) -> Iterator[Case]:
    """What is right and wrong about one delivery."""
    header, body = received.headers["digitalriver-signature"], received.body
    timestamp, _, signatures = header.partition(", ")
    for secret in right:
        yield Case(f"{name}, right", header, secret, body, True)
        yield Case(f"{name}, changed body", header, secret, body.replace(b"10.0", b"1.00", 1), False)
        yield Case(f"{name}, longer body", header, secret, body + b"\n", False)
        yield Case(f"{name}, written anew", header, secret, json.dumps(json.loads(body)).encode(), False)
        yield Case(f"{name}, other time", f"{int(timestamp) + 1}, {signatures}", secret, body, False)
        yield Case(f"{name}, no signature", timestamp, secret, body, False)
        yield Case(f"{name}, no header", "", secret, body, False)
        yield Case(f"{name}, rubbish", "é, 😀, AAAA, ", secret, body, False)
    for secret in (*wrong, "whk_other", ""):
        yield Case(f"{name}, wrong secret", header, secret, body, False)


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_verifier_of_the_readme_is_right_about_every_delivery(language: str, cases: list[Case]) -> None:
    assert {case.genuine for case in cases} == {True, False}
    found = answers(language, cases)
    assert [case.name for case, answer in zip(cases, found, strict=True) if answer is not case.genuine] == []


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_verifier_is_short_and_compares_in_constant_time(language: str) -> None:
    code = verifier(language)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    assert re.search("compare_digest|timingSafeEqual|hash_equals", code)
