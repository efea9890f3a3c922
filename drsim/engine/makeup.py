"""Making up what a specification leaves out: people, addresses, products, ids that are plausible for a country.

Everything is a function of the sandbox's seed, a label (such as the number of the order) and what is asked for: the
same question has the same answer in every run, whatever was asked before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar
from unicodedata import normalize

if TYPE_CHECKING:
    from faker import Faker

    from drsim.engine.sandbox import Sandbox

_T = TypeVar("_T")

HOME = "US"
"""Where people live when nothing says otherwise."""

_LOCALES = (
    "en_US de_AT en_AU nl_BE bg_BG pt_BR en_CA de_CH zh_CN cs_CZ de_DE da_DK et_EE es_ES fi_FI fr_FR en_GB el_GR hr_HR"
    " hu_HU en_IE en_IN it_IT ja_JP ko_KR lt_LT lv_LV es_MX nl_NL no_NO en_NZ pl_PL pt_PT ro_RO sv_SE sl_SI sk_SK th_TH"
    " tr_TR zh_TW"
).split()

LOCALES: Mapping[str, str] = {locale[3:]: locale for locale in _LOCALES}
"""The locale of each country that has people and addresses of its own; others borrow those of the United States."""

_REGIONS = {"AU": "state_abbr", "BR": "state_abbr", "CA": "province_abbr", "JP": "prefecture"}
"""Countries besides the United States whose addresses need a region, and what makes one up."""

_MADE = "Canvas Steel Walnut Linen Ceramic Copper Leather Cotton Bamboo Granite Woollen Cork".split()
_FOR = "Travel Garden Kitchen Desk Trail Studio Harbor Winter Weekend City Camp Workshop".split()
_THINGS = "Backpack Lamp Kettle Notebook Blanket Chair Bottle Speaker Jacket Basket Clock Toolbox".split()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who buys things, with an email address that belongs to nobody."""

    first_name: str
    last_name: str
    email: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


class MakeUp:
    """Makes up data from a seed and a label. Faker is loaded at the first question that needs it."""

    def __init__(self, seed: int, label: str = "", generators: "dict[str, Faker] | None" = None) -> None:
        self._seed = seed
        self._label = label
        # Made once per locale and seeded anew for each question; shared by all labels of one seed.
        self._generators: dict[str, Faker] = {} if generators is None else generators

    def labelled(self, label: str) -> "MakeUp":
        """The same seed with other answers: those for `label`."""
        return MakeUp(self._seed, label, self._generators)

    def person(self, country: str = HOME) -> Person:
        """A person with a name as it is usual in this country."""
        generator = self._generator(country, "person")
        first, last = generator.first_name(), generator.last_name()
        return Person(first, last, f"{_ascii(f'{first}.{last}') or 'shopper'}.{self.digits('email', 4)}@example.com")

    def address(self, country: str = HOME, what: str = "address") -> dict[str, Any]:
        """An address in this country as resources show it; `what` tells several addresses of one label apart."""
        generator = self._generator(country, what)
        lines = generator.street_address().split("\n")
        region = self._region(generator, country)
        address = {
            "line1": lines[0],
            "line2": ", ".join(lines[1:]),
            "city": generator.city(),
            "postalCode": generator.zipcode_in_state(region) if country == "US" else generator.postcode(),
            "state": region,
            "country": country,
        }
        return {key: value for key, value in address.items() if value}

    @staticmethod
    def _region(generator: "Faker", country: str) -> str | None:
        if country == "US":
            return generator.state_abbr(include_territories=False, include_freely_associated_states=False)
        name = _REGIONS.get(country)
        return getattr(generator, name)() if name else None

    def product(self, index: int = 0) -> str:
        """The name of a product, such as `Canvas Travel Backpack`."""
        return " ".join(self.choice(f"product {index} {each[0]}", each) for each in (_MADE, _FOR, _THINGS))

    def sku_id(self, index: int = 0) -> str:
        """The id of a product, in the form that merchants often use."""
        digits = self._hash(f"sku {index}").hex()
        return f"sku_{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"

    def digits(self, what: str, count: int) -> str:
        """This many decimal digits (at most 30), the first not 0."""
        number = int.from_bytes(self._hash(what)) % (9 * 10 ** (count - 1))
        return str(10 ** (count - 1) + number)

    def number(self, what: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        return least + int.from_bytes(self._hash(what)) % (most - least + 1)

    def choice(self, what: str, options: Sequence[_T]) -> _T:
        """One of the options."""
        return options[self.number(what, 0, len(options) - 1)]

    def _hash(self, what: str) -> bytes:
        return sha256(f"{self._seed}/{self._label}/{what}".encode()).digest()

    def _generator(self, country: str, what: str) -> "Faker":
        locale = LOCALES.get(country, LOCALES[HOME])
        generator = self._generators.get(locale)
        if generator is None:
            from faker import Faker

            # Two of its two dozen providers are needed; the others would cost a hundred times as long to load.
            generator = Faker(locale, providers=["faker.providers.person", "faker.providers.address"])
            self._generators[locale] = generator
        generator.seed_instance(int.from_bytes(self._hash(what)))
        return generator


def next_makeup(sandbox: "Sandbox") -> MakeUp:
    """What the made-up data of the sandbox's next order or source comes from: its seed and the turn of that."""
    count = sandbox.counters["makeup"] = sandbox.counters.get("makeup", 0) + 1
    return _shared(sandbox.seed).labelled(str(count))


@lru_cache(maxsize=8)
def _shared(seed: int) -> MakeUp:
    return MakeUp(seed)


def _ascii(name: str) -> str:
    """A name as an email address can hold it: letters and dots, or nothing if there are too few of them."""
    plain = normalize("NFKD", name.lower())
    letters = "".join(each for each in plain if each.isascii() and (each.isalpha() or each == "."))
    return letters if len(letters) > len(name) // 2 else ""
