"""Builds the site of more than `docs/`: generated pages, and files from elsewhere.

MkDocs calls the functions whose names begin with ``on_``. Links in the sources are
relative to the file that they are in, so that they also work where the repository is
read. Here each link to a file that is a page of the site is changed to that page. A
link to any other file of the repository is replaced by its text.
"""

import posixpath
import re
from pathlib import Path

import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent

ELSEWHERE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/literature.md": "literature.md",
    "export/NOTES.md": "training-notes.md",
    **{
        f"models/{card.parent.name}/README.md": f"models/{card.parent.name}.md"
        for card in sorted(ROOT.glob("models/*/README.md"))
    },
}
"""File of the repository → page of the site, for what lies outside `docs/`."""
GENERATED = {
    "parameters.md": reference.parameters,
    "roles.md": reference.roles,
    "decisions/index.md": reference.decisions,
}
"""Page → what writes it."""
SOURCES = {page: source for source, page in ELSEWHERE.items()}

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages, and the pages that lie outside `docs/`."""
    for page, write in GENERATED.items():
        files.append(File.generated(config, page, content=write()))
    for source, page in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        # Model cards are listed on the page of models, not in the menu.
        level = InclusionLevel.NOT_IN_NAV if "/" in page else InclusionLevel.INCLUDED
        files.append(File.generated(config, page, content=text, inclusion=level))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Changes links between files of the repository to links between pages."""
    here = page.file.src_uri
    source = SOURCES.get(here, f"docs/{here}")

    def changed(found: re.Match[str]) -> str:
        text, target = found.groups()
        path, hash_, anchor = target.partition("#")
        if not path or "://" in target or target.startswith("mailto:"):
            return found.group()
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        goal = ELSEWHERE.get(inside, inside.removeprefix("docs/"))
        if files.get_file_from_path(goal) is None:
            return text if (ROOT / inside).exists() else found.group()
        relative = posixpath.relpath(goal, posixpath.dirname(here) or ".")
        return f"[{text}]({relative}{hash_}{anchor})"

    return _LINK.sub(changed, markdown)
