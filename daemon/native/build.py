"""The build hook that compiles the process callback for JACK (`jack_callback.c`).

Where there is no C compiler the wheel is built without it, and Ripieno uses its
callback in Python. The library is plain C and loaded by ctypes, so it fits every
version of Python.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "daemon/native/jack_callback.c"
LIBRARY = "daemon/ripieno/ports/_jack_callback.so"
IN_WHEEL = "ripieno/ports/_jack_callback.so"
FLAGS = ("-std=gnu11", "-O2", "-shared", "-fPIC")
WITHOUT = "RIPIENO_WITHOUT_NATIVE"
"""Set to anything, nothing is compiled."""


class Native(BuildHookInterface[Any]):
    """Compiles one library before the wheel's files are gathered.

    An editable installation has the library beside the sources, where Python looks for
    it. Any other wheel is compiled in a folder of its own, so that building one changes
    nothing in the checkout.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; say so, and build a wheel without it, where that fails."""
        if self.target_name != "wheel" or sys.platform == "win32":
            return
        if version == "editable":
            (Path(self.root) / LIBRARY).unlink(missing_ok=True)  # of another build
        if WITHOUT in os.environ:
            return
        self._folder = Path(tempfile.mkdtemp())
        built = self._folder / Path(LIBRARY).name
        if problem := self._maybe_problem(built):
            self.app.display_warning(
                f"The JACK callback in C was not built ({problem}); Ripieno will use "
                "its callback in Python."
            )
            return
        if version == "editable":
            shutil.copy(built, Path(self.root) / LIBRARY)
        else:
            build_data["force_include"][str(built)] = IN_WHEEL
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"

    def finalize(
        self, version: str, build_data: dict[str, Any], artifact_path: str
    ) -> None:
        """Remove what was compiled for the wheel, which holds it now."""
        del version, build_data, artifact_path
        if self._folder is not None:
            shutil.rmtree(self._folder)

    _folder: Path | None = None

    def _maybe_problem(self, built: Path) -> str | None:
        compiler = shlex.split(os.environ.get("CC") or "cc")
        if shutil.which(compiler[0]) is None:
            return f"no C compiler {compiler[0]!r}"
        command = [*compiler, *FLAGS, "-o", str(built), str(Path(self.root) / SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stderr.strip() or "the compiler failed" if done.returncode else None
