"""The guide is true: its commands parse, its links and the paths in it exist."""

import argparse
import re
import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest
from tests.command import ROOT
from tests.guide import reference

from ripieno.commands import cli
from ripieno.errors import SettingsError
from ripieno.settings import config
from ripieno.settings.params import KNOBS
from ripieno.settings.roles import ROLES
from ripieno_export import cli as export_cli

GUIDE = sorted(
    path
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
)
LINKED = sorted(
    {*GUIDE, *ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md"),
     *ROOT.glob("export/*.md"), *ROOT.glob("models/*/README.md")}
)  # fmt: skip
GENERATED = {"docs/parameters.md", "docs/roles.md", "docs/decisions/index.md"}

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PLACE = re.compile(r"(?:daemon|export|docs|benchmarks|tests|models)/[\w./-]+")
MODULE = re.compile(r"ripieno(?:_export)?(?:\.[A-Za-z_]\w*)+")
PLACEHOLDERS = {"NAME", "COMMAND"}
"""Words of a command line that stand for a choice."""
HOMES = {"ripieno": ROOT / "daemon", "ripieno_export": ROOT / "export"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def code(path, *languages):
    """The lines of a page's blocks of code in some languages."""
    blocks = FENCE.findall(path.read_text(encoding="utf-8"))
    return [body for language, body in blocks if language in languages]


def quoted(path):
    """What stands between back quotes in a page, outside of its blocks of code."""
    prose = FENCE.sub("", path.read_text(encoding="utf-8"))
    return QUOTED.findall(prose)


def texts(path):
    """The lines of a page's shell commands, and what it quotes."""
    return [*(line for block in code(path, "sh") for line in block.splitlines()),
            *quoted(path)]  # fmt: skip


def command_lines(path, program):
    """The command lines of a program on a page, as words after the program's name.

    A bare mention of a command, as in "`ripieno bench`", becomes a call for its help.
    So does one with a placeholder, as in "`ripieno bench NAME`".
    """
    lines = [line for block in code(path, "sh") for line in block.splitlines()]
    for line in [*lines, *quoted(path)]:
        is_mention = line not in lines
        words = line.split() if is_mention else shlex.split(line, comments=True)
        if not words or words[0].removeprefix(".venv/bin/") != program:
            continue
        if is_mention and not words[1:]:
            continue
        known = [word for word in words[1:] if word not in PLACEHOLDERS]
        is_bare = is_mention and (len(words) == 2 or known != words[1:])
        yield [*known, "--help"] if is_bare else known


def refused(parser: argparse.ArgumentParser, lines):
    """The command lines that a parser does not take."""
    found = []
    for words in lines:
        try:
            parser.parse_args(words)
        except SystemExit as end:  # of --help, with 0
            if end.code != 0:
                found.append(words)
        except SettingsError:
            found.append(words)
    return found


def test_the_guide_has_many_command_lines():
    lines = [words for path in GUIDE for words in command_lines(path, "ripieno")]
    assert len(lines) > 40


@pytest.mark.parametrize("path", GUIDE, ids=name_of)
def test_every_command_line_of_ripieno_on_a_page_is_parsed(path):
    lines = list(command_lines(path, "ripieno"))
    assert refused(cli._parser(), lines) == []


@pytest.mark.parametrize("path", GUIDE, ids=name_of)
def test_every_command_line_of_training_on_a_page_is_parsed(path):
    lines = list(command_lines(path, "ripieno-export"))
    assert refused(export_cli._parser(), lines) == []


def flags(parser: argparse.ArgumentParser):
    """All flags of a parser and of its commands."""
    found = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            found = found.union(*map(flags, action.choices.values()))
    return found


@pytest.mark.parametrize("path", GUIDE, ids=name_of)
def test_every_flag_that_a_page_names_exists(path):
    known = flags(cli._parser()) | flags(export_cli._parser())
    named = [text.split()[0] for text in quoted(path) if text.startswith("--")]
    assert [flag for flag in named if flag not in known] == []


@pytest.mark.parametrize("path", GUIDE, ids=name_of)
def test_every_program_of_ours_that_a_page_runs_exists(path):
    run = [re.search(r"\bpython -m (benchmarks\.\w+)", text) for text in texts(path)]
    named = [found.group(1).replace(".", "/") for found in run if found]
    assert [name for name in named if not (ROOT / f"{name}.py").is_file()] == []


@pytest.mark.parametrize("path", GUIDE, ids=name_of)
def test_a_settings_file_in_the_guide_is_accepted(path, tmp_path):
    for text in code(path, "toml"):
        file = tmp_path / "settings.toml"
        file.write_text(text, encoding="utf-8")
        assert config.load(file, {}, {}) != config.Settings()
        assert tomllib.loads(text)


@pytest.mark.parametrize("path", LINKED, ids=name_of)
def test_every_relative_link_of_a_page_leads_to_a_file(path):
    targets = [t for t in LINK.findall(path.read_text("utf-8")) if "://" not in t]
    files = [
        (path.parent / t.partition("#")[0]).resolve() for t in targets if t[0] != "#"
    ]
    missing = [
        name_of(file)
        for file in files
        if not file.exists() and name_of(file) not in GENERATED
    ]
    assert not missing


@pytest.mark.parametrize("path", GUIDE, ids=name_of)
def test_every_path_that_a_page_names_exists(path):
    named = [text for text in quoted(path) if PLACE.fullmatch(text)]
    assert [text for text in named if not (ROOT / text).exists()] == []


@pytest.mark.parametrize("path", GUIDE, ids=name_of)
def test_every_module_that_a_page_names_exists(path):
    named = [text for text in quoted(path) if MODULE.fullmatch(text)]
    assert [text for text in named if not is_there(text)] == []


def is_there(dotted):
    """Whether a dotted name is a module, or a name within one."""
    package, *names = dotted.split(".")
    place = HOMES[package] / package
    for at, name in enumerate(names):
        if (place / name).is_dir():
            place /= name
        elif (file := place / f"{name}.py").is_file():
            within = names[at + 1 :]
            return not within or within[0] in file.read_text(encoding="utf-8")
        else:
            return name in (place / "__init__.py").read_text(encoding="utf-8")
    return True


def test_every_package_in_the_readmes_table_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| [^|]+ \| ((?:`\w+/`|`protocol\.py`).*) \|$", text, re.MULTILINE
    )
    named = {name for row in rows for name in QUOTED.findall(row)}
    assert len(named) > 10
    daemon = ROOT / "daemon" / "ripieno"
    assert [name for name in sorted(named) if not (daemon / name).exists()] == []


def test_the_readme_has_at_most_150_lines():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_the_readme_names_every_role_and_every_published_model_is_in_the_guide():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [role for role in ROLES if f"| `{role}` |" not in readme] == []
    models = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    folders = sorted(path.parent.name for path in ROOT.glob("models/*/manifest.json"))
    assert [name for name in folders if f"[`{name}`]" not in models] == []


def test_every_parameter_has_a_row_on_the_page_of_parameters():
    page = reference().parameters()
    assert [name for name in KNOBS if page.count(f"| `{name}` |") != 1] == []


def test_every_role_has_a_row_on_the_page_of_roles():
    page = reference().roles()
    assert [name for name in ROLES if page.count(f"| `{name}` |") != 1] == []


def test_every_decision_has_a_date_and_a_status():
    rows = reference().decisions().splitlines()
    records = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    numbers = [int(path.name[:4]) for path in records]
    assert numbers == list(range(1, len(records) + 1))
    assert [row for row in rows if re.match(r"\| \d+ \|", row)] == rows[-len(records) :]


def test_every_word_of_the_glossary_is_listed_once_and_in_order():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        words = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[2:]
        assert words == sorted(set(words), key=str.lower)
    rows = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    words = [word.strip() for row in rows for word in row.split(",")]
    repeated = {word for word in words if words.count(word) > 1}
    assert repeated == {"word"}


def test_every_setting_outside_of_play_is_in_the_guide():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    fields = {f.name for f in msgspec.structs.fields(config.Settings)}
    assert [name for name in sorted(fields) if f"`{name}`" not in page
            and f"[{name}]" not in page] == []  # fmt: skip
