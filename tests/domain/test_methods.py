import pytest

from drsim.domain.methods import METHODS, TEST_CARDS, TEST_NAMES, Trouble, read_card, trouble_by_name


@pytest.mark.parametrize(
    ("number", "brand", "last_four"),
    [
        ("4444 2222 3333 1111", "Visa", "1111"),
        ("5466 1600 0000 0008", "MasterCard", "0008"),
        ("2221 0000 0000 0009", "MasterCard", "0009"),
        ("3434 567890 12341", "American Express", "2341"),
        ("3034 567890 1235", "Diners Club", "1235"),
        ("6011 9876 9876 9876", "Discover", "9876"),
        ("3528 9876 9876 9879", "JCB", "9879"),
        ("6226 2200 0000 0009", "UnionPay", "0009"),
        ("5454-5454-5454-5454", "MasterCard", "5454"),
        ("4917610000000000", "Visa", "0000"),
    ],
)
def test_the_published_good_cards_bring_no_trouble(number: str, brand: str, last_four: str) -> None:
    card = read_card(number)
    assert (card.brand, card.last_four, card.trouble) == (brand, last_four, None)


@pytest.mark.parametrize(
    ("number", "trouble"),
    [
        ("4000 0000 0000 3295", Trouble("source", "fails")),
        ("4000 0000 0000 3600", Trouble("authorize", "fails")),
        ("4000 0000 0000 4103", Trouble("capture", "fails")),
        ("4000 0000 0000 4442", Trouble("cancel", "fails")),
        ("4000 0000 0000 4111", Trouble("refund", "fails")),
        ("4485 9517 8852 1565", Trouble("capture", "fails_later")),
        ("4556 6025 6424 0839", Trouble("refund", "fails_later")),
        ("4024 0071 2057 9635", Trouble("capture", "stuck")),
        ("4000 0000 0000 0028", Trouble("capture", "stuck")),
    ],
)
def test_each_published_test_card_brings_its_trouble(number: str, trouble: Trouble) -> None:
    assert read_card(number).trouble == trouble


def test_every_row_of_test_cards_can_be_read() -> None:
    assert [read_card(number).trouble for number in TEST_CARDS] == list(TEST_CARDS.values())


@pytest.mark.parametrize("number", ["", "1234", "4444 2222 3333 111x", "9999888877776666", "4" * 20, "\u0664" * 16])
def test_what_is_no_card_is_refused_without_repeating_it(number: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_card(number)
    assert not number or number not in str(caught.value)


@pytest.mark.parametrize(
    ("type", "name", "trouble"),
    [
        ("googlePay", "SourceFail", Trouble("source", "fails")),
        ("googlePay", "ChargeFail", Trouble("authorize", "fails")),
        ("googlePay", "CaptureFail", Trouble("capture", "fails")),
        ("googlePay", "CancelFail", Trouble("cancel", "fails")),
        ("googlePay", "RefundFail", Trouble("refund", "fails")),
        ("googlePay", "SCATest", None),
        ("googlePay", "SCATestFail", Trouble("authorize", "fails")),
        ("payPal", "SourceCreationFail", Trouble("source", "fails")),
        ("payPalBilling", "ChargeCreationFail", Trouble("authorize", "fails")),
        ("payPalCredit", "RefundFail", Trouble("refund", "fails")),
        ("klarnaCredit", "ChargeCreationFail", Trouble("authorize", "fails")),
        ("directDebit", "SourceFail", Trouble("source", "fails")),
        ("directDebit", "ChargeFail", Trouble("authorize", "fails")),
        ("directDebit", "ChargeFailedAfterPending", Trouble("authorize", "fails_later")),
        ("directDebit", "ChargeRemainPending", Trouble("authorize", "stuck")),
        ("directDebit", "RefundFailedAfterPending", Trouble("refund", "fails_later")),
        ("alipay", "authFail", Trouble("source", "fails")),
        ("alipay", "AuthFail", None),
        ("alipay", "refundFail", Trouble("refund", "fails")),
        ("wireTransfer", "SourceCreationFail", Trouble("source", "fails")),
        ("konbini", "SourceFailWithDelay", Trouble("source", "fails_later")),
        ("wireTransfer", "RefundFailWhileCreation", Trouble("refund", "fails")),
        ("konbini", "RefundFailAfterPaymentInfo", Trouble("refund", "fails_later")),
        ("creditCard", "CaptureFail", None),
        ("googlePay", "capturefail", None),
        ("payPal", "CaptureFail", None),
        ("googlePay", "Marshall", None),
    ],
)
def test_a_test_name_brings_its_trouble_only_with_its_own_methods(
    type: str, name: str, trouble: Trouble | None
) -> None:
    assert trouble_by_name(type, name) == trouble


def test_every_method_named_by_a_test_name_exists() -> None:
    assert {type for types, _, _ in TEST_NAMES for type in types} <= set(METHODS)


@pytest.mark.parametrize(
    ("type", "state"),
    [
        ("creditCard", "chargeable"),
        ("customerCredit", "chargeable"),
        ("payPal", "pending_redirect"),
        ("wireTransfer", "pending_funds"),
        ("konbini", "pending_funds"),
    ],
)
def test_a_source_starts_as_its_flow_says(type: str, state: str) -> None:
    assert METHODS[type].unpaid_state == state
