"""`ripieno doctor`: checks what is installed, what is missing, what to install."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

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
    from ripieno.bench.tune import tune

    say("Trying threads, two seconds a model; leave the machine alone meanwhile.")
    for found in tune(manifest.installed()):
        plain = f"{found.plain_ms:.3f} with {tuning.Threads()}"
        say(f"{found.model}: {found.threads}, {found.p50_ms:.3f} ms a run ({plain}).")
    say(f"Kept in {tuning.path()}; it is used from the next start on.")
    return 0


Verdict: TypeAlias = Literal["ok", "note", "FAIL"]


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        topic: what was checked.
        verdict: ``note`` is for what is not necessary, but worth knowing.
        sentence: what was found, and what to do.
    """

    topic: str
    verdict: Verdict
    sentence: str


def examine() -> Iterator[Finding]:
    """Yield the result of each check; never raises."""
    for topic, look in _CHECKS.items():
        if topic == "JACK" and sys.platform != "linux":
            continue
        try:
            yield Finding(topic, *look())
        except (RipienoError, ImportError, OSError) as error:
            yield Finding(topic, "FAIL", str(error))


def _ripieno() -> tuple[Verdict, str]:
    python = f"Python {platform.python_version()}, {platform.platform()}"
    return "ok", f"{__version__} on {python}."


def _midi() -> tuple[Verdict, str]:
    backend, why = choose_backend()
    list_ports(backend)
    return "ok", f"ports open on {backend} ({why})."


def _inference() -> tuple[Verdict, str]:
    from ripieno.inference.session import choose_provider, runtime_version

    choice = choose_provider("auto")
    return "ok", f"ONNX Runtime {runtime_version()}; {choice.why}."


def _models() -> tuple[Verdict, str]:
    names = [manifest.load(folder).name for folder in manifest.installed()]
    if not names:
        raise RipienoError(
            "no model is installed; copy a model folder to "
            f"{' or '.join(map(str, manifest.folders())) or 'models/'}."
        )
    return "ok", f"{', '.join(names)}: complete, and of this daemon's vocabulary."


def _packages() -> tuple[Verdict, str]:
    from ripieno.inference.packages import both_are_installed

    if both_are_installed():
        return "FAIL", (
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each "
            "other: uninstall both, then install Ripieno again."
        )
    return "ok", "one ONNX Runtime package, as it should be."


def _telemetry() -> tuple[Verdict, str]:
    said = f"ONNX Runtime's is off: Ripieno sets {VARIABLE}=1 before it loads it"
    if (folder := kept_folder()) is None:
        return "ok", f"{said}."
    return "note", (
        f"{said}; {folder} is from another program or an earlier version, and can be "
        "deleted."
    )


def _threads() -> tuple[Verdict, str]:
    try:
        from ripieno.inference.session import runtime_version
    except ImportError:
        return "note", "not looked at without ONNX Runtime."
    found = tuning.found(tuning.here(runtime_version()))
    if found.why_not:
        said = f"what is kept is not used, because {found.why_not}"
        return "note", f"{said}: run `ripieno doctor --tune` again."
    default, models = tuning.Threads(), found.machine.models
    if not models:
        return "note", (
            f"{default} for every model; `ripieno doctor --tune` tries others on this "
            "machine."
        )
    told = ", ".join(f"{t.model}: {t.threads}" for t in models if t.threads != default)
    return "ok", (
        f"{default} for every model{' but ' * bool(told)}{told}; {len(models)} were "
        f"tried, the last on {max(t.when for t in models)}."
    )


def _priority() -> tuple[Verdict, str]:
    if sys.platform != "linux":
        return "note", "real-time priority is only asked for on Linux."
    try:
        policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, policy, param)
    except OSError:
        return "note", (
            "real-time priority is not allowed; it plays well without, better with: "
            "join the audio group and set `@audio - rtprio 95` in "
            "/etc/security/limits.d/audio.conf."
        )
    return "ok", "real-time priority is allowed."


def _jack() -> tuple[Verdict, str]:
    if why := why_no_server():
        return "note", f"{why}."
    callback = (
        "its callback is native code"
        if maybe_native() is not None
        else "the native callback was not built, so more periods may be missed: "
        "install a C compiler, then Ripieno again"
    )
    return "note", f"a JACK server answers; {callback}."


def _soundfont() -> tuple[Verdict, str]:
    found = find_soundfont()
    by = found.name if isinstance(found, SoundFont) else f"the built-in voice ({found})"
    return "note", f"the demo's sound file is played by {by}."


_CHECKS: Final[dict[str, Callable[[], tuple[Verdict, str]]]] = {
    "Ripieno": _ripieno, "MIDI": _midi, "Inference": _inference, "Models": _models,
    "Packages": _packages, "Telemetry": _telemetry, "Threads": _threads,
    "Priority": _priority, "JACK": _jack, "Sound": lambda: ("note", audio_report()),
    "SoundFont": _soundfont,
}  # fmt: skip
