"""The wheel holds the files it should, and works outside the checkout."""

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from tests.command import ROOT, write_tune

from ripieno import __version__
from ripieno.files.midi import read_performance

PACKAGES = {"daemon/ripieno": "ripieno", "export/ripieno_export": "ripieno_export"}
SHIPPED = (".py", ".toml", "py.typed")
SHARE = f"ripieno-{__version__}.data/data/share/ripieno"
DATA = f"{SHARE}/models"
INFO = f"ripieno-{__version__}.dist-info"
MODEL = ("model.onnx", "manifest.json", "golden.npz", "README.md")

pytestmark = [pytest.mark.process, pytest.mark.slow]


LIBRARY = "ripieno/ports/_jack_callback.so"
HAS_COMPILER = os.name != "nt" and shutil.which("cc") is not None


def pip(*arguments, env=None):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built as a user's pip builds it."""
    return built(tmp_path_factory.mktemp("wheel"))


def built(folder, **env):
    """A wheel in a folder, built with more in the environment."""
    try:
        import hatchling  # noqa: F401
    except ImportError:
        isolation = []
    else:
        isolation = ["--no-build-isolation"]
    arguments = ("--quiet", "--no-deps", *isolation, "-w", str(folder), str(ROOT))
    pip("wheel", *arguments, env=os.environ | env)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as file:
        return {name for name in file.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """The programs of a fresh environment that has the wheel, and our dependencies."""
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home, symlinks=os.name != "nt")
    base = {"base": str(home), "platbase": str(home)}
    purelib = Path(sysconfig.get_path("purelib", "venv", base))
    borrowed = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    borrowed += site.getsitepackages()
    (purelib / "borrowed.pth").write_text("\n".join(dict.fromkeys(borrowed)))
    scripts = Path(sysconfig.get_path("scripts", "venv", base))
    python = scripts / Path(sys.executable).name
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    return scripts


def run_there(scripts, folder, *arguments):
    """Run the installed command far from the checkout."""
    ours = ("PYTHONPATH", "RIPIENO_MODELS", "VIRTUAL_ENV")
    done = subprocess.run(
        [scripts / "ripieno", *map(str, arguments)],
        env={name: value for name, value in os.environ.items() if name not in ours},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(ROOT) not in done.stdout + done.stderr
    return done.stdout


def in_checkout():
    """What the checkout says that the wheel should hold."""
    expected = set()
    for folder, package in PACKAGES.items():
        for path in (ROOT / folder).rglob("*"):
            if path.name.endswith(SHIPPED):
                expected.add(f"{package}/{path.relative_to(ROOT / folder).as_posix()}")
    for path in (ROOT / "models").rglob("*"):
        relative = path.relative_to(ROOT / "models")
        if path.is_file() and relative.as_posix()[0] != ".":
            expected.add(f"{DATA}/{relative.as_posix()}")
    if HAS_COMPILER:
        expected.add(LIBRARY)
    about = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    return expected | {f"{INFO}/{name}" for name in about}


def test_it_holds_exactly_what_the_checkout_ships(names):
    assert names == in_checkout()


def test_it_holds_both_packages_and_the_presets(names):
    assert {"ripieno/commands/cli.py", "ripieno/engine.py", "ripieno/py.typed"} <= names
    assert "ripieno_export/configs/event-gru.toml" in names
    assert len([name for name in names if name.endswith(".py")]) > 60


def test_it_holds_the_model_whole(wheel, names):
    assert {f"{DATA}/event-gru/{name}" for name in MODEL} <= names
    with zipfile.ZipFile(wheel) as file:
        for name in MODEL:
            there = (ROOT / "models" / "event-gru" / name).read_bytes()
            assert file.read(f"{DATA}/event-gru/{name}") == there


def test_it_holds_no_test_and_nothing_stray(names):
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"ripieno", "ripieno_export", DATA.partition("/")[0], INFO}
    assert not [n for n in names if "test_" in n or "__pycache__" in n or "/." in n]


def test_it_has_both_commands(wheel):
    with zipfile.ZipFile(wheel) as file:
        points = file.read(f"{INFO}/entry_points.txt").decode()
    assert "ripieno = ripieno.__main__:main" in points
    assert "ripieno-export = ripieno_export.cli:main" in points


def test_with_native_code_it_is_for_any_python_on_such_a_machine(wheel):
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    kind = platform if HAS_COMPILER else "any"
    assert wheel.name == f"ripieno-{__version__}-py3-none-{kind}.whl"


def test_without_native_code_it_is_for_every_machine(tmp_path):
    wheel = built(tmp_path, RIPIENO_WITHOUT_NATIVE="1")
    assert wheel.name == f"ripieno-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as file:
        assert LIBRARY not in file.namelist()


@pytest.mark.parametrize("env", [{}, {"RIPIENO_WITHOUT_NATIVE": "1"}])
def test_building_it_leaves_the_library_of_the_checkout(env, tmp_path):
    def library():
        path = ROOT / "daemon" / LIBRARY
        return path.stat().st_mtime_ns if path.exists() else None

    before = library()
    built(tmp_path, **env)
    assert library() == before


def test_its_metadata_names_the_licence_and_the_python(wheel):
    with zipfile.ZipFile(wheel) as file:
        lines = file.read(f"{INFO}/METADATA").decode().splitlines()
    assert "License-Expression: Apache-2.0" in lines
    assert "Requires-Python: >=3.11" in lines
    assert not [
        n for n in lines if n.startswith("Requires-Dist: torch") and ";" not in n
    ]


def test_installed_elsewhere_it_finds_its_model(elsewhere, tmp_path):
    out = run_there(elsewhere, tmp_path, "models")
    assert "event-gru: gru, " in out
    assert str(elsewhere.parent / "share" / "ripieno" / "models") in out


def test_installed_elsewhere_it_plays(elsewhere, tmp_path):
    tune = write_tune(tmp_path / "tune.mid")
    run_there(elsewhere, tmp_path, "render", tune, "-o", "duet.mid", "--seed", "1")
    tracks = read_performance(tmp_path / "duet.mid").tracks
    assert [track.name for track in tracks] == ["Piano", "Ripieno solo"]
