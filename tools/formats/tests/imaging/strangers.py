"""What readers by other people say of an E01 image, as JSON: strangers.py READER FIRST-SEGMENT [OFFSET LENGTH]..."""

import hashlib
import json
import pathlib
import sys
import zlib

BLOCK = 1 << 20


def digest(read, size):
    """SHA-256 of the whole medium."""
    state = hashlib.sha256()
    for at in range(0, size, BLOCK):
        state.update(read(at, min(BLOCK, size - at)))
    return state.hexdigest()


def media(read, size, ranges):
    """All of it, or the ranges asked for."""
    if ranges:
        return [hashlib.sha256(read(at, length)).hexdigest() for at, length in ranges]
    return digest(read, size)


def libewf(first):
    import pyewf

    handle = pyewf.handle()
    handle.open(pyewf.glob(str(first)))
    return handle


def reads_at(stream):
    def read(at, length):
        stream.seek(at)
        return stream.read(length)

    return read


def with_libewf(first, ranges):
    handle = libewf(first)
    return {
        "fields": handle.get_header_values(),
        "hashes": handle.get_hash_values(),
        "size": handle.get_media_size(),
        "sectors": handle.get_number_of_sectors(),
        "sector_size": handle.get_bytes_per_sector(),
        "media": media(reads_at(handle), handle.get_media_size(), ranges),
    }


def with_dissect(first, ranges):
    from dissect.evidence import ewf

    image = ewf.EWF(ewf.find_files(first))
    headers = {}
    for section in image.segment(0).sections:
        name = section.type.decode()
        if name in ("header", "header2"):
            image.segment(0).fh.seek(section.data_offset)
            text = zlib.decompress(image.segment(0).fh.read(section.size))
            lines = text.decode("utf-16" if name == "header2" else "ascii").split("\n")
            names, values = (line.rstrip("\r").split("\t") for line in lines[2:4])
            headers[name] = dict(zip(names, values, strict=True))
    return {
        "headers": headers,
        "size": image.size,
        "sector_size": image.volume.sector_size,
        "media": media(reads_at(image.open()), image.size, ranges),
    }


def with_sleuthkit(first, ranges):
    import pytsk3

    handle = libewf(first)

    class Image(pytsk3.Img_Info):
        def __init__(self):
            super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL)

        def read(self, offset, size):
            return reads_at(handle)(offset, size)

        def get_size(self):
            return handle.get_media_size()

    files = {}
    for entry in pytsk3.FS_Info(Image()).open_dir("/"):
        name = entry.info.name.name.decode()
        if entry.info.meta and entry.info.meta.type == pytsk3.TSK_FS_META_TYPE_REG:
            content = entry.read_random(0, entry.info.meta.size) if entry.info.meta.size else b""
            files[name] = hashlib.sha256(content).hexdigest()
    return {"files": files}


READERS = {"libewf": with_libewf, "dissect": with_dissect, "sleuthkit": with_sleuthkit}
reader, first, *numbers = sys.argv[1:]
numbers = [int(number) for number in numbers]
answer = READERS[reader](pathlib.Path(first), list(zip(numbers[::2], numbers[1::2], strict=True)))
json.dump(answer, sys.stdout)
