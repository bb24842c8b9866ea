"""Conversion of MovieLens-100K, as GroupLens publishes it, to RecBole's three atomic files.

The copy on the package index contains the same files, and both must have the same bytes. The oddities of that copy are
therefore reproduced: the year is the text in the last parentheses of a title, and the movie without a title has the
copy's misspelled placeholder.
"""

import zipfile
from pathlib import Path
from typing import Final

ARCHIVE_URL: Final = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
ARCHIVE_SHA256: Final = "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229"

GENRES: Final = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
"""Order of the 0/1 columns at the end of a line of `u.item`."""

UNTITLED: Final = "unkonwn"
"""Title and year of the movie that GroupLens calls `unknown`, as spelled in the other copy."""


def atomic_files(archive: Path) -> dict[str, bytes]:
    """Return `ml-100k.inter`, `.user` and `.item`, converted from the official zip file."""
    with zipfile.ZipFile(archive) as members:
        ratings, users, items = (members.read(f"ml-100k/{name}") for name in ("u.data", "u.user", "u.item"))
    movies = [_movie(line) for line in items.decode("latin-1").splitlines()]
    return {
        "ml-100k.inter": b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + ratings,
        "ml-100k.user": b"user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
        + users.replace(b"|", b"\t"),
        "ml-100k.item": "\n".join(
            ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq", *movies, ""]
        ).encode(),
    }


def _movie(line: str) -> str:
    number, title, *rest = line.split("|")
    genres = " ".join(genre for genre, flag in zip(GENRES, rest[-len(GENRES) :], strict=True) if flag == "1")
    name, parenthesis, year = title.strip().removesuffix(")").rpartition(" (")
    if not parenthesis:
        name = year = UNTITLED
    return f"{number}\t{name}\t{year}\t{genres}"
