"""The process callback in C: loads the library and registers its functions with JACK.

`daemon/native/jack_callback.c` is compiled when the package is built, where there is a
C compiler. Without the library `maybe_native` returns None, and the callback in Python
(`ripieno.ports.jack_crossing`) is used; it does the same.

Measured beside a C client in the same run: benchmarks/README.md, *A rough server*.
"""

import ctypes
from pathlib import Path
from typing import Any, Final

from ripieno.ports.jack_memory import Side
from ripieno.ports.jack_server import library as jack_library

LIBRARY: Final = Path(__file__).with_name("_jack_callback.so")
ABI: Final = 1
"""What `ripieno_abi` has to return; raise both when `Setup` changes."""
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
    """The callback of one port. It must live as long as its client is active."""

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
        self._library, self._client = library, client
        self._jack = jack_library()
        lib_jack = ctypes.CDLL(self._jack._libname)
        setup = Setup(
            self._address(client),
            self._address(port),
            *side.address(),
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

    def begin(self) -> None:
        """The port is connected: from now on an output writes."""
        self._library.ripieno_begin(self._bridge)

    def leave(self) -> None:
        """From now on send note-offs, drop note-ons, and end what sounds."""
        self._library.ripieno_leave(self._bridge)

    @property
    def has_left(self) -> bool:
        """Whether everything was written after `leave`."""
        return bool(self._library.ripieno_has_left(self._bridge))

    def _address(self, thing: Any) -> int:  # noqa: ANN401
        return int(self._jack._ffi.cast("uintptr_t", thing._ptr))

    def _register(self, register: str, kind: str, name: str) -> None:
        """Register a C function: JACK-Client itself takes only Python functions."""
        function = getattr(self._library, f"ripieno_{name}")
        address = ctypes.cast(function, ctypes.c_void_p).value
        getattr(self._jack._lib, register)(
            self._client._ptr,
            self._jack._ffi.cast(kind, address),
            self._jack._ffi.cast("void*", self._bridge),
        )


def maybe_native() -> ctypes.CDLL | None:
    """Return the library, or None where it was not built or cannot be used."""
    try:
        library = ctypes.CDLL(str(LIBRARY))
        if library.ripieno_abi() != ABI:
            return None
    except (OSError, AttributeError):
        return None
    library.ripieno_new.restype = ctypes.c_void_p
    for name in ("begin", "leave", "has_left"):
        getattr(library, f"ripieno_{name}").argtypes = [ctypes.c_void_p]
    return library
