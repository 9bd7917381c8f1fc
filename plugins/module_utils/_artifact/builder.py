# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Builds artifacts with the ecosystems' own clients (pip, Maven), verified, and moves them into place whole."""

from __future__ import annotations

import fcntl
import fnmatch
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

from .._errors import FailedError, PipelineError
from .catalogue import BUILT_LAST, JAVA, Artifact
from .class_path import CLASS_PATH, manifest, resolve

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>cdc.pipeline</groupId><artifactId>{name}</artifactId>
<version>1</version><packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>
"""
SCRIPT = """#!{python}
import sys

sys.path.insert(0, {library!r})
from {module} import {function}

# A process that multiprocessing spawns imports this file.
if __name__ == "__main__":
    sys.exit({function}())
"""
# Of the classes that are compiled here: the lowest that Kafka Connect's Java and the language of the sources allow.
JAVA_RELEASE = 21
# Stated, or Debian's Maven takes the one of its super POM, which knows fewer classifiers.
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
# What has to go with jars, in images as well.
LICENCES = ("LICENSE*", "NOTICE*", "COPYRIGHT*")
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class Builder:
    """Builds what is missing of a catalogue.

    :param cache: folder of the artifacts; downloads are kept in `downloads/` below it.
    :param python: interpreter that virtual environments are made of.
    :param maven_settings: a settings.xml for mirrors and credentials; empty for the client's own.
    """

    def __init__(self, cache: Path, python: str, maven_settings: str = "") -> None:
        self.cache = cache
        self.python = python
        self.maven_settings = maven_settings

    def build(self, artifacts: Sequence[Artifact]) -> list[str]:
        """Build the missing ones, two at a time, since each is bound by network or one core.

        Those that are built apart are left out.

        :returns: names of what was built here.
        :raises FailedError: naming each artifact that could not be had.
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        futures: dict[str, Future[bool]] = {}
        errors: list[BaseException] = []
        first = [artifact for artifact in artifacts if artifact.kind not in BUILT_LAST and not artifact.apart]
        last = [[artifact for artifact in artifacts if artifact.kind == kind] for kind in BUILT_LAST]
        for stage in (first, *last):
            if errors:
                break
            with ThreadPoolExecutor(max_workers=2) as pool:
                futures |= {artifact.name: pool.submit(self._build_one, artifact) for artifact in stage}
            errors = [error for future in futures.values() if (error := future.exception())]
        for error in errors:
            if not isinstance(error, PipelineError):
                raise error
        if errors:
            raise FailedError(
                f"{len(errors)} of {len(artifacts)} artifacts could not be built",
                where=str(self.cache),
                why="\n".join(str(getattr(error, "message", error)) for error in errors),
                remedy="Check the access to the package registries (pip, Maven; mirrors are variables of the role "
                "artifacts), then run the same command again: what is built already is kept.",
            )
        return [name for name, future in futures.items() if future.result()]

    def _build_one(self, artifact: Artifact) -> bool:
        builders: Mapping[str, Callable[[Artifact, Path], None]] = {
            "venv": self._venv,
            "maven": self._maven,
            "archive": self._archive,
            "python_package": self._python_package,
            "java_plugin": self._java_plugin,
            "class_path": self._class_path,
        }
        with self._locked(artifact):
            if artifact.present:  # another run was faster
                return False
            prefix = f".{artifact.path.name}-"
            for left in self.cache.glob(f"{prefix}*"):  # by a build that was killed
                shutil.rmtree(left)
            staging = Path(tempfile.mkdtemp(prefix=prefix, dir=self.cache))
            try:
                # A virtual environment knows its own path, so it is built under its last name and marked by a link.
                target = staging / "content"
                builders[artifact.kind](artifact, target)
                target.chmod(0o755)
                target.rename(artifact.path)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        return True

    @contextmanager
    def _locked(self, artifact: Artifact) -> Iterator[None]:
        with open(self.cache / f".{artifact.path.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _run(self, artifact: Artifact, command: Sequence[str]) -> None:
        # A download whose run was killed would write into a folder that the next run has removed.
        bound = [*_ENDS_WITH_US, *command] if shutil.which(_ENDS_WITH_US[0]) else command
        done = subprocess.run(bound, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            output = (done.stdout + done.stderr).strip().splitlines()
            errors = [line for line in output if "ERROR" in line.upper() and "Help" not in line] or output
            raise FailedError(
                f"Artifact {artifact.name}: {Path(command[0]).name} ended with {done.returncode}",
                where=" ".join(command[:6]),
                why="\n".join(_shortened(line) for line in errors[:8]),
            )

    def _venv(self, artifact: Artifact, target: Path) -> None:
        # Debian's interpreter has no ensurepip unless python3-venv is installed; the controller's pip serves it.
        self._run(artifact, [self.python, "-m", "venv", "--without-pip", str(target)])
        pip = [sys.executable, "-m", "pip", "--python", str(target / "bin/python")]
        options = ["--quiet", "--no-input", "--require-hashes", "--cache-dir", str(self.cache / "downloads/pip")]
        self._run(artifact, [*pip, "install", *options, "-r", str(artifact.options["requirements"])])
        for script in (target / "bin").iterdir():
            if script.is_file() and not script.is_symlink() and script.read_bytes()[:2] == b"#!":
                text = script.read_bytes()
                script.write_bytes(text.replace(str(target).encode(), str(artifact.path).encode()))

    def _mvn(self, artifact: Artifact, *arguments: str) -> None:
        settings = ["-s", self.maven_settings] if self.maven_settings else []
        repository = f"-Dmaven.repo.local={self.cache / 'downloads/maven'}"
        self._run(artifact, ["mvn", "--batch-mode", "--no-transfer-progress", *settings, repository, *arguments])

    def resolve(self, artifact: Artifact, jars: Path, *arguments: str) -> None:
        """Put the jars of an artifact of the kind maven into the folder `jars`, as Maven resolves them, unverified.

        :param arguments: further options for Maven.
        """
        options = artifact.options
        parts = [coordinates.split(":") for coordinates in options["dependencies"]]
        dependencies = "".join(
            f"<dependency><groupId>{escape(g)}</groupId><artifactId>{escape(a)}</artifactId>"
            f"<version>{escape(v)}</version></dependency>"
            for g, a, v in parts
        )
        with tempfile.TemporaryDirectory() as folder:
            pom = Path(folder) / "pom.xml"
            pom.write_text(POM.format(name=escape(artifact.name), dependencies=dependencies))
            goal = f"{DEPENDENCY_PLUGIN}:copy-dependencies"
            wanted = [f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
            self._mvn(artifact, *arguments, "-f", str(pom), goal, *wanted)
        for jar in list(jars.iterdir()):
            if any(fnmatch.fnmatch(jar.name, pattern) for pattern in options.get("exclude") or ()):
                jar.unlink()

    def download(self, artifact: Artifact, folder: Path, *arguments: str) -> Path:
        """The file of an artifact of the kind archive, put into an empty `folder`, unverified."""
        goal = f"{DEPENDENCY_PLUGIN}:copy"
        coordinates = artifact.options["coordinates"]
        self._mvn(artifact, *arguments, goal, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}")
        (file,) = folder.iterdir()
        return file

    def _maven(self, artifact: Artifact, target: Path) -> None:
        options = artifact.options
        jars = target / options.get("folder", "")
        self.resolve(artifact, jars)
        expected = read_checksums(Path(options["checksums"]))
        found = {jar.name: sha256(jar) for jar in jars.iterdir()}
        if found != expected:
            wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
            raise FailedError(
                f"Artifact {artifact.name}: {len(wrong)} files are not those of the list of checksums",
                where=str(options["checksums"]),
                why=", ".join(wrong[:10]),
                remedy="If the versions were changed on purpose, write the list again with `make lock` and review it; "
                "otherwise do not trust the repository that delivered these.",
            )
        if options.get("services"):
            with zipfile.ZipFile(jars / f"{artifact.name}-services.jar", "w") as jar:
                for interface, implementation in options["services"].items():
                    jar.writestr(f"META-INF/services/{interface}", f"{implementation}\n")
        if options.get("class_path"):
            _write_class_path(
                jars, [jar.file for jar in resolve({artifact.name: [j.name for j in jars.glob("*.jar")]})]
            )

    def _archive(self, artifact: Artifact, target: Path) -> None:
        coordinates = artifact.options["coordinates"]
        file = self.download(artifact, target.parent / "download")
        if sha256(file) != artifact.options["sha256"]:
            raise FailedError(
                f"Artifact {artifact.name}: the checksum of {coordinates} is wrong",
                where=file.name,
                why=f"expected {artifact.options['sha256']}, found {sha256(file)}",
                remedy="Do not trust the repository that delivered this file.",
            )
        if file.suffix == ".jar":
            target.mkdir()
            shutil.copy(file, target)
            return
        strip = int(artifact.options.get("strip", 0))
        with tarfile.open(file) as tar:
            members = []
            for member in tar.getmembers():
                kept = Path(member.name).parts[strip:]
                # The checksum vouches for the contents; this keeps even a wrong pin from writing elsewhere.
                if kept and ".." not in kept and (member.isfile() or member.isdir()):
                    member.name = "/".join(kept)
                    members.append(member)
            tar.extractall(target, members=members)

    def _python_package(self, artifact: Artifact, target: Path) -> None:
        source = Path(artifact.options["source"])
        (library,) = (source / "src").glob("*/__init__.py")
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(library.parent, target / library.parent.name, ignore=ignored)
        # The services' user may not write here, so the byte code is made now.
        compileall = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(target)]
        self._run(artifact, [self.python, *compileall])
        project = tomllib.loads((source / "pyproject.toml").read_text())
        scripts = project["project"].get("scripts", {})
        (target / "bin").mkdir()
        for name, entry in scripts.items():
            module, function = entry.split(":")
            script = target / "bin" / name
            script.write_text(
                SCRIPT.format(
                    python=Path(artifact.options["environment"]) / "bin/python",
                    library=str(artifact.path),
                    module=module,
                    function=function,
                )
            )
            script.chmod(0o755)

    def _java_plugin(self, artifact: Artifact, target: Path) -> None:
        """What the base has, and a jar of the sources beside its jars, since it uses their classes."""
        options = artifact.options
        sources = Path(options["source"]) / "src"
        shutil.copytree(options["base"], target)
        (java,) = Path(options["java"]).glob(JAVA)
        (compiler,) = Path(options["compiler"]).glob("*.jar")
        jars = [jar for folder in [target, *map(Path, options["classpath"])] for jar in sorted(folder.rglob("*.jar"))]
        classes = target.parent / "classes"
        arguments = [f"-{JAVA_RELEASE}", "-proc:none", "-nowarn", "-encoding", "UTF-8", "-d", str(classes)]
        arguments += ["-cp", ":".join(map(str, jars)), str(sources)]
        self._run(artifact, [str(java), "-jar", str(compiler), *arguments])
        content = {path.relative_to(classes).as_posix(): path.read_bytes() for path in classes.rglob("*.class")}
        resources = (path for path in sources.rglob("*") if path.is_file() and path.suffix != ".java")
        content |= {path.relative_to(sources).as_posix(): path.read_bytes() for path in resources}
        with zipfile.ZipFile(target / options["folder"] / f"cdc-{artifact.name}.jar", "w") as jar:
            for name in sorted(content):
                # Without a date of its own, so that the same sources give the same file.
                jar.writestr(zipfile.ZipInfo(name), content[name], zipfile.ZIP_DEFLATED)

    def _class_path(self, artifact: Artifact, target: Path) -> None:
        """The jars of the artifacts in one folder, each library once, and the jar that names them in their order."""
        # By the name that the catalogue has; the folders' names end with a hash.
        folders = {Path(folder).name.rpartition("-")[0]: Path(folder) for folder in artifact.options["artifacts"]}
        found = {name: {jar.name: jar for jar in folder.rglob("*.jar")} for name, folder in folders.items()}
        chosen = resolve({name: list(jars) for name, jars in found.items()})
        target.mkdir()
        for jar in chosen:
            shutil.copy2(found[jar.artifact][jar.file], target)
        for name, folder in folders.items():
            for licence in sorted(path for pattern in LICENCES for path in folder.rglob(pattern)):
                (target / "licences" / name).mkdir(parents=True, exist_ok=True)
                shutil.copy2(licence, target / "licences" / name)
        _write_class_path(target, [jar.file for jar in chosen])


def _write_class_path(folder: Path, files: Sequence[str]) -> None:
    with zipfile.ZipFile(folder / CLASS_PATH, "w") as jar:
        # Without a date of its own, so that the same jars give the same file.
        jar.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), manifest(files))


def _shortened(line: str, limit: int = 300) -> str:
    """Maven puts a whole chain of causes on one line; the last says most."""
    return line if len(line) <= limit else f"{line[: limit // 3]} ... {line[-limit * 2 // 3 :]}"


def read_checksums(path: Path) -> dict[str, str]:
    """Lines as `sha256sum` writes them, to file name → digest."""
    lines = (line.split() for line in path.read_text().splitlines() if line.strip())
    return {name.lstrip("*"): digest for digest, name in lines}


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
