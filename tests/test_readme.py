"""The documentation is true: its commands run, its lists are complete, its examples load."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from drsim import cli
from drsim.domain.account import Account
from drsim.domain.clock import format_span
from drsim.format.catalog import CustomerModel, SkuModel, TaxCertificateModel
from drsim.format.faults import FaultModel, FaultThenModel, FaultWhenModel
from drsim.format.load import read
from drsim.format.models import AccountModel, DelaysModel, OAuthModel, OrderModel, WebhookModel
from drsim.web.app import routes
from drsim.web.front import HEALTH
from tests.harness import Client, Drsim

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}


def commands() -> list[str]:
    """The README's shell blocks."""
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]


def test_the_ci_calls_the_very_test_command_of_the_readme() -> None:
    test = next(each for each in commands() if "pytest" in each)
    assert test in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_demo_plays_its_whole_story_and_exits_with_0() -> None:
    done = subprocess.run([sys.executable, "-m", "drsim.cli", "demo"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    for told in (
        "25.21 complete",
        "12.6 complete",
        "409 Resource",
        "Failed to operate on charge",
        "Visa ending in 4103",
    ):
        assert told in done.stdout
    assert done.stdout.count("signature verified") == done.stdout.count(" delivery ") > 8
    assert "SIGNATURE WRONG" not in done.stdout


def test_every_control_route_is_documented_and_every_documented_one_exists() -> None:
    documented = set(re.findall(r"/_sim/[\w/{}-]+(?:\.json)?", DOCS["control.md"]))
    existing = {route.path for route in routes() if route.path.startswith("/_sim/")} | {HEALTH}
    assert documented == existing


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    suite = (ROOT / "scenarios", (ROOT / "scenarios" / "README.md").read_text())
    for folder, text in ((ROOT, README), suite, *((ROOT / "docs", text) for text in DOCS.values())):
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert target.startswith("http") or (folder / target).exists(), target


def test_every_key_of_an_order_a_webhook_and_an_account_is_documented() -> None:
    for model in (OrderModel, WebhookModel, AccountModel):
        for name, field in model.model_fields.items():
            assert f"`{field.alias or name}`" in DOCS["worlds.md"], name


def test_every_key_of_a_customer_and_a_sku_is_documented() -> None:
    for title, models in (("customers", (CustomerModel, TaxCertificateModel)), ("skus", (SkuModel,))):
        section = DOCS["worlds.md"].partition(f"## given.{title}[]")[2].partition("\n## ")[0]
        for model in models:
            for name, field in model.model_fields.items():
                assert re.search(rf"\b{field.alias or name}\b", section), name


def test_every_setting_of_a_webhook_is_documented() -> None:
    for model in (WebhookModel, OAuthModel):
        for name, field in model.model_fields.items():
            assert re.search(rf"\b{field.alias or name}\b", DOCS["worlds.md"]), name


def test_every_key_of_a_fault_is_documented_and_the_examples_load() -> None:
    _, _, text = DOCS["worlds.md"].partition("## faults[]")
    for model in (FaultWhenModel, FaultThenModel, FaultModel):
        for name, field in model.model_fields.items():
            assert f"`{field.alias or name}" in text, name
    example = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]
    assert len(read(f"scenario: the example\nfaults:\n{example}", "worlds.md").faults) == 2


def test_the_documented_delays_are_the_usual_ones() -> None:
    delays = Account().delays
    fields = DelaysModel.model_fields.items()
    spans = ", ".join(f"{field.alias or name}: {format_span(getattr(delays, name))}" for name, field in fields)
    assert f"`{spans}`" in DOCS["worlds.md"]


def test_every_option_of_serve_can_be_set_by_its_environment_variable() -> None:
    values = {"PORT": "1", "CLOCK": "x2", "SEED": "7", "WEBHOOK": "http://x", "QUIET": "1", "API_KEY": "a,b"}
    values |= {name: name.lower() for name in ("HOST", "DB", "WEBHOOK_TOKEN", "CONTROL_TOKEN")} | {"SCENARIO": "s.yaml"}
    values |= {
        "WEBHOOK_HOST": "a.example,*.b.example",
        "WEBHOOK_CA": "ca.pem",
        "WEBHOOK_INSECURE": "1",
        "PUBLIC_URL": "http://y",
    }
    parser = cli.build_parser({f"DRSIM_{name}": text for name, text in values.items()})
    chosen = vars(parser.parse_args(["serve"]))
    usual = vars(cli.build_parser({}).parse_args(["serve"]))
    assert {name.upper() for name in usual if name != "command"} == set(values)
    assert [name for name in usual if name != "command" and chosen[name] == usual[name]] == []


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").rglob("*.yaml")), ids=lambda path: path.name)
def test_every_scenario_that_ships_loads(path: Path) -> None:
    assert read(path.read_text(), path.name, {}, lambda name: (path.parent / name).read_text()).name


def test_a_server_starts_with_a_scenario_and_says_so() -> None:
    path = ROOT / "scenarios" / "start" / "failing-capture.yaml"
    with Drsim("--clock", "manual", "--scenario", str(path)) as server:
        client = server.client()
        orders = client.ok(client.get("/orders"))["data"]
        assert {order["upstreamId"] for order in orders} == {"failing-capture", "slow-capture"}
        failing = next(order for order in orders if order["upstreamId"] == "failing-capture")
        client.ok(client.fulfill(failing), 201)
        client.advance("3s")
        assert "order.charge.capture.failed" in client.event_types(orderId=failing["id"])
        code, told, errors = server.stop()
    assert (code, errors) == (0, "")
    assert "A capture that fails" in told


def test_what_is_wrong_with_a_scenario_is_told_with_its_place_and_exit_code_2(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("scenario: x\ngiven:\n  orders:\n    - itms: []\nbehaviour: []\n")
    command = [sys.executable, "-m", "drsim.cli", "serve", "--port", "0", "--scenario", str(wrong)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{wrong}:4:7: found the unknown key 'itms'" in done.stderr
    assert "did you mean 'items'?" in done.stderr
    assert f"{wrong}:5:1: found the unknown key 'behaviour'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_and_a_missing_file_are_told_in_words(drsim: Drsim) -> None:
    port = drsim.url.rpartition(":")[2]
    for options, code in ((["--port", port], 3), (["--port", "0", "--scenario", "no.yaml"], 2), (["--clock", "x0"], 2)):
        command = [sys.executable, "-m", "drsim.cli", "serve", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == code
        assert "drsim" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["run", str(ROOT / "scenarios")]])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--webhook-host", "http://shop"], "is not a host"),
        (["--webhook-host", "127.1"], "is not a host"),
        (["--webhook-ca", "nowhere.pem"], "cannot read certificates from nowhere.pem: No such file or directory"),
        (["--webhook-ca", str(ROOT / "README.md")], "cannot read certificates from"),
        (["--webhook", "http://0x7f000001/"], "is not an address"),
    ],
)
def test_a_network_that_cannot_be_is_told_when_it_is_named(command: list[str], options: list[str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "drsim.cli", *command, *options], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_waiting_for_a_server_ends_when_it_answers_or_when_time_is_up(drsim: Drsim) -> None:
    for url, code in ((drsim.url, 0), ("http://127.0.0.1:1", 3)):
        command = [sys.executable, "-m", "drsim.cli", "wait", "--url", url, "--timeout", "500ms"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == code
        assert "Traceback" not in done.stderr


def test_the_catalog_has_an_order_for_each_way_to_fail_and_each_does_what_its_name_says() -> None:
    with Drsim("--clock", "manual", "--seed", "1") as server:
        client = server.client()
        names = [order["upstreamId"] for order in client.ok(client.get("/orders?limit=100"))["data"]]
        assert names[0] == "all-goes-well"
        for name, expected in (
            ("capture-fails", "failed"),
            ("capture-stays-pending", "pending"),
            ("all-goes-well", "complete"),
        ):
            assert outcome(client, name) == expected


def outcome(client: Client, upstream_id: str) -> str:
    """Fulfils a catalog order and says what became of its capture."""
    order = client.ok(client.get("/orders", params={"upstreamIds": upstream_id}))["data"][0]
    client.ok(client.fulfill(order), 201)
    client.settle()
    charge = client.ok(client.get(f"/charges/{order['payment']['charges'][0]['id']}"))
    state: str = charge["captures"][0]["state"]
    return state
