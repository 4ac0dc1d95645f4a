"""Every recipe without music ends in one sentence before any work is done."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("symusic")

from ripieno.errors import FileError
from ripieno_export.cli import main
from ripieno_export.making import LARGER, MAKERS

pytestmark = pytest.mark.torch

NAMES = [name for name in MAKERS if not name.endswith(LARGER)]


def assert_sentence(capsys, code):
    last = capsys.readouterr().err.splitlines()[-1]
    assert code == FileError.exit_code
    assert last.endswith((".", ")."))


@pytest.mark.parametrize("command", ["make", "publish"])
@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_without_music_is_one_sentence(name, command, tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    options = ["--data", str(data), "--run", str(tmp_path / "run")]
    code = main([command, name, *options, "--models", str(tmp_path / "models")])
    assert_sentence(capsys, code)
    assert not (tmp_path / "models").exists()


def test_tuning_on_a_folder_without_music_is_one_sentence(tmp_path, capsys):
    out = tmp_path / "mine"
    code = main(["finetune", str(tmp_path), "--from", "event-gru", "-o", str(out)])
    assert_sentence(capsys, code)
    assert not out.exists()
