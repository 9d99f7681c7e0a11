"""The document as HTML. Whatever stands in it is escaped, and between backticks it is code."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any, NamedTuple

import msgspec

from ingest.docs.fields import Reader, Row, Variant

Document = Mapping[str, Any]

_CODE = re.compile("`([^`]+)`")
_SEGMENT = re.compile(r"\{[^}]+\}")
_EXAMPLE_SEGMENT = "5"
_CREDENTIALS = {"basic": "-u SITE_ID:API_KEY", "key": "-u API_KEY:", "site_id": "-G -d site_id=API_KEY"}


class Call(NamedTuple):
    """An operation, and where it is: under several paths, if it is the same there."""

    method: str
    paths: list[str]
    operation: Document

    @property
    def anchor(self) -> str:
        return self.method + self.paths[0]


def style() -> str:
    return files("ingest.docs").joinpath("page.css").read_text()


def page(document: Document) -> str:
    """`document`: OpenAPI 3.1, as `ingest.openapi` makes it."""
    by_tag = {tag["name"]: _calls(document, tag["name"]) for tag in document["tags"]}
    written = Writer(document)
    return Template(files("ingest.docs").joinpath("page.html").read_text()).substitute(
        title=_words(document["info"]["title"]),
        about=_words(document["info"]["description"]),
        style=style(),
        contents="".join(_contents(tag, calls) for tag, calls in by_tag.items()),
        calls="".join(f"<h2>{_words(tag)}</h2>{''.join(map(written.call, calls))}" for tag, calls in by_tag.items()),
    )


def _calls(document: Document, tag: str) -> list[Call]:
    """In the document's order, in which the names of one call follow each other."""
    operations = [
        (path, method, {name: value for name, value in operation.items() if name != "operationId"})
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    ]
    return [
        Call(method, [path for path, _, _ in same], operation)
        for (method, operation), same in groupby(operations, key=lambda found: found[1:])
    ]


def _contents(tag: str, calls: Iterable[Call]) -> str:
    items = "".join(
        f'<li><a href="#{escape(call.anchor)}">{_name(call, path)}</a></li>' for call in calls for path in call.paths
    )
    return f"<section><h2>{_words(tag)}</h2><ol>{items}</ol></section>"


class Writer:
    """Writes the calls of one document."""

    def __init__(self, document: Document) -> None:
        self._responses = document["components"]["responses"]
        self._reader = Reader(document["components"]["schemas"])

    def call(self, call: Call) -> str:
        operation = call.operation
        names = "".join(f"<h3>{_name(call, path)}</h3>" for path in call.paths)
        said = (
            f'<p class="summary">{_words(operation["summary"])}.</p><p>{_words(operation.get("description", ""))}</p>'
        )
        parameters, answers = self._parameters(operation.get("parameters", ())), self._answers(operation["responses"])
        return f'<article id="{escape(call.anchor)}">{names}{said}{parameters}{self._body(call)}{answers}</article>'

    def _parameters(self, parameters: Iterable[Document]) -> str:
        rows = "".join(map(_row, map(self._reader.parameter, parameters)))
        return f"<h4>Beside the body</h4><table>{rows}</table>" if rows else ""

    def _body(self, call: Call) -> str:
        content = call.operation.get("requestBody", {}).get("content", {})
        if not content:
            return f"<pre>{escape(_curl(call))}</pre>"
        media, taken = next(iter(content.items()))
        variants = self._reader.variants(taken["schema"])
        return f"<h4>Body</h4>{''.join(_variant(call, variant, media) for variant in variants)}"

    def _answers(self, answers: Mapping[str, Document]) -> str:
        items = "".join(f"<li><b>{status}</b>{_words(self._told(answer))}</li>" for status, answer in answers.items())
        return f"<details><summary>Answers: {', '.join(answers)}</summary><ul>{items}</ul></details>"

    def _told(self, answer: Document) -> str:
        if "$ref" in answer:
            answer = self._responses[answer["$ref"].rpartition("/")[2]]
        told: str = answer["description"]
        return told


def _variant(call: Call, variant: Variant, media: str) -> str:
    table = f"<table>{''.join(map(_row, variant.rows))}</table>" if variant.rows else ""
    shown = f"{table}<pre>{escape(_curl(call, variant.example, media))}</pre>"
    return f"<details><summary>{_words(variant.title)}</summary>{shown}</details>" if variant.title else shown


def _row(row: Row) -> str:
    required = ' class="required"' if row.required else ""
    name = escape(row.name).replace(".", ".<wbr>")
    return f"<tr><td><code{required}>{name}</code><td>{_words(row.kind)}<td>{_words(row.meaning)}"


def _name(call: Call, path: str) -> str:
    text = escape(path).replace("/", "/<wbr>")
    return f'<span class="method {call.method}">{call.method.upper()}</span><code>{text}</code>'


def _curl(call: Call, example: object = None, media: str = "") -> str:
    """A line that works. A document without an example of a body shows none."""
    parts = [f"curl $EDGE{_SEGMENT.sub(_EXAMPLE_SEGMENT, call.paths[0])}"]
    if call.method != ("get" if example is None else "post"):
        parts.append(f"-X {call.method.upper()}")
    parts += (_CREDENTIALS[name] for name in [*call.operation["security"], {}][0])
    if example is not None:
        parts += [f"-H 'Content-Type: {media}'", f"-d '{msgspec.json.encode(example).decode()}'"]
    return " \\\n  ".join(parts)


def _words(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
