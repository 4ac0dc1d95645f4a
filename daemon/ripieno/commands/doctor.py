"""`ripieno doctor`: checks what is installed, what is missing, what to install."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from ripieno import __version__
from ripieno.errors import RipienoError
from ripieno.inference import manifest, tuning
from ripieno.ports.backends import choose_backend, list_ports
from ripieno.ports.jack_native import maybe_native
from ripieno.ports.jack_server import why_no_server
from ripieno.settings.output import say
from ripieno.sound.devices import audio_report
from ripieno.sound.soundfont import SoundFont, find_soundfont
from ripieno.telemetry import VARIABLE, kept_folder


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; the exit code is 1 where something necessary fails."""
    if arguments.tune:
        return _tune()
    worst = 0
    for finding in examine():
        say(f"{finding.verdict:<4}  {finding.topic}: {finding.sentence}")
        worst |= finding.verdict == "FAIL"
    return int(worst)


def _tune() -> int:
    """Find the best number of threads for every model, and store it."""
    from ripieno.bench.tune import sentence, tune

    say("Trying threads, two seconds a model; leave the machine alone meanwhile.")
    for found in tune(manifest.installed()):
        say(sentence(found))
    say(f"Kept in {tuning.path()}; it is used from the next start on.")
    return 0


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        topic: what was checked.
        verdict: ``note`` is for what is not necessary, but worth knowing.
        sentence: what was found, and what to do.
    """

    topic: str
    verdict: Literal["ok", "note", "FAIL"]
    sentence: str


def examine() -> Iterator[Finding]:
    """Yield the result of each check; never raises."""
    yield Finding(
        "Ripieno",
        "ok",
        f"{__version__} on Python {platform.python_version()}, {platform.platform()}.",
    )
    for topic, look in (
        ("MIDI", _midi),
        ("Inference", _inference),
        ("Models", _models),
    ):
        try:
            yield Finding(topic, "ok", look())
        except (RipienoError, ImportError, OSError) as error:
            yield Finding(topic, "FAIL", str(error))
    yield _packages()
    yield _telemetry()
    yield _threads()
    yield _priority()
    if sys.platform == "linux":
        yield _optional("JACK", _jack)
    yield _optional("Sound", audio_report)
    yield _optional("SoundFont", _soundfont)


def _midi() -> str:
    backend, why = choose_backend()
    list_ports(backend)
    return f"ports open on {backend} ({why})."


def _jack() -> str:
    why = why_no_server()
    callback = (
        "its callback is native code"
        if maybe_native() is not None
        else "the native callback was not built, so more periods may be missed: "
        "install a C compiler, then Ripieno again"
    )
    return f"{why}." if why else f"a JACK server answers; {callback}."


def _inference() -> str:
    from ripieno.inference.session import choose_provider, runtime_version

    choice = choose_provider("auto")
    return f"ONNX Runtime {runtime_version()}; {choice.why}."


def _threads() -> Finding:
    try:
        from ripieno.inference.session import runtime_version
    except ImportError:
        return Finding("Threads", "note", "not looked at without ONNX Runtime.")
    found = tuning.found(tuning.here(runtime_version()))
    if found.why_not:
        said = f"what is kept is not used, because {found.why_not}"
        return Finding("Threads", "note", f"{said}: run `ripieno doctor --tune` again.")
    models = found.machine.models
    if not models:
        return Finding(
            "Threads",
            "note",
            f"{tuning.Threads()} for every model; `ripieno doctor --tune` tries others "
            "on this machine.",
        )
    told = [f"{t.model}: {t.threads}" for t in models if t.threads != tuning.Threads()]
    last = max(t.when for t in models)
    return Finding(
        "Threads",
        "ok",
        f"{tuning.Threads()} for every model{' but ' * bool(told)}{', '.join(told)}; "
        f"{len(models)} were tried, the last on {last}.",
    )


def _models() -> str:
    names = [manifest.load(folder).name for folder in manifest.installed()]
    if not names:
        raise RipienoError(
            "no model is installed; copy a model folder to "
            f"{' or '.join(map(str, manifest.folders())) or 'models/'}."
        )
    return f"{', '.join(names)}: complete, and of this daemon's vocabulary."


def _packages() -> Finding:
    from ripieno.inference.packages import both_are_installed

    if both_are_installed():
        return Finding(
            "Packages",
            "FAIL",
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each "
            "other: uninstall both, then install Ripieno again.",
        )
    return Finding("Packages", "ok", "one ONNX Runtime package, as it should be.")


def _telemetry() -> Finding:
    said = f"ONNX Runtime's is off: Ripieno sets {VARIABLE}=1 before it loads it"
    if (folder := kept_folder()) is None:
        return Finding("Telemetry", "ok", f"{said}.")
    return Finding(
        "Telemetry",
        "note",
        f"{said}; {folder} is from another program or an earlier version, and can be "
        "deleted.",
    )


def _priority() -> Finding:
    if sys.platform != "linux":
        return Finding(
            "Priority", "note", "real-time priority is only asked for on Linux."
        )
    try:
        policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, policy, param)
    except OSError:
        return Finding(
            "Priority",
            "note",
            "real-time priority is not allowed; it plays well without, better with: "
            "join the audio group and set `@audio - rtprio 95` in "
            "/etc/security/limits.d/audio.conf.",
        )
    return Finding("Priority", "ok", "real-time priority is allowed.")


def _optional(topic: str, look: Callable[[], str]) -> Finding:
    return Finding(topic, "note", look())


def _soundfont() -> str:
    found = find_soundfont()
    if isinstance(found, SoundFont):
        return f"the demo's sound file is played by {found.name}."
    return f"the demo's sound file is played by the built-in voice ({found})."
