"""What the pipeline says while it runs and as its last words. No rule stands here."""

import logging

import snakemake.exceptions
from snakemake.logging import logger

# A log on a full disk is not worth a traceback for every line that it does not take.
logging.raiseExceptions = False


def in_one_line(error, linemaps=None, otherwise=snakemake.exceptions.format_exception_to_string):
    """What the disk refuses Snakemake itself, as one error with its mend; of all else what Snakemake says."""
    from rnnrepro.watching import disks

    return disks.words(error) or otherwise(error, linemaps)


snakemake.exceptions.format_exception_to_string = in_one_line


@cache
def pipeline():
    """What says how far this pipeline is, what went wrong, and with which command it goes on."""
    # Here and not above: no job of a cluster needs it, and it brings what reads results.
    from rnnrepro.watching.pipeline import Pipeline

    here = Path(os.environ.get("PWD", ROOT))
    words = [Path(sys.executable), ROOT / "workflow" / "scripts" / "launch.py"]
    command = [str(word.relative_to(here) if word.is_relative_to(here) else word) for word in words]
    return Pipeline(PROJECT, SCALE, [*command, *sys.argv[1:]], logger.info)
