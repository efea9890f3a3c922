"""What is made up is plausible, and the same for the same seed, label and question."""

import subprocess
import sys

import pytest

from drsim.engine.makeup import LOCALES, MakeUp


def everything(makeup: MakeUp) -> list[object]:
    return [makeup.person("DE"), makeup.address("JP"), makeup.product(2), makeup.sku_id(), makeup.digits("x", 10)]


def test_the_same_seed_and_label_give_the_same_data() -> None:
    assert everything(MakeUp(7).labelled("order 1")) == everything(MakeUp(7).labelled("order 1"))


def test_the_order_of_questions_does_not_matter() -> None:
    makeup = MakeUp(7)
    first = makeup.person("US")
    makeup.address("US")
    assert makeup.person("US") == first


def test_another_seed_or_label_gives_other_data() -> None:
    assert MakeUp(7).sku_id() != MakeUp(8).sku_id()
    assert MakeUp(7).labelled("1").person() != MakeUp(7).labelled("2").person()


def test_another_process_makes_up_the_same() -> None:
    code = "from drsim.engine.makeup import MakeUp; print(MakeUp(7).person('FR').email, MakeUp(7).product())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == [MakeUp(7).person("FR").email, *MakeUp(7).product().split()]


def test_faker_is_not_loaded_before_somebody_is_made_up() -> None:
    code = "import sys; from drsim.engine.makeup import MakeUp; MakeUp(1).sku_id(); print('faker' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"


@pytest.mark.parametrize("country", [*LOCALES, "ZZ"])
def test_every_country_has_addresses_and_people(country: str) -> None:
    makeup = MakeUp(3)
    address, person = makeup.address(country), makeup.person(country)
    assert address["country"] == country
    assert all(address[key] and "\n" not in address[key] for key in ("line1", "city", "postalCode"))
    assert person.first_name
    assert person.last_name
    assert person.email.isascii()
    assert person.email.endswith("@example.com")


def test_an_address_in_the_united_states_has_a_state_and_its_zip_code() -> None:
    address = MakeUp(3).address("US")
    assert len(address["state"]) == 2
    assert len(address["postalCode"]) == 5


def test_numbers_stay_within_their_bounds() -> None:
    makeup = MakeUp(3)
    assert {makeup.number(f"n{each}", 1, 3) for each in range(50)} == {1, 2, 3}
    assert {len(makeup.digits(f"d{each}", 4)) for each in range(50)} == {4}
