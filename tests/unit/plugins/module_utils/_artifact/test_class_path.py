# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.class_path import (
    CLASS_PATH,
    comparable,
    manifest,
    parse_jar,
    resolve,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError

ROLE = Path(__file__).resolve().parents[5] / "roles/artifacts"


def files(sets: dict[str, list[str]]) -> list[str]:
    return [jar.file for jar in resolve(sets)]


@pytest.mark.parametrize(
    ("file", "name", "version"),
    [
        ("kafka_2.13-4.3.1.jar", "kafka_2.13", "4.3.1"),
        ("zstd-jni-1.5.6-10.jar", "zstd-jni", "1.5.6-10"),
        ("debezium-api-3.7.0.Final.jar", "debezium-api", "3.7.0.Final"),
        ("commons-lang3-3.14.0.jar", "commons-lang3", "3.14.0"),
        ("jetty-ee10-servlet-12.0.34.jar", "jetty-ee10-servlet", "12.0.34"),
        ("javassist-3.30.2-GA.jar", "javassist", "3.30.2-GA"),
        ("json-20240303.jar", "json", "20240303"),
        ("cdc-debezium.jar", "cdc-debezium", ""),
    ],
)
def test_a_file_name_says_library_and_version(file, name, version):
    jar = parse_jar("a", file)
    assert (jar.name, jar.version) == (name, version)


def test_sets_keep_their_order_and_jars_that_of_their_names():
    sets = {"b": ["postgresql-42.7.jar", "debezium-api-3.7.jar", "cdc-debezium.jar"], "a": ["avro-1.12.jar", "b-1.jar"]}
    assert files(sets) == [
        "cdc-debezium.jar",
        "debezium-api-3.7.jar",
        "postgresql-42.7.jar",
        "avro-1.12.jar",
        "b-1.jar",
    ]


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        ("jackson-annotations-2.16.2.jar", "jackson-annotations-2.21.jar", 1),
        ("jackson-core-2.9.0.jar", "jackson-core-2.10.0.jar", 1),
        ("zstd-jni-1.5.6-10.jar", "zstd-jni-1.5.6-4.jar", 0),
        ("x-1.2.Final.jar", "x-1.3.jar", 1),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_newest_version_is_taken_wherever_it_is(one, other, newer, turned):
    sets = {"a": [one], "b": [other]}
    if turned:
        sets, newer = {"a": [other], "b": [one]}, 1 - newer
    assert files(sets) == sets["ab"[newer]]


def test_of_two_ways_to_write_a_version_the_first_is_taken():
    assert files({"a": ["x-1.2.0.jar"], "b": ["x-1.2.jar"]}) == ["x-1.2.0.jar"]


def test_a_library_keeps_its_first_place():
    assert files({"a": ["b-1.0.jar", "c-1.0.jar"], "z": ["b-1.1.jar"]}) == ["b-1.1.jar", "c-1.0.jar"]


@pytest.mark.parametrize(("one", "other"), [("1.9", "2.0"), ("1.2-rc1", "1.2"), ("20240303", "20250107"), ("1", "1-x")])
def test_versions_that_cannot_stand_for_each_other_are_refused_all_at_once(one, other):
    assert not comparable(one, other)
    with pytest.raises(InvalidError) as caught:
        resolve({"a": [f"x-{one}.jar", "y-1.jar", "fine-1.0.jar"], "b": [f"x-{other}.jar", "y-2.jar", "fine-1.1.jar"]})
    text = caught.value.message
    assert f"x-{one}.jar of a and x-{other}.jar of b" in text and "y-1.jar of a and y-2.jar of b" in text
    assert "fine" not in text


def test_what_is_pinned_goes_together():
    """The jars that the role pins: today's clashes are solved, each library is there once, and ours is the first."""
    catalogue = yaml.safe_load((ROLE / "defaults/main.yml").read_text())["artifacts_catalogue"]
    assert catalogue["connect"]["artifacts"] == ["debezium", "kafka", "converter"]
    pinned = {
        name: [line.split()[1].lstrip("*") for line in (ROLE / f"files/{name}.sha256").read_text().splitlines()]
        for name in ("kafka", "converter")
    }
    found = resolve({"debezium": ["debezium-api-3.7.0.Final.jar", "cdc-debezium.jar"], **pinned})
    names = [jar.name for jar in found]
    assert names[0] == "cdc-debezium" and len(set(names)) == len(names)
    versions = {jar.name: jar.version for jar in found if jar.name.startswith("jackson-")}
    assert versions["jackson-databind"] == versions["jackson-core"]
    assert {"jackson-core", "jackson-databind", "snakeyaml", "zstd-jni"} <= {
        parse_jar("kafka", file).name for file in pinned["kafka"]
    } & {parse_jar("converter", file).name for file in pinned["converter"]}


def test_the_manifest_is_one_of_a_jar():
    names = [f"library-of-some-length-{number}.jar" for number in range(40)]
    lines = manifest(names).decode().split("\r\n")
    assert all(len(line.encode()) <= 72 for line in lines) and lines[-2:] == ["", ""]
    joined = manifest(names).decode().replace("\r\n ", "")
    assert f"Class-Path: {' '.join(names)}\r\n" in joined
    with pytest.raises(InvalidError, match="names that a class path cannot hold"):
        manifest(["a b.jar"])


def test_the_class_path_is_not_on_itself():
    assert files({"a": [CLASS_PATH, "x-1.jar"]}) == ["x-1.jar"]
