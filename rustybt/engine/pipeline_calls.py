"""What may an algorithm call to have all assets compared every morning?"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from rustybt.engine.active import current

if TYPE_CHECKING:
    from rustybt.pipeline.pipeline import Pipeline


def attach_pipeline(
    pipeline: "Pipeline", name: str, chunks: int | Iterable[int] | None = None, eager: bool = True
) -> "Pipeline":
    """Have a pipeline computed for every session of the run; in initialize only.

    Parameters
    ----------
    pipeline : Pipeline
        What to compute: a `rustybt.pipeline.Pipeline`.
    name : str
        Under which `pipeline_output` gives it.
    chunks : int or iterable of int, optional
        How many sessions are computed at a time beside the first; as many as fit into memory, if omitted.
    eager : bool
        Whether it is computed before the first session, instead of when it is first asked for.

    Returns
    -------
    Pipeline
        The same.

    Raises
    ------
    AttachPipelineAfterInitialize
        After initialize.
    DuplicatePipelineName
        If one is attached under this name.
    """
    attached: Pipeline = current("attach_pipeline").attach_pipeline(pipeline, name, chunks, eager)
    return attached


def pipeline_output(name: str) -> pd.DataFrame:
    """Give an attached pipeline's table of the current session, as it is known on its morning.

    Parameters
    ----------
    name : str
        Under which it was attached.

    Returns
    -------
    pd.DataFrame
        Indexed by asset, a row for each that passed the screen; a column for each of the pipeline's.

    Raises
    ------
    NoSuchPipeline
        If none was attached under this name.
    PipelineOutputDuringInitialize
        In initialize.
    """
    return current("pipeline_output").pipeline_output(name)
