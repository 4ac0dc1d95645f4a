"""Running daemons are found by files in a folder for their user only."""

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


def test_an_announced_daemon_is_found_until_it_withdraws():
    path = presence.announce(me())
    assert presence.present() == [(path, me())]
    presence.withdraw(path)
    assert presence.present() == []
    presence.withdraw(path)


@posix
def test_the_file_of_a_dead_process_is_ignored_and_removed():
    path = presence.announce(Presence(the_dead(), "block", "Ripieno In", "Out"))
    assert presence.present() == []
    assert not path.exists()


def test_a_file_that_is_not_a_presence_is_kept_and_ignored():
    stray = presence.folder() / "7.json"
    stray.write_text("{")
    assert presence.present() == []
    assert stray.exists()


@posix
def test_the_folder_has_permissions_for_its_user_only():
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
def test_without_a_runtime_folder_the_temporary_folder_is_named_by_user(
    monkeypatch, tmp_path
):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert presence.folder() == tmp_path / f"ripieno-{os.getuid()}"


@posix
def test_a_second_change_waits_until_the_first_releases_the_lock():
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


def test_locking_a_daemon_that_has_ended_is_refused():
    with (
        pytest.raises(PortError, match="has just ended"),
        presence.alone(Path("nowhere.json")),
    ):
        pass
