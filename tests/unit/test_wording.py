"""Code, documentation, chart and CRDs use plain technical English (docs/glossary.md has the terms).

The test rejects phrases that readers have stumbled over. It does not judge style: add a phrase when a review finds one
that has to be explained.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("core", "operator", "trainer", "report", "client")
FOLDERS = (*SOURCES, "bench", "tests", "docs", "charts", "crds", "examples", "images", ".github")
FILES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "pyproject.toml")
SUFFIXES = {".py", ".md", ".yaml", ".yml", ".j2", ".txt", ".sh", ".toml", ".tpl", ""}

PHRASES = {
    "maximum number of, percentile": r"at most so many|\bso many\b",
    "reconcile": r"\ba look (at|has|that)\b|\bone look\b|\beach look\b|\bevery look\b|\blooks (that have|in vain)\b",
    "reused": r"\btaken over from\b|\bis taken over\b|\bare taken over\b|\btakes over as\b",
    "shut down": r"\bsend(s|ing)? [^.]{0,40}\bhome\b",
    "name the thing": r"\bthe same of (a|an|the)\b",
    "sources of variance": r"\bsources? of chance\b",
    "non-retriable": r"\bhopeless\b",
    "termination message": r"\blast words\b",
    "GEMM limit": r"\blimit of matrix products\b",
    "MLP": r"(?<!multi-layer )(?<!multilayer )\bperceptrons?\b",
    "sampled negatives": r"\bnegatives (are |is )?drawn\b|\bdrawn negatives\b",
    "unmet targets": r"\bmiss(es)? (its|their) goals?\b",
    "MIN_, MAX_": r"\b_?(FEWEST|LONGEST|MOST)_[A-Z]",
    "continue": r"\b(go|goes|going) on\b",
    "again": r"\banew\b",
    "so that ... not": r"\blest\b",
    "message": r"\bsaid\b",
    "release": r"\b(give|gives|gave|given) (it|its \w+|them|the \w+) back\b",
    "experiment lifecycle": r"\bthe way of (an|one) experiment\b",
    "American spelling": r"behaviour|favour|neighbour|optimiser|(normal|initial|standard|random)is(e|ed|es|ing)\b",
    "a user, a program, nobody": r"\bwhoever asks\b|\bsomebody asks\b|\bis asked of\b",
}
FRAGMENTS = ("Of ", "That ", "So that ", "What ", "Which ", "How ")
"""First words of docstrings that are no sentence and no noun phrase."""


def checked_files() -> Iterator[Path]:
    """Yield the files that people read, except the changelog, whose old entries stay as they are, and this one."""
    yield from (ROOT / name for name in FILES)
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            if (
                file.is_file()
                and file.suffix in SUFFIXES
                and "__pycache__" not in file.parts
                and file != Path(__file__)
            ):
                yield file


def docstrings(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of every docstring, including those of attributes and constants."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text.strip()


@pytest.mark.parametrize("better", PHRASES)
def test_phrase_is_not_used(better: str) -> None:
    pattern = re.compile(PHRASES[better], re.IGNORECASE if PHRASES[better].islower() else 0)
    hits = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in checked_files()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not hits, f"write {better} instead:\n" + "\n".join(hits)


@pytest.mark.parametrize("folder", [*SOURCES, "bench", "tests"])
def test_docstring_is_no_fragment(folder: str) -> None:
    hits = [
        f"{file.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line, text in docstrings(file)
        if text.startswith(FRAGMENTS)
    ]
    assert not hits, "begin with a verb or a noun:\n" + "\n".join(hits)
