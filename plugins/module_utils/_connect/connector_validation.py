# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is wrong with a connector's configuration, all of it at once. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .._secrets import holds_reference, is_secret_name
from .._suggest import did_you_mean

# Settings that Connect hands on to a client or converter, whose names no plugin defines.
_PASSED_ON = (
    "producer.override.",
    "consumer.override.",
    "admin.override.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
)
# Settings that list the aliases under which further settings may follow, and those settings' prefix.
_ALIAS_LISTS = {
    "transforms": "transforms.",
    "predicates": "predicates.",
    "topic.creation.groups": "topic.creation.",
    "converters": "",
    "post.processors": "",
}
_ALWAYS_ALIASES = {"topic.creation.groups": ("default",)}
# Settings that plugins read without defining them, by the beginning of the plugin's class name. A pattern per setting
# where the plugin documents single names, so that a misspelt one is still found.
_UNDEFINED: dict[str | tuple[str, ...], tuple[str, ...]] = {
    # Debezium's, and the collection's own connector, which is one of Debezium's.
    ("io.debezium.", "io.cdcpipeline."): (
        "create.slot.command.timeout",
        "custom.retriable.exception",
        "database.binaryTransfer",
        "database.connection.factory.class",
        "database.options",
        "driver.*",
        "include.schema.changes",
        "internal.*",
        "memory.management.*",
        "money.fraction.digits",
        "offset.mismatch.strategy",
        "queue.provider.type",
        "read.only",
        "schema.history.internal",
        "schema.history.internal.*",
        "signal.consumer.*",
        "signal.file",
        "signal.kafka.bootstrap.servers",
        "signal.kafka.groupId",
        "signal.kafka.poll.timeout.ms",
        "signal.kafka.topic",
        "slot.seek.to.known.offset.on.start",
        "snapshot.select.statement.overrides.*",
        "topic.cache.size",
        "topic.delimiter",
        "topic.heartbeat.name",
        "topic.heartbeat.prefix",
        "topic.key.*",
        "topic.regex",
        "topic.replacement",
        "topic.transaction",
        # Of ExtractNewRecordState.
        "transforms.*.replace.null.with.default",
    ),
    "org.apache.kafka.connect.mirror.": (
        "*.bootstrap.servers",
        "source.cluster.*",
        "target.cluster.*",
        "source.admin.*",
        "source.consumer.*",
        "source.producer.*",
        "target.admin.*",
        "target.consumer.*",
        "target.producer.*",
        "producer.*",
        "consumer.*",
        "admin.*",
        "replication.policy.*",
        "security.*",
        "sasl.*",
        "ssl.*",
    ),
    "org.apache.iceberg.": ("iceberg.*",),
}
# Debezium names some settings by a regular expression, in which the documentation generator ate the backslash.
_PATTERN_NAME = re.compile(r"[()\[\]^*+]")


def problems(
    answer: Mapping[str, Any], config: Mapping[str, str], plugin: str, allow_unknown: Iterable[str] = ()
) -> list[dict]:
    """Everything that is wrong, each with `field`, `problem` and `remedy`, by field.

    :param answer: what Connect's `config/validate` said.
    :param plugin: the connector's full class name.
    :param allow_unknown: shell patterns of settings that need not be defined.
    """
    found = _rejected(answer, config) + _unknown(answer, config, (*allow_unknown, *_undefined_settings(plugin)))
    return sorted(found, key=lambda problem: problem["field"])


def _rejected(answer: Mapping[str, Any], config: Mapping[str, str]) -> list[dict]:
    found = []
    for item in answer["configs"]:
        name, errors = item["value"]["name"], item["value"]["errors"]
        if errors:
            # Connect complains a second time, about the null that it made of the value.
            telling = [text for text in dict.fromkeys(errors) if "Invalid value null" not in text] or errors
            text = "; ".join(telling)
            if is_secret_name(name) or holds_reference(config.get(name)):
                # The text quotes the value, and the worker has put what a reference leads to in its place.
                text = re.sub(
                    r"Invalid value .*? for configuration", "Invalid value for configuration", text, flags=re.S
                )
            found.append({"field": name, "problem": text, "remedy": "correct it" if name in config else "state it"})
    return found


def _unknown(answer: Mapping[str, Any], config: Mapping[str, str], undefined: tuple[str, ...]) -> list[dict]:
    defined = {item["definition"]["name"] for item in answer["configs"] if item.get("definition")}
    faulty = {item["value"]["name"] for item in answer["configs"] if item["value"]["errors"]}
    patterns = [re.compile(name.replace("(d+)", r"(\d+)")) for name in defined if _PATTERN_NAME.search(name)]
    open_prefixes = _PASSED_ON + _alias_prefixes(config, defined, faulty)

    def known(name: str) -> bool:
        return (
            name in defined
            or name.startswith(open_prefixes)
            or any(pattern.fullmatch(name) for pattern in patterns)
            or any(fnmatch.fnmatchcase(name, pattern) for pattern in undefined)
        )

    suggestions = defined | {name for name in undefined if "*" not in name}
    return [_unknown_setting(name, config, suggestions) for name in config if not known(name)]


def _unknown_setting(name: str, config: Mapping[str, str], suggestions: set[str]) -> dict:
    kind, _dot, rest = name.partition(".")
    alias = rest.partition(".")[0]
    if kind in ("transforms", "predicates") and rest and alias not in _aliases(config, kind):
        problem, remedy = f'"{alias}" is not listed in {kind}: the setting would have no effect', f'list it in "{kind}"'
    else:
        problem = "no such setting: the plugin would ignore it"
        remedy = did_you_mean(name, suggestions) or (
            "remove it, or name it in allow_unknown if the plugin reads it without defining it"
        )
    return {"field": name, "problem": problem, "remedy": remedy}


def _undefined_settings(plugin: str) -> tuple[str, ...]:
    return tuple(name for start, names in _UNDEFINED.items() if plugin.startswith(start) for name in names)


def _aliases(config: Mapping[str, str], setting: str) -> list[str]:
    listed = [alias.strip() for alias in config.get(setting, "").split(",") if alias.strip()]
    return listed + list(_ALWAYS_ALIASES.get(setting, ()))


def _alias_prefixes(config: Mapping[str, str], defined: set[str], faulty: set[str]) -> tuple[str, ...]:
    """Prefixes below which nothing can be said about a name.

    A transform that is found defines its settings, so a misspelt one is found too; one that is not found, or that
    defines nothing, does not.
    """
    prefixes = []
    for setting, start in _ALIAS_LISTS.items():
        for alias in _aliases(config, setting):
            prefix = f"{start}{alias}."
            common = {f"{prefix}{name}" for name in ("type", "predicate", "negate", "plugin.version")}
            own = {name for name in defined if name.startswith(prefix)} - common
            if setting == "topic.creation.groups" or not own or f"{prefix}type" in faulty:
                prefixes.append(prefix)
    return tuple(prefixes)
