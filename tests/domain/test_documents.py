"""Invoices and credit memos: when they come, how many, and what stands on them."""

import io
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from drsim.domain.clock import DAY, MINUTE, SECOND, Span
from drsim.domain.documents import CREDIT_MEMO, INVOICE, Document
from drsim.domain.files import made_files
from drsim.domain.outcome import Then
from drsim.domain.refund import AskedItem, Portion
from drsim.domain.values import replace
from drsim.render.pdf import latin, pdf
from drsim.render.statements import order_parts, statement
from tests.domain.builders import (
    START,
    Story,
    a_line,
    a_party,
    a_rule,
    a_source,
    an_order,
    an_order_of_2689,
    an_order_of_3781,
    an_order_of_3781_on_two_lines,
    some_shipping,
    with_delays,
)


def complete(story: Story | None = None) -> Story:
    story = story or Story(an_order_of_3781())
    story.fulfil(*(item.quantity for item in story.items))
    story.settle()
    return story


def text(story: Story, document: Document) -> str:
    """What a viewer finds on the pages of a document."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf(story.sale, document))).pages)


def test_an_invoice_comes_right_after_the_order_is_complete() -> None:
    story = complete()
    assert story.told[-2:] == ["order.complete", "order.invoice.created"]
    (invoice,) = story.order.documents
    assert (invoice.purpose, invoice.at, invoice.amount) == (INVOICE, START + 3 * SECOND, 3781)
    event = story.event("order.invoice.created")
    assert (event.document, event.at) == (invoice, invoice.at)


@pytest.mark.parametrize(("complete_after", "invoice_after"), [(DAY, SECOND), (SECOND, DAY), (0, 0), (MINUTE, 0)])
def test_it_does_so_whatever_the_delays_of_the_account(complete_after: Span, invoice_after: Span) -> None:
    account = with_delays(complete=complete_after, invoice=invoice_after)
    story = complete(Story(an_order_of_3781(), account=account))
    assert story.told[-2:] == ["order.complete", "order.invoice.created"]
    assert story.order.documents[0].at == START + 2 * SECOND + max(complete_after, invoice_after)


def test_a_partial_capture_brings_the_only_invoice_there_will_be() -> None:
    story = Story(an_order_of_3781())
    story.fulfil(1)
    story.advance(3 * SECOND - 1)
    assert "order.invoice.created" not in story.told
    story.advance(1)
    assert (story.order.state, story.order.documents[0].amount) == ("accepted", 1261)
    story.fulfil(2)
    story.settle()
    assert (story.order.state, story.told.count("order.invoice.created")) == ("complete", 1)
    assert story.order.documents[0].amount == 1261


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(Story(an_order_of_3781(), rules=(a_rule(),)), id="capture fails"),
        pytest.param(Story(an_order(ship_to=a_party("TW"))), id="sold in Taiwan"),
        pytest.param(Story(an_order(a_line(0, 2))), id="costs nothing"),
    ],
)
def test_no_invoice_without_a_capture_or_a_seller_that_writes_one(story: Story) -> None:
    complete(story)
    assert "order.invoice.created" not in story.told
    assert story.order.documents == ()


def test_a_cancelled_order_has_no_invoice() -> None:
    story = Story(an_order_of_3781())
    story.cancel(3)
    story.settle()
    assert (story.order.state, story.order.documents) == ("cancelled", ())


def test_a_capture_that_works_at_the_second_try_brings_the_invoice() -> None:
    account = replace(with_delays(), capture_retries=(MINUTE,))
    story = complete(Story(an_order_of_3781(), account=account, rules=(a_rule(times=1),)))
    assert story.told[-2:] == ["order.complete", "order.invoice.created"]


def test_every_refund_that_succeeds_has_a_credit_memo_of_its_own() -> None:
    story = complete()
    for percent in (25, 50):
        story.refund(percent=percent)
    story.settle()
    memos = [each for each in story.order.documents if each.purpose == CREDIT_MEMO]
    assert [(memo.refund_id, memo.amount) for memo in memos] == [
        (each.id, each.refunded) for each in story.sale.refunds
    ]
    assert story.told[-2:] == ["order.credit_memo.created", "order.credit_memo.created"]
    assert [event.document for event in story.events if event.document] == [*story.order.documents]


def test_a_refund_that_fails_has_none() -> None:
    story = complete(Story(an_order_of_3781(), rules=(a_rule("refund", Then("failed")),)))
    story.refund(percent=50)
    story.settle()
    assert story.told[-1] == "refund.failed"
    assert [each.purpose for each in story.order.documents] == [INVOICE]


def test_a_refund_to_a_bank_has_its_credit_memo_once_the_money_is_back() -> None:
    story = complete(Story(an_order(source=a_source("wireTransfer"))))
    refund = story.refund(percent=100)
    story.advance(MINUTE)
    assert [each.purpose for each in story.order.documents] == [INVOICE]
    story.inform(refund)
    story.advance(MINUTE)
    assert [each.purpose for each in story.order.documents] == [INVOICE, CREDIT_MEMO]


def test_files_are_made_once_and_named_apart() -> None:
    story = complete()
    before = story.order
    for percent in (10, 20):
        story.refund(percent=percent)
        story.settle()
    id = story.order.id
    assert [file.name for file in made_files(before, None)] == [f"invoice-{id}.pdf"]
    assert [file.name for file in made_files(story.order, before)] == [
        f"credit-memo-{id}.pdf",
        f"credit-memo-{id}-2.pdf",
    ]
    assert list(made_files(story.order, story.order)) == []


def test_an_invoice_states_the_order() -> None:
    story = complete(Story(an_order_of_3781_on_two_lines()))
    (invoice,) = story.order.documents
    found = text(story, invoice)
    for each in (
        "Invoice",
        invoice.id,
        "2022-07-01T17:56:01Z",
        story.order.id,
        "DR globalTech Inc.",
        "Chase Marshall",
        "1234 Any Road W",
        "Widget 1 20.00 8.025 % 1.61",
        "Widget 1 10.00 8.025 % 0.80",
        "Shipping 5.00 USD",
        "Tax 2.81 USD",
        "Total 37.81 USD",
        "Captured 37.81 USD",
    ):
        assert each in found


def test_a_credit_memo_states_the_refund() -> None:
    story = complete(Story(an_order_of_2689()))
    refund = story.refund(AskedItem(story.items[0].id, Portion(Decimal(100)), 1), reason="Broken")
    story.settle()
    found = text(story, story.order.documents[-1])
    for each in ("Credit memo", refund.id, "Broken", "Widget 10.00 0.76 0.00 10.76", "26.89 USD", "Refunded 10.76 USD"):
        assert each in found


def test_the_same_document_has_the_same_bytes_whatever_happens_to_the_order_later() -> None:
    story = complete()
    (invoice,) = story.order.documents
    before = pdf(story.sale, invoice)
    story.refund(percent=50)
    story.settle()
    assert pdf(story.sale, invoice) == before
    assert before.startswith(b"%PDF-")
    assert len(PdfReader(io.BytesIO(before)).pages) == 1


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Jürgen Weiß", "Jürgen Weiß"),
        ("Zo\u0065\u0308", "Zoë"),
        ("山田太郎", "ShanTianTaiLang"),
        ("Дмитрий", "Dmitriy"),
        ("5 €", "5 EUR"),
        ("a\nb\x00c", "a b c"),
        ("\ue000", "?"),
        ("", ""),
        ("x" * 500, "x" * 117 + "..."),
    ],
)
def test_every_script_is_shown_in_latin_letters(written: str, shown: str) -> None:
    assert latin(written) == shown


@given(name=st.text(max_size=300), reason=st.text(max_size=64), city=st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_no_name_breaks_a_page(name: str, reason: str, city: str) -> None:
    party = {"name": name, "address": {"city": city, "line1": 5, "country": "US"}, "organization": None}
    story = complete(Story(an_order(a_line(product={"name": name}), bill_to=party, email=name)))
    story.refund(percent=50, reason=reason)
    story.settle()
    for document in story.order.documents:
        assert len(PdfReader(io.BytesIO(pdf(story.sale, document))).pages) >= 1


def test_an_order_of_many_lines_takes_as_many_pages() -> None:
    story = complete(Story(an_order(*(a_line(product={"name": f"Thing {place}"}) for place in range(200)))))
    pages = PdfReader(io.BytesIO(pdf(story.sale, story.order.documents[0]))).pages
    found = "\n".join(page.extract_text() for page in pages)
    assert len(pages) > 1
    assert all(f"Thing {place} " in found for place in range(200))


lines = st.builds(
    a_line,
    price=st.integers(0, 100_000),
    quantity=st.integers(1, 5),
    tax_rate=st.sampled_from(["0", "0.08025", "0.19"]),
    duties=st.integers(0, 500),
    fees=st.integers(0, 500),
    importer_tax=st.integers(0, 500),
)


@given(lines=st.lists(lines, min_size=1, max_size=4), off=st.sampled_from([None, Decimal(10), Decimal(33)]))
def test_the_parts_of_an_invoice_add_up_to_its_total(lines: list[object], off: Decimal | None) -> None:
    story = Story(an_order(*lines, shipping=some_shipping(), percent_off=off))  # type: ignore[arg-type]
    *parts, (_, total) = order_parts(story.order)
    assert sum(units for _, units in parts) == total == story.order.totals.total


@given(lines=st.lists(lines, min_size=1, max_size=4), percent=st.integers(1, 100))
@settings(deadline=None)
def test_the_lines_of_a_credit_memo_add_up_to_what_was_refunded(lines: list[object], percent: int) -> None:
    story = complete(Story(an_order(*lines, shipping=some_shipping())))  # type: ignore[arg-type]
    story.refund(percent=percent)
    story.settle()
    memo = story.order.documents[-1]
    stated = statement(story.sale, memo)
    money = [[Decimal(each.replace(",", "")) for each in row[1:]] for row in stated.lines]
    assert all(sum(row[:-1]) == row[-1] for row in money)
    assert sum(row[-1] for row in money) * 100 == memo.amount == story.order.refunded
