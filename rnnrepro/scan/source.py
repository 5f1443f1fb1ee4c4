"""From the stages of an update to the source of a compiled scan.

A stage is a plain function of numbers. Its text goes unchanged, but for the type of its literals, into a module
generated for the device, which is kept in a cache folder under a name that holds a hash of all it says.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from rnnrepro.errors import Fault, nearest
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage, names
from rnnrepro.updates.words import WORDS

_STATEMENTS = (ast.Assign, ast.Return, ast.Tuple, ast.Name, ast.Load, ast.Store, ast.Constant, ast.Call)
_ARITHMETIC = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.operator, ast.unaryop, ast.cmpop)


@dataclass(frozen=True)
class Signature:
    """The names that the stages of an update may read, by what they are; equal signatures give equal kernels."""

    stages: tuple[Stage, ...]
    state: tuple[tuple[str, ...], ...]
    reads: int
    parameters: tuple[str, ...]
    scalars: tuple[str, ...]
    constants: tuple[str, ...]

    @classmethod
    def of(cls, update: Update, parameters: Mapping[str, object], scalars: Mapping[str, object]) -> Signature:
        """The signature of an update for these parameters and per-step scalars. Raises Fault for a name unknown."""
        return _checked(type(update), tuple(parameters), tuple(scalars), tuple(update.constants))

    @property
    def gates(self) -> int:
        """The number of inputs of the first stage."""
        return len(self.stages[0].inputs)

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts of the state, slot after slot."""
        return tuple(part for slot in self.state for part in slot)

    @property
    def flat(self) -> bool:
        """Whether every array has one part a unit, so that a batch is one row of B · units."""
        return self.gates == 1 and all(len(slot) == 1 for slot in self.state)

    def check(self, owner: str) -> None:
        """Raises Fault where a stage names what is not there, or returns gradients that it must not."""
        values = {*self.parameters, *self.scalars, *self.constants}
        for i, stage in enumerate(self.stages):
            first = self.stages[0].saves if i == 1 else ()
            forward = {*stage.inputs, *self.parts, *first, *values}
            _known(f"{owner}: forward", names(stage.forward), forward)
            if stage.backward is None:
                continue
            saved = {*stage.saves, *first, *self.state[0], *values}
            arriving = {f"d{part}" for part in self.parts}
            if len(self.stages) == 2 and i == 0:
                arriving = {"da", *(f"d{name}" for name in stage.saves)}
                saved -= set(self.state[0]) - set(stage.saves)
            _known(f"{owner}: backward", names(stage.backward), arriving | saved)
            given = {*stage.inputs, *self.parts, *first, *self.parameters, *self.scalars}
            _known(f"{owner}: gradients", stage.gradients, given)


@cache
def _checked(update: type[Update], *values: tuple[str, ...]) -> Signature:
    signature = Signature(update.stages, update.state, update.reads, *values)
    signature.check(update.__name__)
    return signature


def _known(what: str, used: tuple[str, ...], known: set[str]) -> None:
    for name in used:
        if name not in known:
            raise Fault(
                f"{what} names {name!r}{nearest(name, known)}; known here: {', '.join(sorted(known))}"
            )


def text_of(function: Callable, name: str, number: Callable[[float], ast.expr] | None = None) -> str:
    """The source of a stage's function under another name, each literal replaced by `number` of it.

    Raises Fault for what is not an assignment or return of arithmetic, comparisons and `WORDS`.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        tree = None  # typed into a console, or a part of a longer line
    if not isinstance(tree, ast.FunctionDef):
        raise Fault(f"a stage is a function written with `def` in a file, and {function!r} is not")
    tree.name, tree.decorator_list, tree.returns = name, [], None
    for argument in tree.args.args:
        argument.annotation = None
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    known = set(names(function))
    for statement in tree.body:
        _check_statement(function.__qualname__, statement, known)
    if number is not None:
        tree = _Literals(number).visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree))


class _Literals(ast.NodeTransformer):
    def __init__(self, number: Callable[[float], ast.expr]) -> None:
        self.number = number

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return self.number(float(node.value))


def _check_statement(owner: str, statement: ast.stmt, known: set[str]) -> None:
    """Raises Fault for what no stage can hold; adds to the names `known` what the statement assigns."""
    words = set()
    for node in ast.walk(statement):
        if not isinstance(node, _STATEMENTS + _ARITHMETIC):
            raise Fault(f"{owner}: a stage cannot hold {type(node).__name__} (line {node.lineno})")
        if isinstance(node, ast.Call):
            word = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
            if word not in WORDS:
                raise Fault(f"{owner}: {word!r} is no word of a stage{nearest(word, WORDS)}")
            words.add(node.func)
    used = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and node not in words]
    for node in used:
        if isinstance(node.ctx, ast.Load) and node.id not in known:
            hint = "give constants of the update by `constants`"
            raise Fault(f"{owner}: {node.id!r} is neither an argument nor assigned before; {hint}")
    known |= {node.id for node in used if isinstance(node.ctx, ast.Store)}


def cache_folder() -> Path:
    """Where compiled scans are kept: `RNNREPRO_CACHE`, or the user's cache folder, or else a passing one."""
    named = os.environ.get("RNNREPRO_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in [Path(named)] if named else [home / "rnnrepro"]:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                return folder.resolve()
        except OSError:
            continue
    return _passing_folder()


@cache
def _passing_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="rnnrepro-"))


def module_of(text: str, stem: str) -> ModuleType:
    """The module with this text, imported from the cache folder, where it is written unless it is there."""
    name = f"rnnrepro_{stem}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    path = cache_folder() / f"{name}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as part:
            part.write(text)
        os.replace(part.name, path)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
