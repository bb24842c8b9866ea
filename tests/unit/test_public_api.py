"""The public names of `ctrlab` and `ctrlab_api` are listed in `__all__`, documented and typed."""

import ast
import doctest
import inspect
import itertools
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import ctrlab
import ctrlab_api

ROOT = Path(__file__).parents[2]
PACKAGES = (ctrlab, ctrlab_api)
NAMES = [(package, name) for package in PACKAGES for name in package.__all__]
IDS = [f"{package.__name__}.{name}" for package, name in NAMES]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_name_is_listed_in_order(package: types.ModuleType) -> None:
    public = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == set(package.__all__) - {"__version__"}
    assert list(package.__all__) == sorted(package.__all__)


@pytest.mark.parametrize(("package", "name"), NAMES, ids=IDS)
def test_every_public_name_is_documented(package: types.ModuleType, name: str) -> None:
    value = getattr(package, name)
    if isinstance(value, type) or inspect.isfunction(value):
        assert value.__doc__, f"{name} has no docstring"
        assert not value.__doc__.startswith("Of "), f"{name}: {value.__doc__}"
    else:
        assert name in set(_documented_constants(package)), f"{name} is not followed by a docstring"


@pytest.mark.parametrize(("package", "name"), NAMES, ids=IDS)
def test_every_public_name_is_typed(package: types.ModuleType, name: str) -> None:
    assert package.__file__ is not None
    assert Path(package.__file__).with_name("py.typed").is_file()
    value = getattr(package, name)
    functions = [value] if inspect.isfunction(value) else _public_methods(value) if isinstance(value, type) else []
    for function in functions:
        signature = inspect.signature(function)
        parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
        assert all(p.annotation is not p.empty for p in parameters), f"{function.__qualname__}{signature}"
        assert signature.return_annotation is not signature.empty, f"{function.__qualname__}{signature}"


def test_example_in_the_docstring_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    outcome = doctest.testmod(ctrlab)
    assert (outcome.failed, outcome.attempted) == (0, 4)


def _public_methods(cls: type) -> Iterator[types.FunctionType]:
    """Yield the public methods that ctrlab's classes define."""
    for name, value in vars(cls).items():
        function = inspect.unwrap(getattr(value, "__func__", value))
        if not name.startswith("_") and isinstance(function, types.FunctionType):
            yield function


def _documented_constants(package: types.ModuleType) -> Iterator[str]:
    """Yield the constants of a package, and of ctrlab_api for re-exports, that a string literal documents."""
    for root in {package.__name__, "ctrlab_api"}:
        folder = "client" if root == "ctrlab" else "core"
        for file in (ROOT / folder / root).rglob("*.py"):
            body = ast.parse(file.read_text(encoding="utf-8")).body
            for statement, following in itertools.pairwise(body):
                target = (
                    statement.target
                    if isinstance(statement, ast.AnnAssign)
                    else statement.targets[0]
                    if isinstance(statement, ast.Assign)
                    else None
                )
                is_docstring = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
                if isinstance(target, ast.Name) and is_docstring:
                    yield target.id
