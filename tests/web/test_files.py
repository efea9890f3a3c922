"""`/files`, `/file-links` and `/links`: documents of orders, uploads, and addresses without a key."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from tests.harness import JSON, Client, Drsim, Receiver, eventually
from tests.web.conftest import Connect
from tests.web.worlds import line, order_now, refused, scenario

SOON = "2024-01-02T00:00:00Z"
CERTIFICATE = b"\x89PNG\r\n\x00exempt\xff"
PURPOSE = "tax_document_customer_upload"


@pytest.fixture
def anybody() -> Iterator[httpx.Client]:
    """Somebody without any key."""
    with httpx.Client(trust_env=False, verify=False, timeout=30) as client:
        yield client


def invoiced(client: Client, **spec: Any) -> JSON:
    """A complete order with its invoice."""
    order = client.order(**spec)
    client.ok(client.fulfill(order), 201)
    client.settle()
    return order_now(client, order)


def text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def upload(
    client: Client, content: bytes = CERTIFICATE, name: str = "certificate.png", **fields: str
) -> httpx.Response:
    return client.post("/files", files={"file": (name, content)}, data={"purpose": PURPOSE} | fields)


def link(client: Client, file: JSON, expires: str = SOON, **more: Any) -> JSON:
    body = {"fileId": file["id"], "expiresTime": expires, **more}
    made: JSON = client.ok(client.post("/file-links", json=body), 201)
    return made


# Documents of orders


def test_an_invoice_is_named_by_the_order_the_event_and_the_list_and_can_be_read(
    client: Client, receiver: Receiver
) -> None:
    client.webhook(receiver.url, "order.invoice.created")
    order = invoiced(client, customerId="517796760336")
    (named,) = order["invoicePDFs"]
    url = f"{client.http.base_url}/files/{named['id']}/content"
    assert named == {"id": named["id"], "url": url, "liveMode": False}
    keys = list(order)
    assert keys.index("availableToRefundAmount") < keys.index("invoicePDFs") < keys.index("checkoutId")
    assert "creditMemoPDFs" not in order
    (event,) = client.events(type="order.invoice.created")
    assert list(event) == ["id", "type", "data", "liveMode", "createdTime", "versionIds"]
    assert event["versionIds"] == []
    assert event["data"] == {
        "object": {
            "id": named["id"],
            "fileId": named["id"],
            "orderId": order["id"],
            "customerId": "517796760336",
            "purpose": "customer_invoice",
            "invoiceURL": url,
        }
    }
    assert [json.loads(each.body) for each in receiver.received] == [event]
    file = client.ok(client.get(f"/files/{named['id']}"))
    content = client.get(url)
    assert content.headers["content-type"] == "application/pdf"
    assert file == {
        "id": named["id"],
        "createdTime": "2024-01-01T00:00:03Z",
        "fileName": f"invoice-{order['id']}.pdf",
        "purpose": "customer_invoice",
        "title": "customer invoice",
        "size": len(content.content),
        "type": "pdf",
        "url": url,
        "liveMode": False,
    }
    del file["size"]  # nobody knows it before the document is made
    assert client.ok(client.get("/files")) == {"hasMore": False, "data": [file]}
    assert f"Total {order['totalAmount']:.2f} USD" in text(content.content)
    assert order["id"] in text(content.content)


def test_an_order_that_starts_complete_has_its_invoice(client: Client) -> None:
    given = scenario(client, given={"orders": [{"as": "o", "state": "complete", "items": [{"price": 1}]}]})
    (named,) = given["o"]["invoicePDFs"]
    assert client.get(f"/files/{named['id']}/content").content.startswith(b"%PDF-")


def test_an_order_made_complete_with_a_past_has_an_invoice_of_that_past(client: Client) -> None:
    order = client.order(state="complete", createdAgo="2d")
    (named,) = order["invoicePDFs"]
    assert client.ok(client.get(f"/files/{named['id']}"))["createdTime"] == "2023-12-30T00:00:03Z"


def test_every_refund_adds_a_credit_memo(client: Client) -> None:
    order = invoiced(client)
    for percent in (10, 20):
        body = {"orderId": order["id"], "currency": "USD", "percent": percent, "reason": f"{percent} % off"}
        client.ok(client.post("/refunds", json=body), 201)
        client.settle()
    memos = order_now(client, order)["creditMemoPDFs"]
    told = client.events(type="order.credit_memo.created")
    assert [each["id"] for each in memos] == [each["data"]["object"]["fileId"] for each in told]
    assert {each["data"]["object"]["purpose"] for each in told} == {"customer_credit_memo"}
    assert [f"{p} % off" in text(client.get(each["url"]).content) for p, each in zip((10, 20), memos, strict=True)] == [
        True,
        True,
    ]
    listed = client.ok(client.get("/files", params={"purpose": "customer_credit_memo"}))["data"]
    assert [each["id"] for each in listed] == [each["id"] for each in memos][::-1]


def test_the_same_seed_gives_the_same_document(drsim: Drsim, another: Connect) -> None:
    contents = []
    for _ in range(2):
        client = another("same_document")
        client.ok(client.post("/_sim/reset"))
        order = invoiced(client)
        contents.append(client.get(order["invoicePDFs"][0]["url"]).content)
    assert contents[0] == contents[1]


def test_names_in_any_script_are_on_the_invoice(client: Client) -> None:
    party = {"name": "山田太郎", "address": {"line1": "ул. Мира 5", "city": "Köln", "country": "JP"}}
    order = invoiced(client, billTo=party, items=[{"name": "Ωmega ☃ \U0001f600 5 €", "price": 10, "quantity": 3}])
    found = text(client.get(order["invoicePDFs"][0]["url"]).content)
    assert "ShanTianTaiLang" in found
    assert "ul. Mira 5" in found
    assert "Köln" in found
    assert "5 EUR" in found


def test_a_copied_order_keeps_its_documents(client: Client, another: Connect) -> None:
    order = invoiced(client)
    client.ok(client.post("/refunds", json={"orderId": order["id"], "currency": "USD", "percent": 50}), 201)
    client.settle()
    order = order_now(client, order)
    other = another("copied_documents")
    other.ok(other.post("/_sim/reset"))
    copied = other.ok(other.post("/_sim/orders", json={"resource": order}), 201)
    for key in ("invoicePDFs", "creditMemoPDFs"):
        assert copied[key] == order[key]
        assert order["id"] in text(other.get(copied[key][0]["url"]).content)
    client.ok(client.post("/_sim/reset"))
    refused(other.post("/_sim/orders", json={"resource": {**order, "id": "1"}}), 409, "already_exists", "id")


def test_documents_outlive_a_killed_server(tmp_path: Any) -> None:
    options = ("--db", str(tmp_path / "state.db"), "--clock", "manual", "--seed", "1")
    with Drsim(*options) as server:
        client = server.client("db")
        order = invoiced(client)
        half = client.order()
        client.ok(client.fulfill(half, line(half, 1)), 201)
        made = client.ok(upload(client, linkExpiresTime=SOON), 201)
        content = client.get(order["invoicePDFs"][0]["url"]).content
        server.kill()
    with Drsim(*options) as server:
        client = server.client("db")
        assert client.get(f"/files/{order['invoicePDFs'][0]['id']}/content").content == content
        assert client.get(f"/files/{made['id']}/content").content == CERTIFICATE
        assert client.ok(client.get(f"/files/{made['id']}"))["links"][0]["url"].startswith(server.url)
        client.settle()
        assert len(order_now(client, half)["invoicePDFs"]) == 1  # planned before the kill


def test_the_public_address_can_be_said(another: Connect) -> None:
    with Drsim("--clock", "manual", "--public-url", "https://drsim.example/") as server:
        client = another(server=server)
        order = invoiced(client)
        id = order["invoicePDFs"][0]["id"]
        assert order["invoicePDFs"][0]["url"] == f"https://drsim.example/files/{id}/content"
        told = client.events(type="order.invoice.created")[-1]
        assert told["data"]["object"]["invoiceURL"] == f"https://drsim.example/files/{id}/content"
        assert client.ok(client.get(f"/files/{id}"))["url"] == f"{server.url}/files/{id}/content"


def test_an_account_says_how_long_documents_take(client: Client) -> None:
    scenario(client, account={"delays": {"invoice": "1h", "creditMemo": "1d"}})
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.settle()
    client.ok(client.post("/refunds", json={"orderId": order["id"], "currency": "USD", "percent": 1}), 201)
    client.settle()
    times = {each["type"]: each["createdTime"] for each in client.events()}
    assert times["order.invoice.created"] == "2024-01-01T01:00:02Z"
    assert times["order.credit_memo.created"] == "2024-01-02T01:00:05Z"


# Keys


@pytest.mark.parametrize("path", ["/files/{id}", "/files/{id}/content"])
def test_files_take_the_secret_key(drsim: Drsim, client: Client, anybody: httpx.Client, path: str) -> None:
    id = invoiced(client)["invoicePDFs"][0]["id"]
    for headers in ({}, {"Authorization": client.http.headers["authorization"].replace("sk_", "pk_")}):
        answer = anybody.get(f"{drsim.url}{path.format(id=id)}", headers=headers)
        assert answer.status_code == 401
        assert answer.json() == {
            "type": "unauthorized",
            "errors": [{"message": "An authorization error has occurred."}],
        }


def test_another_sandbox_has_other_files(client: Client, another: Connect) -> None:
    id = invoiced(client)["invoicePDFs"][0]["id"]
    other = another("no_files")
    refused(other.get(f"/files/{id}"), 404, "not_found", "id")
    refused(other.get(f"/files/{id}/content"), 404, "not_found", "id")
    refused(other.post("/file-links", json={"fileId": id, "expiresTime": SOON}), 404, "not_found", "fileId")


# Uploads


def test_a_file_is_uploaded_and_comes_back_as_it_was(client: Client) -> None:
    made = client.ok(upload(client, title="My 2019 Tax Certificate."), 201)
    url = f"{client.http.base_url}/files/{made['id']}/content"
    assert made == {
        "id": made["id"],
        "createdTime": "2024-01-01T00:00:00Z",
        "fileName": "certificate.png",
        "purpose": PURPOSE,
        "title": "My 2019 Tax Certificate.",
        "size": len(CERTIFICATE),
        "type": "png",
        "url": url,
        "liveMode": False,
    }
    assert client.ok(client.get(f"/files/{made['id']}")) == made
    assert client.ok(client.get("/files"))["data"] == [made]
    answer = client.get(url)
    assert (answer.content, answer.headers["content-type"]) == (CERTIFICATE, "image/png")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''certificate.png"


def test_a_page_that_was_uploaded_is_never_one_of_this_server(client: Client) -> None:
    made = client.ok(upload(client, b"<script>1</script>", "page.html"), 201)
    answer = client.get(made["url"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("sent", "fields", "name", "type"),
    [
        ("a.PDF", {}, "a.PDF", "pdf"),
        ("a.png", {"fileName": "b.jpg"}, "b.jpg", "jpg"),
        ("C:\\docs\\a.png", {}, "a.png", "png"),
        ("../../a.png", {}, "a.png", "png"),
        ("noending", {}, "noending", "bin"),
        ("Bescheinigung für 山.pdf", {}, "Bescheinigung für 山.pdf", "pdf"),
    ],
)
def test_the_name_is_that_of_the_part_unless_it_is_given(
    client: Client, sent: str, fields: dict[str, str], name: str, type: str
) -> None:
    made = client.ok(upload(client, CERTIFICATE, sent, **fields), 201)
    assert (made["fileName"], made["type"]) == (name, type)
    assert client.get(made["url"]).content == CERTIFICATE


def test_a_file_may_be_sent_as_base64(client: Client) -> None:
    body = {"file": base64.b64encode(CERTIFICATE * 100_000).decode(), "purpose": PURPOSE, "fileName": "a.png"}
    made = client.ok(client.post("/files", json=body), 201)
    assert made["size"] == len(CERTIFICATE) * 100_000
    assert client.get(made["url"]).content == CERTIFICATE * 100_000
    log = client.ok(client.get("/_sim/requests"))["data"]
    assert [each["requestBody"]["file"] for each in log if each["method"] == "POST"] == [
        f"{len(body['file'])} characters"
    ]


def test_an_upload_may_be_linked_at_once(client: Client, anybody: httpx.Client) -> None:
    made = client.ok(upload(client, linkExpiresTime=SOON), 201)
    (linked,) = made["links"]
    assert list(linked) == ["id", "createdTime", "expired", "expiresTime", "url", "liveMode"]
    assert anybody.get(linked["url"]).content == CERTIFICATE


@pytest.mark.parametrize(
    ("body", "code", "parameter"),
    [
        ({}, "missing_parameter", "purpose"),
        ({"purpose": "x"}, "missing_parameter", "file"),
        ({"purpose": "x", "file": ""}, "missing_parameter", "file"),
        ({"purpose": "x", "file": "AAAA"}, "missing_parameter", "fileName"),
        ({"purpose": "", "file": "AAAA", "fileName": "a"}, "missing_parameter", "purpose"),
        ({"purpose": "x", "file": "no base64!", "fileName": "a"}, "invalid_parameter", "file"),
        ({"purpose": "x", "file": "ü", "fileName": "a"}, "invalid_parameter", "file"),
        ({"purpose": "x", "file": 5, "fileName": "a"}, None, "file"),
        ({"purpose": "x", "file": {}, "fileName": "a"}, "invalid_parameter", "file"),
        ({"purpose": "x" * 65, "file": "AAAA", "fileName": "a"}, "invalid_parameter", "purpose"),
        ({"purpose": True, "file": "AAAA", "fileName": "a"}, "invalid_parameter", "purpose"),
        ({"purpose": "x", "file": "AAAA", "fileName": "a/b"}, "invalid_parameter", "fileName"),
        ({"purpose": "x", "file": "AAAA", "fileName": ".."}, "invalid_parameter", "fileName"),
        ({"purpose": "x", "file": "AAAA", "fileName": "a\nb"}, "invalid_parameter", "fileName"),
        ({"purpose": "x", "file": "AAAA", "fileName": "a", "title": []}, "invalid_parameter", "title"),
        ({"purpose": "x", "file": "AAAA", "fileName": "a", "color": "x"}, "unknown_parameter", "color"),
        ({"purpose": "x", "file": "AAAA", "fileName": "a", "linkExpiresTime": "soon"}, "invalid_parameter", None),
        (
            {"purpose": "x", "file": "AAAA", "fileName": "a", "linkExpiresTime": "2020-01-01T00:00:00Z"},
            "invalid_parameter",
            "linkExpiresTime",
        ),
    ],
)
def test_uploads_that_do_not_fit_are_refused(client: Client, body: JSON, code: str | None, parameter: str) -> None:
    refused(client.post("/files", json=body), 400, code, parameter)
    assert client.ok(client.get("/files"))["data"] == []
    assert client.ok(client.get("/file-links"))["data"] == []


def test_forms_that_do_not_fit_are_refused(client: Client) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    for headers, body in (
        ({"Content-Type": "multipart/form-data"}, b"--b--"),
        (form, b"nothing of the sort"),
        (form, b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut off'),
        (form, b"--b\r\nNo-Disposition: x\r\n\r\n1\r\n--b--\r\n"),
        ({"Content-Type": "text/plain"}, b"x"),
        ({"Content-Type": "application/json"}, b"[]"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"purpose=x"),
    ):
        answer = client.post("/files", headers=headers, content=body)
        assert answer.status_code == 400, (body, answer.text)
        assert len(answer.json()["errors"]) == 1
    refused(client.post("/files", data={"purpose": "x"}, files={"other": ("a", b"1")}), 400, "unknown_parameter")
    two = [("file", ("a", b"1")), ("file", ("b", b"2"))]
    refused(client.post("/files", data={"purpose": "x"}, files=two), 400, "invalid_format")
    refused(upload(client, b""), 400, "invalid_empty", "file")
    refused(client.post("/files", data={"purpose": "x" * 20_000}, files={"file": ("a", b"1")}), 400)
    refused(upload(client, color="red"), 400, "unknown_parameter", "color")
    assert client.ok(client.get("/files"))["data"] == []


def test_no_file_may_have_more_than_ten_mebibytes(client: Client) -> None:
    largest = b"x" * (10 << 20)
    assert client.ok(upload(client, largest), 201)["size"] == len(largest)
    refused(upload(client, largest + b"x"), 400, "invalid_parameter", "file")
    refused(upload(client, largest * 2), 400, "invalid_format")
    assert len(client.ok(client.get("/files"))["data"]) == 1


def test_files_are_listed_by_what_they_are(client: Client) -> None:
    names = ["a.png", "b.pdf", "c.png"]
    ids = [client.ok(upload(client, b"x" * (place + 1), name), 201)["id"] for place, name in enumerate(names)]
    client.advance("1h")
    ids.append(client.ok(upload(client, b"xxxx", "d.txt", title="The last"), 201)["id"])

    def found(**params: Any) -> list[int]:
        return [ids.index(each["id"]) for each in client.ok(client.get("/files", params=params))["data"]]

    assert found() == [3, 2, 1, 0]
    assert found(type="png") == [2, 0]
    assert found(fileName="b.pdf") == [1]
    assert found(title="The last") == [3]
    assert found(purpose="other") == []
    assert found(**{"size[gte]": 2, "size[lt]": 4}) == [2, 1]
    assert found(**{"createdTime[gt]": "2024-01-01T00:00:00Z"}) == [3]
    assert found(ids=f"{ids[0]},{ids[2]}") == [2, 0]
    assert found(limit=2, startingAfter=ids[2]) == [1, 0]
    refused(client.get("/files", params={"size": "big"}), 400, "invalid_parameter", "size")


def test_a_deleted_file_is_gone_with_its_links(client: Client, anybody: httpx.Client) -> None:
    order = invoiced(client)
    (named,) = order["invoicePDFs"]
    made = link(client, named)
    assert client.delete(f"/files/{named['id']}").status_code == 204
    for path in (f"/files/{named['id']}", f"/files/{named['id']}/content", f"/file-links/{made['id']}"):
        refused(client.get(path), 404, "not_found", "id")
    refused(anybody.get(made["url"]), 404, "not_found", "id")
    refused(client.delete(f"/files/{named['id']}"), 404, "not_found", "id")
    assert {key: each for key, each in order.items() if key != "invoicePDFs"} == order_now(client, order)
    uploaded = client.ok(upload(client), 201)
    client.delete(f"/files/{uploaded['id']}")
    assert client.ok(client.get("/files"))["data"] == []


# Links


def test_a_link_needs_no_key_until_it_expires(client: Client, anybody: httpx.Client) -> None:
    (named,) = invoiced(client)["invoicePDFs"]
    client.advance("21ms")
    made = link(client, named, metadata={"for": "Chase"})
    assert made == {
        "id": made["id"],
        "createdTime": "2024-01-01T00:00:03.021Z",
        "expired": False,
        "expiresTime": SOON,
        "fileId": named["id"],
        "metadata": {"for": "Chase"},
        "url": f"{client.http.base_url}/links/{made['id']}",
        "liveMode": False,
    }
    content = client.get(named["url"]).content
    for headers in ({}, {"Accept": "application/pdf"}, {"Authorization": "Bearer nonsense"}):
        answer = anybody.get(made["url"], headers=headers)
        assert (answer.status_code, answer.content) == (200, content)
    assert anybody.head(made["url"]).status_code == 200
    client.ok(client.post("/_sim/clock/advance", json={"to": "2024-01-01T23:59:59.999Z"}))
    assert anybody.get(made["url"]).status_code == 200
    client.advance("1ms")
    told = refused(anybody.get(made["url"]), 404, "not_found", "id")
    assert told["message"] == f"FileLink '{made['id']}' has expired."
    assert client.ok(client.get(f"/file-links/{made['id']}")) == {**made, "expired": True}
    assert client.ok(client.get(f"/files/{named['id']}"))["links"][0]["expired"] is True
    update = client.post(f"/file-links/{made['id']}", json={"expiresTime": "2030-01-01T00:00:00Z"})
    refused(update, 409, "restricted_update")


def test_a_link_begins_with_where_its_maker_has_reached_the_server(client: Client) -> None:
    (named,) = invoiced(client)["invoicePDFs"]
    body = {"fileId": named["id"], "expiresTime": SOON}
    made = client.ok(client.post("/file-links", json=body, headers={"Host": "drsim.test:81"}), 201)
    assert made["url"] == f"http://drsim.test:81/links/{made['id']}"


def test_links_of_two_sandboxes_with_the_same_seed_lead_to_their_own_files(
    another: Connect, anybody: httpx.Client
) -> None:
    urls = []
    for name in ("twin_a", "twin_b"):
        client = another(name)
        client.ok(client.post("/_sim/reset"))
        scenario(client, seed=5)
        made = client.ok(upload(client, name.encode(), linkExpiresTime="2030-01-01T00:00:00Z"), 201)
        urls.append(made["links"][0]["url"])
    assert [anybody.get(url).content for url in urls] == [b"twin_a", b"twin_b"]


def test_a_link_that_does_not_exist_is_404_and_makes_no_sandbox(drsim: Drsim, anybody: httpx.Client) -> None:
    for path in ("/links/none", "/links/%00", "/links/" + "x" * 5_000):
        refused(anybody.get(drsim.url + path), 404, "not_found")
    assert anybody.post(drsim.url + "/links/none").status_code == 404
    assert anybody.get(drsim.url + "/links/").status_code == 401
    assert anybody.get(drsim.url + "/links/a/b").status_code == 401


def test_a_link_does_not_open_anything_else(client: Client, anybody: httpx.Client) -> None:
    made = link(client, invoiced(client)["invoicePDFs"][0])
    assert anybody.delete(made["url"]).status_code == 403
    assert anybody.post(made["url"]).status_code == 403
    assert anybody.get(made["url"] + "/content").status_code == 401


def test_links_are_changed_listed_and_deleted(client: Client, anybody: httpx.Client) -> None:
    file = client.ok(upload(client), 201)
    other = client.ok(upload(client), 201)
    first = link(client, file, "2024-01-01T01:00:00Z")
    second = link(client, file)
    third = link(client, other)

    def found(**params: Any) -> list[str]:
        return [each["id"] for each in client.ok(client.get("/file-links", params=params))["data"]]

    assert found() == [third["id"], second["id"], first["id"]]
    assert found(fileId=file["id"]) == [second["id"], first["id"]]
    client.advance("2h")
    assert found(expired="true") == [first["id"]]
    assert found(expired="false") == [third["id"], second["id"]]
    assert found(expired="false", fileId=other["id"]) == [third["id"]]
    refused(client.get("/file-links", params={"expired": "maybe"}), 400, "invalid_boolean", "expired")
    changes = {"expiresTime": "2024-03-01T00:00:00.5Z", "metadata": {"a": 1}}
    changed = client.ok(client.post(f"/file-links/{second['id']}", json=changes))
    assert changed == {**second, **changes} == client.ok(client.get(f"/file-links/{second['id']}"))
    again = client.ok(client.post(f"/file-links/{second['id']}", json={"metadata": {"b": "x", "a": ""}}))
    assert again["metadata"] == {"b": "x"}
    assert client.delete(f"/file-links/{second['id']}").status_code == 204
    refused(client.delete(f"/file-links/{second['id']}"), 404, "not_found", "id")
    assert anybody.get(second["url"]).status_code == 404
    assert found() == [third["id"], first["id"]]


@pytest.mark.parametrize(
    ("body", "code", "parameter"),
    [
        ({}, "missing_parameter", "fileId"),
        ({"fileId": "1"}, "missing_parameter", "expiresTime"),
        ({"fileId": "", "expiresTime": SOON}, "missing_parameter", "fileId"),
        ({"fileId": None, "expiresTime": None}, "missing_parameter", "fileId"),
        ({"fileId": "1", "expiresTime": "tomorrow"}, "invalid_parameter", "expiresTime"),
        ({"fileId": "1", "expiresTime": 5}, "invalid_parameter", "expiresTime"),
        ({"fileId": "1", "expiresTime": "2024-02-30T00:00:00Z"}, "invalid_parameter", "expiresTime"),
        ({"fileId": [], "expiresTime": SOON}, "invalid_parameter", "fileId"),
        ({"fileId": "1", "expiresTime": SOON, "url": "x"}, "unknown_parameter", "url"),
        ({"fileId": "1", "expiresTime": SOON, "metadata": 5}, "invalid_parameter", "metadata"),
        ({"fileId": "1", "expiresTime": SOON, "metadata": {"x" * 41: 1}}, "invalid_metadata_key", None),
    ],
)
def test_links_that_do_not_fit_are_refused(client: Client, body: JSON, code: str, parameter: str | None) -> None:
    refused(client.post("/file-links", json=body), 400, code, parameter)


def test_a_link_is_to_a_file_that_exists_and_into_the_future(client: Client) -> None:
    answer = client.post("/file-links", json={"fileId": 5, "expiresTime": SOON})
    assert refused(answer, 404, "not_found", "fileId")["message"] == "File '5' not found."
    file = client.ok(upload(client), 201)
    for late in ("2024-01-01T00:00:00Z", "1970-01-01T00:00:00Z"):
        body = {"fileId": file["id"], "expiresTime": late}
        refused(client.post("/file-links", json=body), 400, "invalid_parameter", "expiresTime")
    made = link(client, file)
    update = client.post(f"/file-links/{made['id']}", json={"expiresTime": "2023-01-01T00:00:00Z"})
    refused(update, 400, "invalid_parameter", "expiresTime")
    assert client.ok(client.post(f"/file-links/{made['id']}", json={})) == made


def test_the_log_keeps_neither_files_nor_documents(client: Client, anybody: httpx.Client) -> None:
    order = invoiced(client)
    client.get(order["invoicePDFs"][0]["url"])
    made = client.ok(upload(client, linkExpiresTime=SOON), 201)
    anybody.get(made["links"][0]["url"])
    log = {f"{each['method']} {each['path']}": each for each in client.ok(client.get("/_sim/requests"))["data"]}
    assert log["POST /files"]["requestBody"] == {
        "fileName": "certificate.png",
        "purpose": PURPOSE,
        "linkExpiresTime": SOON,
        "file": f"{len(CERTIFICATE)} bytes",
    }
    document = log[f"GET /files/{order['invoicePDFs'][0]['id']}/content"]
    assert document["responseBody"]["info"].endswith(" bytes of application/pdf")
    assert document["orderId"] == order["id"]
    assert log[f"GET /links/{made['links'][0]['id']}"]["responseBody"] == {
        "info": f"{len(CERTIFICATE)} bytes of image/png"
    }


def test_an_invoice_comes_by_itself_where_time_runs(receiver: Receiver) -> None:
    with Drsim("--clock", "x100") as server:
        client = server.client("runs")
        client.webhook(receiver.url, "order.invoice.created")
        client.ok(client.fulfill(client.order()), 201)
        eventually(lambda: receiver.received)
        told = json.loads(receiver.received[0].body)["data"]["object"]
        assert client.get(told["invoiceURL"]).content.startswith(b"%PDF-")
