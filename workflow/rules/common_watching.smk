"""What the pipeline says while it runs and as its last words. No rule stands here."""

from snakemake.logging import logger


@cache
def pipeline():
    """What says how far this pipeline is, what went wrong, and with which command it goes on."""
    # Here and not above: no job of a cluster needs it, and it brings what reads results.
    from rnnrepro.watching.pipeline import Pipeline

    here = Path(os.environ.get("PWD", ROOT))
    words = [Path(sys.executable), ROOT / "workflow" / "scripts" / "launch.py"]
    command = [str(word.relative_to(here) if word.is_relative_to(here) else word) for word in words]
    return Pipeline(PROJECT, SCALE, [*command, *sys.argv[1:]], logger.info)
