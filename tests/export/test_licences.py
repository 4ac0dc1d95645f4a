"""The licence of weights follows from the licences of the music."""

import json
import re
from pathlib import Path

import pytest
from tests.command import MODELS

from ripieno.errors import SettingsError
from ripieno.think import manifest as manifests
from ripieno.think.manifest import Source
from ripieno_export import licences

DATA = Path(__file__).parents[3] / "shared" / "data"


def source(licence: str, name: str = "songs") -> Source:
    return Source(name, licence, "https://example.org", "0123", 7)


@pytest.mark.parametrize(
    "stated",
    [
        'CC BY 4.0 (LICENSE.txt; per-file "License CC-BY-4.0")',
        "Creative Commons Attribution (version in INDEX `licence`)",
        "CC0 1.0, by the authors; the repository's own code is GPLv3 and was not taken",
        "MIT (R package by the authors); the same is published under ODbL 1.0",
        "public-domain works; encoding without explicit licence",
        "none stated in the repository; Bach chorales are public domain",
        "Unlicense (public domain dedication) for the transcriptions",
        "BSD-3-Clause",
    ],
)
def test_music_that_allows_any_use_gives_weights_under_apache(stated: str) -> None:
    assert licences.of([source(stated)]) == "Apache-2.0"


@pytest.mark.parametrize(
    ("stated", "licence"),
    [
        ("GPLv3 (README: released under the GNU GPLv3 license.)", "GPL-3.0-only"),
        ("GNU General Public License version 2", "GPL-2.0-only"),
        ("GPL-2.0", "GPL-2.0-only"),
        ("AGPL-3.0", "AGPL-3.0-only"),
        ("CC-BY-SA-3.0", "CC-BY-SA-4.0"),
        ("Creative Commons Attribution-ShareAlike 4.0", "CC-BY-SA-4.0"),
        ("Creative Commons Attribution Share Alike 4.0", "CC-BY-SA-4.0"),
        ("not stated", "NOASSERTION"),
        ("", "NOASSERTION"),
    ],
)
def test_share_alike_music_gives_its_own_licence_and_unstated_none(
    stated: str, licence: str
) -> None:
    assert licences.of([source("CC0 1.0"), source(stated)]) == licence


@pytest.mark.parametrize(
    "stated",
    [
        "CC-BY-NC",
        "CC BY-NC-SA 4.0",
        "CC BY-ND 4.0",
        "Attribution-NonCommercial 4.0 International",
        "MIT for the code; the music is for study and research only",
        "All rights reserved",
        "Creative Commons Attribution Non Commercial 4.0 International",
        "Creative Commons Attribution No Derivatives 4.0 International",
        "Creative Commons Attribution Non Commercial Share Alike 4.0",
        "CC BY–NC 4.0",
        "CC BY 3.0 DE, no commercial use",
        "not for commercial use; MIT",
        "MIT code; data for research purposes only",
        "for research use only",
    ],
)
def test_music_that_forbids_it_is_named_and_nothing_is_published(stated: str) -> None:
    with pytest.raises(SettingsError) as caught:
        licences.of([source("CC0 1.0", "free"), source(stated, "theirs")])
    said = str(caught.value)
    assert "theirs" in said
    assert stated in said
    assert said.endswith("train without that source.")


def test_two_share_alike_licences_cannot_both_be_kept() -> None:
    with pytest.raises(
        SettingsError, match=r"one asks for GPL.* and other for CC-BY-SA"
    ):
        licences.of([source("GPLv3", "one"), source("CC BY-SA 4.0", "other")])


@pytest.mark.parametrize("group", [1, 2, 3, 4])
def test_the_shared_folders_are_classed_as_their_readme_says(group: int) -> None:
    """Groups 1 to 3 may be trained on and published freely; group 4 is copyleft."""
    readmes = sorted(DATA.glob(f"{group}_*/*/README.md"))
    if not readmes:
        pytest.skip(f"{DATA} is not there")
    for readme in readmes:
        found = re.search(r"^- Licence: (.+)$", readme.read_text(), re.MULTILINE)
        assert found, readme
        if group < 4:
            assert licences.of([source(found[1])]) == "Apache-2.0", readme
            continue
        try:
            licence = licences.of([source(found[1])])
        except SettingsError:
            continue
        assert licence in ("GPL-3.0-only", "CC-BY-SA-4.0"), readme


@pytest.mark.parametrize("folder", sorted(MODELS.iterdir()), ids=lambda path: path.name)
def test_a_shipped_models_licence_is_the_one_that_its_sources_allow(
    folder: Path,
) -> None:
    manifest = manifests.load(folder)
    assert manifest.licence == licences.of(manifest.sources)
    card = " ".join((folder / "README.md").read_text(encoding="utf-8").split())
    what = "tables" if manifest.interface == "tables" else "weights"
    assert licences.sentence(manifest.licence, what) in card


def test_the_cards_tell_how_the_weights_came_about() -> None:
    """What the notes of training say of three runs stands on their cards, too."""
    cards, figures = {}, {}
    for name in ("event-transformer", "loop-gan", "duet-gru"):
        text = (MODELS / name / "README.md").read_text(encoding="utf-8")
        cards[name] = " ".join(text.split())
        figures[name] = json.loads((MODELS / name / "figures.json").read_text())
    assert (
        "After step 900 the run went on with `steps` 2600 instead of 4000"
        in (cards["event-transformer"])
    )
    for name in ("loop-gan", "duet-gru"):
        assert figures[name]["history"] in cards[name]
    assert "5,500 steps by the critic alone" in cards["loop-gan"]
    assert figures["duet-gru"]["recipes"]["texture"]["name"] == "t"
