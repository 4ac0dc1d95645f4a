"""The sound devices of this machine: the only file that imports `sounddevice`."""


def audio_report() -> str:
    """Return a sentence on sound output, for `ripieno doctor`; never raises.

    Importing sounddevice starts PortAudio, which lists the devices once: a JACK server
    that starts later is not seen.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        return f"no sound output ({error}): install libportaudio2"
    try:
        devices = list(sounddevice.query_devices())
    except sounddevice.PortAudioError as error:
        return f"no sound output: PortAudio cannot list its devices ({error})"
    outputs = [d["name"] for d in devices if d["max_output_channels"] > 0]
    if not outputs:
        return "no sound output: PortAudio finds no device; connect one or start JACK"
    return f"{len(outputs)} sound outputs: {', '.join(outputs)}"
