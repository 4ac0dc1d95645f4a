"""Presence: who plays is found, who is dead is not, and nobody else looks in."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ripieno.errors import FileError, PortError
from ripieno.ipc import presence
from ripieno.ipc.presence import Presence

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.fixture(autouse=True)
def runtime_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def me(name_in="Ripieno In"):
    return Presence(os.getpid(), "block", name_in, "Ripieno Out")


def the_dead():
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_who_announces_itself_is_found_until_it_withdraws():
    path = presence.announce(me())
    assert presence.present() == [(path, me())]
    presence.withdraw(path)
    assert presence.present() == []
    presence.withdraw(path)


@posix
def test_what_a_dead_process_left_counts_for_nothing_and_is_removed():
    path = presence.announce(Presence(the_dead(), "block", "Ripieno In", "Out"))
    assert presence.present() == []
    assert not path.exists()


def test_a_file_that_is_none_of_ours_is_left_alone():
    stray = presence.folder() / "7.json"
    stray.write_text("{")
    assert presence.present() == []
    assert stray.exists()


@posix
def test_the_folder_is_for_its_user_alone():
    assert presence.folder().stat().st_mode & 0o777 == 0o700


@posix
def test_a_folder_that_others_may_write_in_is_refused():
    presence.folder().chmod(0o777)
    with pytest.raises(FileError, match="not a folder of yours alone"):
        presence.present()


@posix
def test_a_folder_that_is_a_link_is_refused(runtime_dir, tmp_path_factory):
    (runtime_dir / "ripieno").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(FileError, match="not a folder of yours alone"):
        presence.folder()


@posix
def test_without_a_runtime_folder_the_temporary_one_has_the_users_number(
    monkeypatch, tmp_path
):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert presence.folder() == tmp_path / f"ripieno-{os.getuid()}"


@posix
def test_one_at_a_time():
    path, order = presence.announce(me()), []
    inside = threading.Event()

    def second():
        inside.wait()
        with presence.alone(path):
            order.append("second")

    waiting = threading.Thread(target=second)
    waiting.start()
    with presence.alone(path):
        inside.set()
        waiting.join(0.1)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_a_daemon_that_has_just_ended_has_no_lock():
    with (
        pytest.raises(PortError, match="has just ended"),
        presence.alone(Path("nowhere.json")),
    ):
        pass
