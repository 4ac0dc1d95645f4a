"""Reading files that may lie about their size.

A zip states how large each of its files is once unpacked. Python's `zipfile` believes
it: an entry that claims 200 bytes can fill the memory before its size is compared.
Everything here stops as soon as a bound is passed, while it decompresses.
"""

import bz2
import copy
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 32 << 20
"""Ten times the largest score known here: nothing larger is one piece of music."""
LZMA_HEAD: Final = 4
"""A zip's LZMA data begins with a version and with the length of the properties."""
LZMA_PROPERTIES: Final = 5
LZMA_MEMORY_BYTES: Final = 1 << 28
"""The largest dictionary of LZMA, in bytes; the highest level of 7-Zip takes 64 MB."""


def check(size: int) -> None:
    """Compare a stated size in bytes with the bound.

    Raises:
        ValueError: it is larger.
    """
    if size > MOST_BYTES:
        raise ValueError(f"it has {size >> 20} MB; {MOST_BYTES >> 20} is most")


def read(path: Path) -> bytes:
    """Read a file.

    Raises:
        ValueError: it is larger than `MOST_BYTES`.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    check(size)
    with path.open("rb") as file:
        return file.read(size)  # what is appended meanwhile is left out


def unpack(archive: zipfile.ZipFile, member: str | zipfile.ZipInfo) -> bytes:
    """Read one file of a zip; no more is decompressed than it states.

    Raises:
        KeyError: there is no such file.
        ValueError: it is larger than `MOST_BYTES`, or than the zip states.
        RuntimeError: its compression is not known, or it is encrypted.
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError: it is
            damaged.
    """
    info = archive.getinfo(member) if isinstance(member, str) else member
    check(info.file_size)
    content = _decompressed(info.compress_type, _packed(archive, info), info.file_size)
    if len(content) > info.file_size:
        raise ValueError(f"it is larger than the {info.file_size} bytes that it states")
    if len(content) < info.file_size or zlib.crc32(content) != info.CRC:
        raise zipfile.BadZipFile("it is damaged: its size or its checksum is wrong")
    return content


def _packed(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a file as they lie in the zip, still compressed."""
    check(info.compress_size)
    raw = copy.copy(info)
    raw.compress_type, raw.file_size = zipfile.ZIP_STORED, info.compress_size
    del raw.CRC  # it is of the unpacked bytes
    with archive.open(raw) as file:
        return file.read()


def _decompressed(method: int, packed: bytes, size: int) -> bytes:
    """Reads at most `size` + 1 bytes; the additional byte shows that there is more."""
    if method == zipfile.ZIP_STORED:
        return packed
    if method == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
    if method == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor().decompress(packed, size + 1)
    if method == zipfile.ZIP_LZMA:
        start = LZMA_HEAD + LZMA_PROPERTIES
        unknown = b"\xff" * 8  # the length: the data has an end mark, or just ends
        alone = packed[LZMA_HEAD:start] + unknown + packed[start:]
        return lzma.LZMADecompressor(
            lzma.FORMAT_ALONE, memlimit=LZMA_MEMORY_BYTES
        ).decompress(alone, size + 1)
    raise NotImplementedError(f"its compression is not known (method {method})")
