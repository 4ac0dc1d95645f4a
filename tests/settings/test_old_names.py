"""An old name of a parameter means the new one, and one sentence gives the new name."""

import pytest

from ripieno.errors import SettingsError
from ripieno.files import journal
from ripieno.files.journal import Turned, encode, header
from ripieno.settings.beginning import Beginning
from ripieno.settings.config import Settings, load
from ripieno.settings.params import Params


def test_an_old_name_in_a_file_means_the_new_one_and_a_sentence_says_so(tmp_path):
    path, said = tmp_path / "mine.toml", list[str]()
    path.write_text('[play]\nstyle = "pop"\n[controls]\nstyle = 30\n')
    settings = load(path, {}, {}, tell=said.append)
    assert settings == Settings(play=Params(texture="pop"), controls={"texture": 30})
    assert said == ["style is now called texture; the old name still works."] * 2


def test_a_flag_wins_over_the_old_name_in_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[play]\nstyle = "pop"\n')
    assert load(path, {}, {"texture": "song"}).play.texture == "song"


def test_the_old_and_the_new_name_together_are_refused():
    with pytest.raises(SettingsError, match=r"style is the old name of texture"):
        load(None, {}, {"style": "pop", "texture": "song"})


def test_a_journal_with_an_old_name_of_a_parameter_is_read(tmp_path):
    params = Params(texture="pop")
    begins = header(Beginning(params, controls={"texture": 30}), "0.1.0", b"")
    entries = [begins, Turned(3, params)]
    text = b"".join(encode(entry) + b"\n" for entry in entries)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(text.replace(b'"texture"', b'"style"'))
    assert list(journal.read(path)) == entries
