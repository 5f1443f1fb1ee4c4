"""Exhibits as executed notebooks: parameters in, figure and table out, and an HTML page of our own.

The kernel is always the Python that runs this, whatever kernels a user has registered, and it leaves nothing
behind: its runtime files, its history and IPython's profile live in a folder that goes with it. Times, host and
paths of the execution are taken out, so that equal results make equal files.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnrepro.errors import Fault
from rnnrepro.exhibits import html, kind_of
from rnnrepro.project import Project
from rnnrepro.records import atomically

TEMPLATES = Path(__file__).parents[2] / "workflow" / "notebooks"
SECONDS = 1800


def template_of(kind: str, folder: Path = TEMPLATES) -> Path:
    """The notebook template of a kind of exhibit. Raises Fault where there is none."""
    kind_of(kind)
    path = folder / f"{kind}.ipynb"
    if not path.exists():
        raise Fault(
            f"{path}: no such template; notebooks come with the project's folder, not with the library"
        )
    return path


def render(
    project: Project,
    paper: str,
    exhibit: str,
    *,
    scale: str,
    config: str | Path,
    results: Path,
    output: Path,
    overrides: Mapping[str, Any] | None = None,
) -> None:
    """Run the exhibit's notebook, which writes its table and figure, and write `output`.ipynb and `output`.html.

    Raises Fault with the notebook's own message where it fails.
    """
    entry = project.paper(paper).exhibits[exhibit]
    parameters = {
        "config": str(config),
        "scale": scale,
        "paper": paper,
        "exhibit": exhibit,
        "results": str(results),
        "output": str(output),
        "overrides": dict(overrides or {}),
    }
    done = executed(template_of(entry.kind), parameters)
    text = json.dumps(done, indent=1, ensure_ascii=False) + "\n"
    atomically(f"{output}.ipynb", lambda part: part.write_text(text, encoding="utf-8"))
    html.write(
        f"{output}.html",
        "exhibit.html",
        title=entry.title,
        paper=project.paper(paper),
        key=paper,
        name=exhibit,
        scale=scale,
        shown=html.fragments(done),
        code=html.sources(done),
        endings=_endings(entry.kind),
    )


def _endings(kind: str) -> tuple[str, ...]:
    return (
        ("pdf", "png", "csv", "md", "tex", "ipynb") if kind_of(kind).figure else ("csv", "md", "tex", "ipynb")
    )


def executed(template: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook `template` run with `parameters`, cleaned. Raises Fault where a cell fails."""
    import papermill
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError

    with _hermetic() as folder:
        try:
            made = papermill.execute_notebook(
                str(template),
                None,  # papermill writes nothing: the file is written once, cleaned and whole
                dict(parameters),
                kernel_name="python3",
                progress_bar=False,
                log_output=False,
                execution_timeout=SECONDS,
                kernel_manager_class=_kernel_of_this_python(folder),
                extra_arguments=["--IPKernelApp.log_level=50"],  # it reports its own end as an interrupt
            )
        except PapermillExecutionError as error:
            if error.ename in (kind.__name__ for kind in (Fault, *Fault.__subclasses__())):
                raise Fault(error.evalue) from None
            trace = "\n".join(error.traceback)
            raise Fault(f"{template.name}: cell {error.exec_count} failed\n{trace}") from None
        except (CellTimeoutError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "kernel" not in str(error).lower():
                raise
            raise Fault(
                f"{template.name}: the process of the notebook was killed or ended ({str(error).strip()}); "
                "where memory is short run fewer jobs at once, then run again"
            ) from None
    return cleaned(json.loads(json.dumps(made)))


@contextmanager
def _hermetic() -> Iterator[str]:
    """A folder for all that Jupyter and IPython write, and the environment that points them there."""
    path = filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")])
    with tempfile.TemporaryDirectory(prefix="rnnrepro-") as folder:
        changed = {
            "IPYTHONDIR": folder,
            "JUPYTER_RUNTIME_DIR": folder,
            "JUPYTER_CONFIG_DIR": folder,
            "JUPYTER_NO_CONFIG": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "MPLBACKEND": "Agg",
            "PYTHONPATH": os.pathsep.join(path),
        }
        before = {name: os.environ.get(name) for name in changed}
        os.environ.update(changed)
        try:
            yield folder
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def _kernel_of_this_python(folder: str) -> type:
    """A kernel manager that knows the kernel of this interpreter alone, and talks to it through `folder`."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            # A registered kernel of the same name may be another Python.
            self.kernel_spec_manager = KernelSpecManager(kernel_dirs=[])
            # Sockets in the folder instead of ports, which two kernels that start together may both find free;
            # the system allows their paths about a hundred letters.
            if os.name == "posix" and len(folder) < 80:
                self.transport, self.ip = "ipc", str(Path(folder, "kernel"))

    return Manager


def cleaned(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook without times, durations and paths of its execution."""
    notebook["metadata"].pop("papermill", None)
    notebook["metadata"].setdefault("language_info", {}).pop("version", None)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number}"
        cell["metadata"] = {"tags": cell["metadata"].get("tags", [])}
        for output in cell.get("outputs", []):
            if len(output.get("data", {})) > 1:
                output["data"].pop(
                    "text/plain", None
                )  # the name of a Python object, beside a picture or a table
    return notebook
