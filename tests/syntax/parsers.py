# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests hold each form of output against: parsers that other people wrote, and what a terminal may get."""

import csv
import html.parser
import io
import json
import re
import unicodedata
import xml.etree.ElementTree

# Marks that turn the direction of text, and separators of lines and paragraphs.
HIDDEN = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x61C, 0x2028, 0x2029, 0xFEFF}


def shown(name):
    """A name, as bytes, as the program shows it in text."""
    text = ""
    for c in name.decode("utf-8", "surrogateescape"):
        code = ord(c)
        if 0xDC80 <= code <= 0xDCFF:
            text += f"\\x{code - 0xDC00:02x}"
        elif code < 0x20 or code == 0x7F:
            text += f"\\x{code:02x}"
        elif code < 0xA0 and code >= 0x80 or code in HIDDEN or code in (0xFFFE, 0xFFFF):
            text += f"\\u{code:04x}"
        else:
            text += c
    return text.replace("##[", "\\x23#[")


def json_name(name):
    """A name, as bytes, as JSON has it."""
    return re.sub("[\udc80-\udcff]", "\ufffd", name.decode("utf-8", "surrogateescape"))


def lines_for_people(output, commands=False):
    """The lines of what a terminal, or the log of a GitHub job, gets: nothing in them is a command to either."""
    text = output.decode("utf-8")  # or fails
    for c in text:
        assert c == "\n" or unicodedata.category(c) != "Cc" and ord(c) not in HIDDEN, (hex(ord(c)), text)
    for line in text.splitlines():
        assert "##[" not in line, line
        if not (commands and re.match(r"::error file=[^:,\s]*,title=[^:,]*::", line)):
            assert not line.strip().startswith("::"), line
    return text.splitlines()


def csv_rows(output):
    """Rows by column, names of candidates and taps as spreadsheets show them."""
    rows = list(csv.reader(io.StringIO(output.decode("utf-8"), newline=""), strict=True))
    for row in rows:
        assert len(row) == len(rows[0]), row
        for cell in row:
            assert not re.match(r"[=+@\t\r]|-(?![\d.])", cell) and "\x1b" not in cell, cell
    assert output.count(b"\n") == len(rows)  # a row is a line
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def cell_text(cell):
    """The text of a cell whose ' keeps it from being a formula."""
    return cell[1:] if cell.startswith("'") else cell


class Page(html.parser.HTMLParser):
    """A report's page: its elements, attributes, texts and data."""

    def __init__(self, output):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self.attributes, self.open_script, self.scripts = [], [], [], None, {}
        self.feed(output.decode("utf-8"))
        self.close()
        self.data = json.loads(self.scripts["data"])

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        self.open_script = dict(attrs).get("id", "") if tag == "script" else None

    def handle_endtag(self, tag):
        self.open_script = None

    def handle_data(self, data):
        if self.open_script is None:
            self.texts.append(data)
        else:
            self.scripts[self.open_script] = self.scripts.get(self.open_script, "") + data

    def check(self):
        """Nothing but this program's own scripts and elements."""
        for name, value in self.attributes:
            assert re.fullmatch(r"[a-zA-Z0-9-]+", name) and not name.startswith("on"), (name, value)
        assert self.elements.count("script") == 8 and "iframe" not in self.elements
        for text in self.texts:
            lines = re.sub(r"[\n\t]", "", text)
            assert all(unicodedata.category(c) != "Cc" and ord(c) not in HIDDEN for c in lines), text


def markdown_tables(output):
    """Cells of each table's rows, by the separator that GitHub's rules say; no row is of another length."""
    text = re.sub(r"^(~{4,})yaml\n.*?\n\1$", "", output.decode("utf-8"), flags=re.M | re.S)  # code
    text = re.sub(r"^</?details>(<summary>[\w ]*</summary>)?$", "", text, flags=re.M)
    assert not re.search(r"(?<!\\)<[a-zA-Z/!]", text), text
    assert all(unicodedata.category(c) != "Cc" or c == "\n" for c in text)
    tables, rows = [], []
    for line in text.split("\n") + [""]:
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)(?:\\\\)*\|", line.strip())[1:-1]
            assert not rows or len(cells) == len(rows[0]), line
            rows.append([re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell.strip()) for cell in cells])
        elif rows:
            tables.append(rows)
            rows = []
    return tables


def xml_texts(output):
    """Every attribute and text of a document."""
    root = xml.etree.ElementTree.fromstring(output)
    return [value for element in root.iter() for value in (*element.attrib.values(), element.text or "")]
