"""Invoices and credit memos as PDF: one page, or as many as the lines take.

The same document always gives the same bytes: its dates are of simulated time, and nothing else is random. Pages are
set in a font that every viewer has, which knows Western European letters; other scripts are written in Latin letters.
"""

import re
import unicodedata
from typing import TYPE_CHECKING

from drsim.domain.documents import Document
from drsim.domain.orders import Sale
from drsim.render.statements import Row, Statement, statement

if TYPE_CHECKING:
    from fpdf import FPDF

NOTE = "Made by drsim for tests. This is not a tax document."

_FONT = "helvetica"
_LONGEST = 120
_WIDTHS = (80, 25, 30, 25, 30)
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def pdf(sale: Sale, document: Document) -> bytes:
    """A document of a sale, as the bytes of a PDF."""
    from fpdf import FPDF

    stated = statement(sale, document)
    page = FPDF(format="A4")
    page.set_creation_date(stated.made)
    page.set_title(f"{stated.title} {document.id}")
    page.set_author("drsim")
    page.set_lang(latin(stated.language))
    page.add_page()
    _head(page, stated)
    _parties(page, stated)
    _lines(page, stated.heads, stated.lines)
    _totals(page, stated.totals)
    page.set_y(page.get_y() + 8)
    page.set_font(_FONT, "I", 8)
    page.cell(text=NOTE)
    return bytes(page.output())


def latin(text: str) -> str:
    """A text as this font can show it: in one line, other scripts in Latin letters, cut when it is very long."""
    text = _UNFIT.sub(" ", unicodedata.normalize("NFC", text[: _LONGEST + 1]))
    if not _fits(text):
        from anyascii import anyascii

        text = "".join(letter if _fits(letter) else anyascii(letter) or "?" for letter in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _fits(text: str) -> bool:
    return all(ord(letter) < 256 for letter in text)


def _head(page: "FPDF", stated: Statement) -> None:
    page.set_font(_FONT, "B", 18)
    page.cell(text=stated.title, h=12, new_x="LMARGIN", new_y="NEXT")
    page.set_font(_FONT, "", 9)
    for name, text in stated.facts:
        page.cell(30, 5, latin(name))
        page.cell(text=latin(text), h=5, new_x="LMARGIN", new_y="NEXT")


def _parties(page: "FPDF", stated: Statement) -> None:
    page.set_y(page.get_y() + 5)
    with page.table(borders_layout="NONE", line_height=4.5, v_align="T", width=190) as table:
        row = table.row()
        for name, _ in stated.parties:
            row.cell(name)
        row = table.row()
        for _, lines in stated.parties:
            row.cell("\n".join(map(latin, lines)))


def _lines(page: "FPDF", heads: Row, lines: tuple[Row, ...]) -> None:
    page.set_y(page.get_y() + 5)
    aligned = ("LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT")
    with page.table(
        borders_layout="HORIZONTAL_LINES", line_height=5.5, col_widths=_WIDTHS, text_align=aligned, width=190
    ) as table:
        for line in (heads, *lines):
            row = table.row()
            for text in line:
                row.cell(latin(text))


def _totals(page: "FPDF", totals: tuple[Row, ...]) -> None:
    page.set_y(page.get_y() + 3)
    for place, (name, amount) in enumerate(totals, 1):
        page.set_font(_FONT, "B" if name == "Total" or place == len(totals) else "", 9)
        page.set_x(110)
        page.cell(50, 5, name)
        page.cell(40, 5, amount, align="R", new_x="LMARGIN", new_y="NEXT")
