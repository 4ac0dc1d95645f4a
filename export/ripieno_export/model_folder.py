"""A model's folder, as it is written; `ripieno.inference.manifest` reads it."""

from pathlib import Path

import msgspec

from ripieno.inference import manifest as manifests
from ripieno.inference.manifest import Manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write what the folder says of itself, for people as well."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / manifests.MANIFEST).write_bytes(text + b"\n")
