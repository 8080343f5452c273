"""Writes the files that every client moves: odd sizes, odd names, nested folders, the same bytes
in every run, so that a difference between two runs is never the fault of the data."""

import pathlib
import random
import sys

MEBIBYTE = 1024 * 1024

# Sizes around the borders that clients and the server know: nothing, one byte, the inline limit,
# a stream chunk, the multipart thresholds of 5, 8 and 15 MiB.
TREE = {
    "empty": 0,
    "one-byte": 1,
    "small.txt": 1000,
    "odd.bin": 65537,
    "nested/deeper/even deeper/four.bin": 4096,
    "nested/deeper/prime.bin": 104729,
    "nested/sibling.json": 333,
    "names/with space and + plus.txt": 71,
    "names/percent%20and&ampersand=equals;.txt": 72,
    "names/ümläut-日本語-😀.txt": 73,
    "names/quote'and\"double.txt": 74,
    "names/(round)[square]{curly}~tilde!$.txt": 75,
    "names/#hash?question.txt": 76,
    "names/@at:colon,comma.txt": 77,
    "names/back\\slash.txt": 78,
    "names/trailing.dot.": 79,
    "names/..hidden": 80,
}

BIG = {
    "five-mebibytes.bin": 5 * MEBIBYTE,
    "above-multipart.bin": 8 * MEBIBYTE + 12345,
    "twenty-mebibytes.bin": 20 * MEBIBYTE + 1,
}


def write_files(directory: pathlib.Path, sizes: dict[str, int], seed: int) -> None:
    generator = random.Random(seed)
    for name, size in sizes.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(generator.randbytes(size))


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    write_files(target / "tree", TREE, seed=1)
    write_files(target / "big", BIG, seed=2)
