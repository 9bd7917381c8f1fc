"""Markdown pages of the reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from role_specs import COMMON, Role

NOTE = "<!-- Written by tests/tools/reference.py. -->"
_MARKUP = (
    (re.compile(r"\b[CVE]\(((?:[^()\\]|\\.|\([^()]*\))*)\)"), r"`\1`"),
    (re.compile(r"\bO\(((?:[^()\\]|\\.|\([^()]*\))*)\)"), r"`\1`"),
    (re.compile(r"\bRV\(((?:[^()\\]|\\.|\([^()]*\))*)\)"), r"`\1`"),
    (re.compile(r"\bM\(([^)]*)\)"), r"`\1`"),
    (re.compile(r"\bP\(([^)#]*)#[a-z]+\)"), r"`\1`"),
    (re.compile(r"\bI\(([^)]*)\)"), r"*\1*"),
    (re.compile(r"\bB\(([^)]*)\)"), r"**\1**"),
    (re.compile(r"\bU\(([^)]*)\)"), r"<\1>"),
    (re.compile(r"\bL\(([^,]*),\s*([^)]*)\)"), r"[\1](\2)"),
)
# A longer default is shown below the table of options.
_LONGEST_DEFAULT = 60


def markdown(text: str) -> str:
    """Ansible's documentation markup as Markdown."""
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()


def _paragraphs(text: Any) -> str:
    return "\n\n".join(markdown(str(item)) for item in ([text] if isinstance(text, str) else text or []))


def _line(text: Any) -> str:
    return " ".join(markdown(str(item)) for item in ([text] if isinstance(text, str) else text or [])).replace(
        "|", "\\|"
    )


def _type(option: Mapping[str, Any]) -> str:
    kind = str(option.get("type", "str"))
    return f"{kind} of {option['elements']}" if option.get("elements") else kind


def _code(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value)
    text = text.replace("|", "\\|").replace("\n", " ")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _options(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, option in options.items():
        facts = [_type(option)]
        if option.get("required"):
            facts.append("required")
        elif option.get("default") is not None:
            facts.append(f"default {_code(option['default'])}")
        if option.get("choices"):
            facts.append("one of " + ", ".join(_code(choice) for choice in option["choices"]))
        yield f"- **`{prefix}{name}`** ({'; '.join(facts)})  \n  {_line(option.get('description'))}"
        yield from _options(option.get("suboptions") or option.get("options") or {}, f"{prefix}{name}.")


def _returned(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        facts = f"{_type(value)}, {value.get('returned', 'always')}"
        yield f"- **`{prefix}{name}`** ({facts})  \n  {_line(value.get('description'))}"
        yield from _returned(value.get("contains") or {}, f"{prefix}{name}.")


def _page(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts if part and part.strip()) + "\n"


def _plugin(title: str, item: Mapping[str, Any]) -> list[str]:
    doc = item["doc"]
    parts = [NOTE, f"# {title}", f"{markdown(doc['short_description'])}.", _paragraphs(doc.get("description"))]
    if doc.get("requirements"):
        parts.append("Requirements: " + "; ".join(markdown(text) for text in doc["requirements"]) + ".")
    if doc.get("options"):
        positional = doc.get("positional")
        parts += ["## Options", f"Positional: {positional}" if positional else "", "\n".join(_options(doc["options"]))]
    if doc.get("attributes"):
        lines = [
            f"- `{name}`: {value['support']}. {_line(value.get('details') or value.get('description'))}"
            for name, value in doc["attributes"].items()
        ]
        parts += ["## Attributes", "\n".join(lines)]
    if doc.get("notes"):
        parts += ["## Notes", "\n".join(f"- {_line(note)}" for note in doc["notes"])]
    if item.get("examples"):
        parts += ["## Examples", f"```yaml\n{item['examples'].strip()}\n```"]
    if item.get("return"):
        parts += ["## Returned", "\n".join(_returned(item["return"]))]
    return parts


def module_page(name: str, item: Mapping[str, Any]) -> str:
    return _page(*_plugin(f"Module cdc.pipeline.{name}", item))


def plugin_page(name: str, kind: str, item: Mapping[str, Any]) -> str:
    return _page(*_plugin(f"{kind.capitalize()} cdc.pipeline.{name}", item))


USE = """- hosts: cdc
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: cdc.pipeline.common
        tasks_from: prepare
      when: cdc_prepared is not defined
    - ansible.builtin.include_role:
        name: cdc.pipeline.{role}
"""


def role_page(role: Role) -> str:
    parts = [NOTE, f"# Role cdc.pipeline.{role.name}"]
    shown: set[str] = set()
    for name, entry in role.entries.items():
        if name != "main":
            parts.append(f"## Entry point {name}")
            parts.append(f"`tasks_from: {name}`. {markdown(entry['short_description'])}.")
        else:
            parts.append(f"{markdown(entry['short_description'])}.")
        parts.append(_paragraphs(entry.get("description")))
        new = {key: option for key, option in (entry.get("options") or {}).items() if key not in shown}
        if new:
            parts += ["## Variables" if name == "main" else "", _variables(new)]
        shown |= new.keys()
    others = sorted(path.stem for path in (role.folder / "tasks").glob("*.yml") if path.stem not in role.entries)
    if "verify" in others:
        parts += ["## Verification", "`tasks_from: verify` states what `playbooks/verify.yml` then checks."]
    if role.name != COMMON:
        parts += [
            "## Use",
            "The role depends on [common](../common/README.md), which holds the variables that several roles read. Its "
            "tasks `prepare` check variables and host and provide what the roles share, such as credentials and "
            "artifacts; they run once before the first role. Any inventory with a group `cdc` will do:",
            f"```yaml\n{USE.format(role=role.name)}```",
        ]
    return _page(*parts)


def _variables(options: Mapping[str, Any]) -> str:
    lines = ["| variable | type | default | |", "|---|---|---|---|"]
    long = []
    for name, option in options.items():
        default = "required" if option.get("required") else ""
        if "default" in option:
            default = _code(option["default"])
            if len(default) > _LONGEST_DEFAULT:
                default = "see below"
                long.append((name, option["default"]))
        text = _line(option.get("description"))
        if option.get("choices"):
            text += " One of " + ", ".join(_code(choice) for choice in option["choices"]) + "."
        lines.append(f"| `{name}` | {_type(option)} | {default} | {text} |")
    for name, value in long:
        dumped = yaml.safe_dump({name: value}, sort_keys=False, width=116).strip()
        lines += ["", f"Default of `{name}`:", "", f"```yaml\n{dumped}\n```"]
    return "\n".join(lines)


def variables_page(roles: list[Role]) -> str:
    (common,) = (role for role in roles if role.name == COMMON)
    options = dict(common.options)
    for name, option in options.items():
        if "default" not in option and name in common.defaults:
            options[name] = {**option, "default": common.defaults[name]}
    computed = "\n".join(f"- `{name}`: {markdown(text)}" for name, text in common.computed.items())
    versions = "\n".join(
        f"| `{name}` | {_code(value)} |" for name, value in common.defaults.items() if name.startswith("versions_")
    )
    listed = [
        f"| `{name}` | [{role.name}](../../roles/{role.name}/README.md) | {_line(option.get('description'))} |"
        for role in roles
        for name, option in role.options.items()
        if name.startswith(f"{role.name}_")
    ]
    return _page(
        NOTE,
        "# Variables",
        "Set them in an inventory of your own, or by `-e`. A name "
        "that begins like one of these and is none of them stops the run before anything is changed. "
        "[Renamed variables](renamed_variables.md) lists names of earlier versions.",
        "## Shared by all roles",
        _variables(options),
        "## Versions",
        "Of everything that is not a Python package.",
        f"| variable | value |\n|---|---|\n{versions}",
        "## Of each role",
        "\n".join(["| variable | role | |", "|---|---|---|", *listed]),
        "## Computed",
        "They follow from the others and are not meant to be set.",
        computed,
    )


def renamed_page(table: Mapping[str, Mapping[str, str]]) -> str:
    lines = [
        f"| `{old}` | `{entry['new']}` | {entry['since']} | {entry['removal_version']} |"
        for old, entry in sorted(table.items())
    ]
    head = ["| old name | new name | since version | old name goes away in |", "|---|---|---|---|"]
    return _page(
        NOTE,
        "# Renamed variables",
        "A variable that is set by its old name, in an inventory or by `-e`, stops the run before anything is changed, "
        "with an error that gives the new name. In the version in which the old name goes away, it is a name like any "
        "other that is not known.",
        "\n".join([*head, *lines]) if lines else "No variable has been renamed yet.",
    )


def index_page(docs: Mapping[str, Mapping[str, Any]], roles: list[Role]) -> str:
    def lines(kind: str, folder: str, prefix: str = "") -> Iterator[str]:
        for name, item in docs[kind].items():
            yield f"- [{name}]({folder}/{prefix}{name}.md): {markdown(item['doc']['short_description'])}"

    listed = [
        f"- [{role.name}](../../roles/{role.name}/README.md): {markdown(role.entries['main']['short_description'])}"
        for role in roles
        if "main" in role.entries
    ]
    plugins = [
        line for kind in ("callback", "filter", "lookup", "strategy") for line in lines(kind, "plugins", f"{kind}_")
    ]
    return _page(
        NOTE,
        "# Reference",
        "[All variables](variables.md) · [Renamed variables](renamed_variables.md)",
        "## Roles",
        "\n".join(listed),
        "## Modules",
        "\n".join(lines("module", "modules")),
        "## Plugins",
        "\n".join(plugins),
    )


def http_rights_page(rights: Mapping[str, list[dict[str, Any]]]) -> str:
    """Who may do what over HTTP.

    Args:
        rights: of each service, as its role states them.
    """
    lines = [
        NOTE,
        "# Who may do what over HTTP",
        "",
        "Where `cdc_security` is true, verification does all of this and compares. A login is named as in",
        "`endpoints.json`; nobody is a request without one. [HTTP](../security/http.md) explains them.",
        "",
        "| service | who | may | may not |",
        "|---|---|---|---|",
    ]
    for service, stated in rights.items():
        for login in dict.fromkeys(each["login"] for each in stated):
            cells = [
                "<br>".join(
                    f"`{each['method']} {each['path']}`"
                    for each in stated
                    if each["login"] == login and each["allowed"] is allowed
                )
                for allowed in (True, False)
            ]
            lines.append(f"| {service} | {login or 'nobody'} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def requirements_page(requirements: Mapping[str, tuple[str, str]], proofs: Mapping[str, str]) -> str:
    """What the pipeline has to do, and what proves it.

    Args:
        requirements: title and text of each.
        proofs: the requirement of each check by the check's id; empty where it proves none.
    """
    parts = [
        NOTE,
        "# Requirements, and the checks that prove them",
        "The id of a check begins with its component. `make verify`, `cdc verify` and their report show it with the "
        "requirement that it proves, and so does `make load-test`, whose checks begin with `load`. In angle brackets "
        "stands what differs from check to check, such as the name of a table. Some checks are for "
        "[one runtime](runtimes.md) or one way of archiving. A check that cannot finish is reported by the id of the "
        "group that it belongs to, which is also listed here.",
    ]
    for name, (title, text) in requirements.items():
        ids = sorted(id for id, proved in proofs.items() if proved == name)
        parts += [f"## {name} {title}", text, ", ".join(f"`{id}`" for id in ids) or "No check proves it."]
    return _page(*parts)
