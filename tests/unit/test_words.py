# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rules of "English" in docs/contributing.md, as far as a pattern can check them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs/contributing.md"
# Without generated pages, whose sources are checked.
DOCUMENTS = [
    ROOT / "README.md",
    *(path for path in (ROOT / "docs").rglob("*.md") if ROOT / "docs/reference" not in path.parents),
]
TASKS = [*(ROOT / "roles").glob("*/tasks/**/*.yml"), *(ROOT / "playbooks").glob("*.yml")]
SENTENCES = [*TASKS, *(ROOT / "roles").glob("*/meta/argument_specs.yml"), *(ROOT / "roles").glob("*/files/*.yml")]
PYTHON = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "python/src").rglob("*.py")]
# Keys of YAML files whose values users see.
SHOWN = {"msg", "fail_msg", "success_msg", "description", "short_description", "summary", "why"}

VERB = re.compile(
    r"(?:Apply|Assert|Audit|Build|Capture|Check|Compare|Configure|Continue|Copy|Count|Create|Define|Delete|Deny|Deploy"
    r"|Discard|Download|Drop|Fetch|Finish|Flush|Forward|Grant|Hand|Install|Let|Load|Lock|Prepare|Prevent|Publish|Query"
    r"|Read|Reconcile|Record|Register|Remove|Request|Require|Restart|Retire|Run|Set|Show|Snapshot|Start|Stop|Wait|Warn"
    r"|Write)\b"
)

# What is banned, and what to write instead.
PHRASES = {
    r"anew": "again",
    r"(?:is|are|be|was|were) told(?! apart)": "receives, is notified",
    r"told of": "notified of",
    r"(?:go|goes|going|went) on": "continue",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"(?:is|are) lacking": "is missing",
    r"by now": "now, already",
    r"(?:come|comes|captures?|captured|read|reads|is|are|it|them|takes?) no more(?! than)": "no longer",
    r"(?:clusters?|one|made) by kind": "a kind cluster",
    r"mov(?:e|es|ing) house": "migrate",
    r"Java machines?": "JVM",
    r"processor time": "CPU time",
    r"(?:stands?|stood) against": "prevents",
    r"for ever": "forever",
    r"for want of": "because there is no",
    r"tells? of": "describes, reports",
    r"without a word": "silently",
    r"(?:is|are|be|was|were) had": "is available",
    r"(?:is|are|be|was|were) looked (?:at|for)": "is checked, is searched",
    r"it is not said": "is missing",
    r"tak(?:e|es|en|ing) away": "remove",
    r"such an? one": "the thing itself",
    r"(?:is|are) begun": "is started",
    r"but for(?! \w+ (?:second|minute|hour|day))": "except for",
    r"at work on": "uses",
}
BANNED = [(re.compile(rf"\b(?:{phrase})\b"), instead) for phrase, instead in PHRASES.items()]
TASK = re.compile(r'^\s*- name: "?[^|{]+ \| (.*)', re.MULTILINE)
EXAMPLE = re.compile(r"^- name: (.*)", re.MULTILINE)


class Text(NamedTuple):
    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def in_document(path: Path) -> Iterator[Text]:
    """Its paragraphs: a phrase may go over two lines. Headings are left out, since links depend on them."""
    first, lines = 1, []
    fenced = examples = False
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], 1):
        fence = line.lstrip().startswith("```")
        fenced ^= fence
        if line.startswith("#"):
            examples = path == RULES and line == "### Before and after"
        if line.strip() and not (fenced or fence or examples or line.startswith("#")):
            first = first if lines else number
            lines.append(line.strip())
        elif lines:
            yield Text(path, first, " ".join(lines))
            lines = []


def in_yaml(path: Path) -> Iterator[Text]:
    """The values that users see."""
    nodes = [yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                nodes.append(value)
                if key.value in SHOWN:
                    yield from (
                        Text(path, text.start_mark.line + 1, " ".join(text.value.split()))
                        for text in (value.value if isinstance(value, yaml.SequenceNode) else [value])
                        if isinstance(text, yaml.ScalarNode)
                    )


def in_python(path: Path) -> Iterator[Text]:
    """Its strings, without docstrings: messages, help, and the documentation of modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield Text(path, node.lineno, " ".join(node.value.split()))


def banned(text: str) -> Iterator[str]:
    """Each banned phrase in it, with what to write instead."""
    for pattern, instead in BANNED:
        for match in pattern.finditer(text):
            yield f"{match[0]!r}: write {instead}"


def shown() -> Iterator[Text]:
    """Every text that users see."""
    for path in DOCUMENTS:
        yield from in_document(path)
    for path in SENTENCES:
        yield from in_yaml(path)
    for path in PYTHON:
        yield from in_python(path)


def test_texts_have_no_banned_phrase():
    assert [f"{text}: {found}" for text in shown() for found in banned(text.text)] == []


def test_names_of_tasks_begin_with_a_usual_verb():
    names = [(path, name) for path in TASKS for name in TASK.findall(path.read_text(encoding="utf-8"))]
    assert len(names) > 300
    assert [f"{path.relative_to(ROOT)}: {name}" for path, name in names if not VERB.match(name)] == []


def test_examples_of_modules_begin_with_a_usual_verb():
    examples = [
        (path, name)
        for path in (ROOT / "plugins").glob("*/*.py")
        for name in EXAMPLE.findall(path.read_text(encoding="utf-8"))
    ]
    assert examples
    assert [f"{path.relative_to(ROOT)}: {name}" for path, name in examples if not VERB.match(name)] == []


def test_names_of_assertions_say_what_is_asserted():
    tasks = [task for path in TASKS for task in _tasks(yaml.safe_load(path.read_text(encoding="utf-8")))]
    names = [task["name"] for task in tasks if "ansible.builtin.assert" in task]
    assert names
    assert [name for name in names if " | Assert that " not in name] == []


def _tasks(found: object) -> Iterator[dict]:
    """Every mapping of a playbook or file of tasks."""
    if isinstance(found, list):
        for each in found:
            yield from _tasks(each)
    elif isinstance(found, dict):
        yield found
        for each in found.values():
            yield from _tasks(each)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the cluster is made anew", ["'anew': write again"]),
        ("nobody is told of it", ["'is told': write receives, is notified", "'told of': write notified of"]),
        ("what goes on here", ["'goes on': write continue"]),
        ("a table that is captured no more", ["'captured no more': write no longer"]),
        ("no more than two", []),
        ("the connector is going to continue on its own", []),
        ("recommended, amended", []),
        ("rows are told apart", []),
        ("it waits, but for two minutes only", []),
        ("all but for the first", ["'but for': write except for"]),
    ],
)
def test_banned_phrases(text: str, found: list[str]):
    assert list(banned(text)) == found


def test_a_phrase_may_go_over_two_lines(tmp_path: Path):
    document = tmp_path / "page.md"
    document.write_text("# Made anew\n\nIt is a text. It is made\nby\nkind.\n\n```\nanew\n```\n\nIt goes\non.\n")
    assert [text.text for text in in_document(document)] == ["It is a text. It is made by kind.", "It goes on."]
