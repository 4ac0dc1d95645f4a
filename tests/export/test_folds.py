"""K splits of one corpus, by tune."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("symusic")

from tests.export import strangers, tiny

from ripieno.errors import FileError, SettingsError
from ripieno_export import folds, packing
from ripieno_export.cli import main
from ripieno_export.packed import UNKNOWN, Packed

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_as_it_was")]

TINY = tiny.TINY.with_(steps=4, valid_every=2)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """Thirty tunes, each in two versions of one name."""
    from dataclasses import replace

    tunes = list(strangers.pieces(60, 100))
    twins = [replace(tune, family=f"tune {n // 2}") for n, tune in enumerate(tunes)]
    return packing.pack(twins, tmp_path_factory.mktemp("folds") / "corpus")


def test_every_tune_is_held_out_exactly_once_with_all_its_versions(
    packed: Packed,
) -> None:
    found = list(folds.folds(packed, 4))
    assert (np.stack([fold.held_out for fold in found]).sum(0) == 1).all()
    for fold in found:
        held_out, trained = (
            set(fold.family[side].tolist()) for side in (fold.held_out, ~fold.held_out)
        )
        assert held_out.isdisjoint(trained)


def test_the_fold_of_a_tune_depends_on_its_name_only(
    packed: Packed, tmp_path: Path
) -> None:
    fewer = packing.pack(strangers.pieces(20, 100), tmp_path / "c")
    known = dict(zip(packed.family.tolist(), packed.family % 4, strict=True))
    for family, fold in zip(fewer.family.tolist(), fewer.family % 4, strict=True):
        assert known.get(family, fold) == fold


def test_the_mean_and_deviation_of_the_folds_are_told(
    packed: Packed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spread = folds.run(TINY, packed, 2, tmp_path, None)
    assert len(spread.nats) == 2
    assert spread.mean == pytest.approx(np.mean(spread.nats), abs=1e-3)
    assert spread.deviation == pytest.approx(np.std(spread.nats, ddof=1), abs=1e-3)
    assert f"{spread.mean:.4f} ± {spread.deviation:.4f}" in capsys.readouterr().out
    assert json.loads((tmp_path / folds.FIGURES).read_text())["mean"] == spread.mean
    assert (tmp_path / "fold-2" / "best.pt").is_file()


def test_one_fold_is_no_spread(packed: Packed) -> None:
    with pytest.raises(SettingsError, match="must be at least 2"):
        list(folds.folds(packed, 1))


def test_a_corpus_without_families_is_to_be_packed_again(packed: Packed) -> None:
    from dataclasses import replace

    old = replace(packed, family=np.full(len(packed.family), UNKNOWN))
    with pytest.raises(FileError, match="pack it again"):
        list(folds.folds(old, 2))


def test_more_folds_than_tunes_is_a_sentence(packed: Packed) -> None:
    with pytest.raises(FileError, match="take fewer folds"):
        list(folds.folds(packed, 1000))


def test_folds_are_for_event_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["train", "chorale-gru", "--data", str(tmp_path), "--folds", "3"]
    assert main(given) == 2
    assert "folds are for event models" in capsys.readouterr().err
