"""The process callback in C: loads the library and hands its functions to JACK.

`daemon/native/jack_callback.c` is compiled when the package is built, where a C
compiler is there. Without the library `maybe_native` returns None, and the callback in
Python (`ripieno.ports.jack_crossing`) is used; it does the same.

Measured beside a C client in the same run: benchmarks/README.md, *A rough server*.
"""

import ctypes
from pathlib import Path
from typing import Any, Final

from ripieno.ports.jack_memory import Side
from ripieno.ports.jack_server import library as jack_library

LIBRARY: Final = Path(__file__).with_name("_jack_callback.so")
ABI: Final = 1
"""What the library has to say to `ripieno_abi`; raise both when `Setup` changes."""
_FUNCTIONS: Final = (
    "jack_port_get_buffer",
    "jack_last_frame_time",
    "jack_midi_get_event_count",
    "jack_midi_get_lost_event_count",
    "jack_midi_event_get",
    "jack_midi_clear_buffer",
    "jack_midi_max_event_size",
    "jack_midi_event_write",
)


class Setup(ctypes.Structure):
    """`struct setup` of the library: same order, same types."""

    _fields_ = (
        ("client", ctypes.c_void_p),
        ("port", ctypes.c_void_p),
        ("words", ctypes.c_void_p),
        ("ring", ctypes.c_void_p),
        ("ring_bytes", ctypes.c_uint64),
        ("rate_hz", ctypes.c_uint32),
        ("is_output", ctypes.c_int32),
        ("wake_fd", ctypes.c_int32),
        *((name, ctypes.c_void_p) for name in _FUNCTIONS),
    )


class Native:
    """A `Crossing` in C. It must live as long as its client is active."""

    def __init__(
        self,
        library: ctypes.CDLL,
        client: Any,  # noqa: ANN401  (an untyped library)
        port: Any,  # noqa: ANN401
        side: Side,
        wake_fd: int | None,
    ) -> None:
        """Prepare, and register the callbacks.

        Args:
            library: from `maybe_native`.
            client: of `jack`, not active yet.
            port: its one port.
            side: the memory that is shared with the player.
            wake_fd: for an input, where a byte wakes the player; None for an output.
        """
        jack = jack_library()
        self._library, self._client = library, client
        words, ring, ring_bytes = side.address()
        lib_jack = ctypes.CDLL(jack._libname)
        setup = Setup(
            _pointer(client._ptr),
            _pointer(port._ptr),
            words,
            ring,
            ring_bytes,
            client.samplerate,
            wake_fd is None,
            -1 if wake_fd is None else wake_fd,
            *(
                ctypes.cast(getattr(lib_jack, name), ctypes.c_void_p)
                for name in _FUNCTIONS
            ),
        )
        self._bridge = library.ripieno_new(ctypes.byref(setup))
        if not self._bridge:
            raise MemoryError
        self._register("jack_set_process_callback", "JackProcessCallback", "process")
        self._register("jack_set_xrun_callback", "JackXRunCallback", "xrun")

    @property
    def count(self) -> int:
        """How many cycles it was called for."""
        return int(self._library.ripieno_count(self._bridge))

    def begin(self) -> None:
        """See `Crossing.begin`."""
        self._library.ripieno_begin(self._bridge)

    def leave(self) -> None:
        """See `Crossing.leave`."""
        self._library.ripieno_leave(self._bridge)

    @property
    def has_left(self) -> bool:
        """Whether all that was written."""
        return bool(self._library.ripieno_has_left(self._bridge))

    def _register(self, register: str, kind: str, name: str) -> None:
        """JACK-Client takes Python functions only: a C one is given to its library."""
        jack = jack_library()
        function = getattr(self._library, f"ripieno_{name}")
        address = ctypes.cast(function, ctypes.c_void_p).value
        getattr(jack._lib, register)(
            self._client._ptr,
            jack._ffi.cast(kind, address),
            jack._ffi.cast("void*", self._bridge),
        )


def maybe_native() -> ctypes.CDLL | None:
    """The library, or None where it was not built, or cannot be used here."""
    try:
        library = ctypes.CDLL(str(LIBRARY))
        if library.ripieno_abi() != ABI:
            return None
    except (OSError, AttributeError):
        return None
    library.ripieno_new.restype = ctypes.c_void_p
    library.ripieno_count.restype = ctypes.c_int64
    for name in ("count", "begin", "leave", "has_left"):
        getattr(library, f"ripieno_{name}").argtypes = [ctypes.c_void_p]
    return library


def _pointer(thing: Any) -> int:  # noqa: ANN401
    return int(jack_library()._ffi.cast("uintptr_t", thing))
