import os
from pathlib import Path

import numpy as np
import pytest

from ripieno.errors import FileError
from ripieno_export.archives import opened
from ripieno_export.corpus import family_of
from ripieno_export.judge import kinds
from ripieno_export.parts import DOUBLES, part_of
from ripieno_export.split import SHARED, grams

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("RIPIENO_DATA", ROOT.parent / "shared" / "data"))
need_data = pytest.mark.skipif(
    not (DATA / "2_mit_ccby/pop909").is_dir(),
    reason="the shared music is not here: RIPIENO_DATA names its folder",
)


KINDS = tuple(kinds.KINDS)


def families(kind, part):
    found, chosen = set(), kinds.entries(DATA, kind, part)
    for source in kinds.KINDS[kind].sources:
        with opened(DATA / source.path) as archive:
            own = [entry for other, entry in chosen if other == source]
        found |= {family_of(entry, archive.origin) for entry in own}
    return found


def test_a_part_is_a_rule_that_goes_by_the_family():
    parts = {kinds.part_of("hymn", f"tune {number}") for number in range(50)}
    assert parts == {kinds.DEV, kinds.TEST}
    assert kinds.part_of("hymn", "tune 1") == kinds.part_of("hymn", "tune 1", "valid")


def test_a_tune_that_the_dev_part_knows_under_another_title_is_no_test():
    for kind, known in DOUBLES.items():
        assert {kinds.part_of(kind, family) for family in known} == {kinds.DEV}


def test_pop_keeps_the_parts_of_the_protocol():
    for number in range(1, 910):
        family = f"pop909 {number:03}"
        is_test = part_of("pop909", family) == "test"
        assert (kinds.part_of("pop", family) == kinds.TEST) == is_test
        assert kinds.part_of("pop", family, "valid") == kinds.DEV


def test_a_folder_without_data_is_an_error(tmp_path):
    with pytest.raises(FileError):
        kinds.entries(tmp_path, "pop", kinds.DEV)


@need_data
@pytest.mark.parametrize("kind", KINDS)
def test_no_family_is_in_both_parts(kind):
    dev, test = families(kind, kinds.DEV), families(kind, kinds.TEST)
    assert not dev & test
    assert len(test) >= 40
    assert len(dev) >= 30


@need_data
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pop", "jazz", "hymn"])
def test_no_melody_is_in_both_parts(kind):
    dev, test = (kinds.read(DATA, kind, part).pieces for part in kinds.PARTS)
    known = np.unique(np.concatenate([grams(piece.melody) for piece in dev]))
    for piece in test:
        own = grams(piece.melody)
        assert not len(own) or np.isin(own, known).mean() <= SHARED, piece.name


@need_data
def test_the_first_pieces_come_from_every_source_in_turn():
    pieces = kinds.read(DATA, "dance", kinds.DEV, 6).pieces
    labels = [source.label for source in kinds.KINDS["dance"].sources]
    assert [piece.corpus for piece in pieces] == labels * 2


@need_data
def test_the_human_of_a_pop_song_plays_piano_and_bridge():
    source, entry = kinds.entries(DATA, "pop", kinds.DEV)[0]
    notes = dict(map(tuple, entry["tracks"]))
    piece = kinds.read(DATA, "pop", kinds.DEV, 1).pieces[0]
    assert source.also == "BRIDGE"
    assert len(piece.accompaniment) == notes["PIANO"] + notes["BRIDGE"]


@pytest.mark.parametrize("source", ["openewld_clean", "neonscribe_jazz_pd"])
def test_no_lead_sheet_of_the_test_part_is_trained_on(source):
    families = [f"tune {number}" for number in range(400)]
    tested = [f for f in families if kinds.part_of("jazz", f) == kinds.TEST]
    assert {part_of(source, family) for family in tested} == {"test"}
    assert {part_of(source, family, "valid") for family in tested} == {"valid"}
