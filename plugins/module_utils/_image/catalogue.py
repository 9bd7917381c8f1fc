# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Image definitions: what each layer and image is made of, and the hash that names it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._errors import InvalidError
from .._suggest import did_you_mean

ARTIFACT_KEYS = ("artifact", "folder", "to", "include", "exclude")
DEBIAN_KEYS = ("packages", "base", "exclude")
IMAGE_KEYS = ("layers", "stop_signal")
# Below it the artifacts lie in an image; the roles' token @{artifact} says the same.
ARTIFACTS = "/opt/cdc"
RECIPE = 2  # raise when the same inputs give another content


@dataclass(frozen=True)
class Layer:
    """One archive of files, shared by the images that name it.

    :param key: `<name>-<first 12 hex digits of the inputs' SHA-256>`, its name in the cache.
    :param packages: Debian packages, those of the layers below among them; empty for an artifact's files.
    :param base: the Debian layer that it adds to.
    :param source: the artifact's folder; `folder` is a pattern below it, and `to` where that is put.
    """

    name: str
    key: str
    packages: tuple[str, ...] = ()
    base: Layer | None = None
    source: Path | None = None
    folder: str = ""
    to: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """An image: its layers, from below, and the name under which it is run.

    :param reference: repository and tag; the tag is a hash of everything that the image is made of.
    """

    name: str
    reference: str
    layers: tuple[Layer, ...]
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Debian:
    """The distribution that the images stand on.

    :param revision: another one builds again, with the packages of that day.
    :param user: number of the user that the images run as.
    """

    suite: str
    architecture: str
    revision: str = ""
    user: int = 10001


def read_catalogue(
    layers: Mapping[str, Any],
    images: Mapping[str, Any],
    artifacts: Mapping[str, str],
    debian: Debian,
    repository: str,
) -> list[Image]:
    """Check every definition, and name what it makes.

    :param artifacts: folder of each artifact by its name.
    :param repository: what every reference begins with.
    :raises InvalidError: with everything that is wrong at once.
    """
    problems = [text for name, item in layers.items() for text in _layer_problems(name, item, layers, artifacts)]
    problems += [text for name, item in images.items() for text in _image_problems(name, item, layers)]
    if problems:
        raise InvalidError(
            "The image catalogue is wrong",
            where="images",
            why="; ".join(problems),
            remedy="Correct these keys; the catalogue's default is in the role images.",
        )
    made: dict[str, Layer] = {}
    # What another stands on comes first.
    for name in sorted(layers, key=lambda name: "base" in layers[name]):
        made[name] = _layer(name, layers[name], made, artifacts, debian)
    return [_image(name, images[name], made, debian, repository) for name in sorted(images)]


def _layer(
    name: str, item: Mapping[str, Any], made: Mapping[str, Layer], artifacts: Mapping[str, str], debian: Debian
) -> Layer:
    include, exclude = tuple(item.get("include") or ()), tuple(item.get("exclude") or ())
    if "packages" in item:
        base = made[item["base"]] if "base" in item else None
        packages = (*(base.packages if base else ()), *item["packages"])
        inputs = [debian.suite, debian.architecture, debian.revision, debian.user, packages, exclude]
        key = _key(name, [*inputs, base.key if base else ""])
        return Layer(name, key, packages=packages, base=base, exclude=exclude)
    source = Path(artifacts[item["artifact"]])
    folder = str(item.get("folder", ""))
    to = str(item.get("to") or f"{ARTIFACTS}/{item['artifact']}")
    # The folder's own name holds the hash of what is in it.
    inputs = [source.name, folder, to, include, exclude]
    return Layer(name, _key(name, inputs), source=source, folder=folder, to=to, include=include, exclude=exclude)


def _image(name: str, item: Mapping[str, Any], made: Mapping[str, Layer], debian: Debian, repository: str) -> Image:
    layers = tuple(made[layer] for layer in item["layers"])
    config = {
        "User": str(debian.user),
        "WorkingDir": "/",
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
        "StopSignal": f"SIG{item.get('stop_signal') or 'TERM'}",
        "Labels": {"org.opencontainers.image.title": f"cdc-pipeline {name}"},
    }
    tag = _digest([RECIPE, [layer.key for layer in layers], config, debian.architecture])
    return Image(name, f"{repository}/{name.replace('_', '-')}:{tag}", layers, config)


def _layer_problems(name: str, item: Any, layers: Mapping[str, Any], artifacts: Mapping[str, str]) -> list[str]:
    if not isinstance(item, Mapping) or ("packages" in item) == ("artifact" in item):
        return [f"layers.{name}: a map with one of the keys artifact and packages is expected"]
    known = DEBIAN_KEYS if "packages" in item else ARTIFACT_KEYS
    found = _unknown(f"layers.{name}", item, known)
    if "artifact" in item and item["artifact"] not in artifacts:
        have = ", ".join(sorted(artifacts)) or "none"
        found.append(f"layers.{name}: there is no artifact {item['artifact']!r} (there are {have})")
    base = layers.get(item.get("base", ""))
    if "base" in item and not (isinstance(base, Mapping) and "packages" in base and "base" not in base):
        found.append(f"layers.{name}: base: {item['base']!r} is no layer of packages that stands on its own")
    return found


def _image_problems(name: str, item: Any, layers: Mapping[str, Any]) -> list[str]:
    if not isinstance(item, Mapping) or not item.get("layers"):
        return [f"images.{name}: a map with the key layers is expected"]
    found = _unknown(f"images.{name}", item, IMAGE_KEYS)
    found += [
        f"images.{name}: there is no layer {layer!r} {did_you_mean(str(layer), layers)}".rstrip()
        for layer in item["layers"]
        if layer not in layers
    ]
    return found


def _unknown(place: str, item: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    return [f"{place}: {key} is unknown {did_you_mean(key, known)}".rstrip() for key in item if key not in known]


def _key(name: str, inputs: Sequence[Any]) -> str:
    return f"{name}-{_digest([RECIPE, *inputs])}"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
