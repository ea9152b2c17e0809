"""How does an algorithm attach pipelines, and get each morning's table?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any

from rustybt.data.instant import Instant
from rustybt.errors import (
    AttachPipelineAfterInitialize,
    DuplicatePipelineName,
    InvalidParameter,
    NoSuchPipeline,
    PipelineOutputDuringInitialize,
    did_you_mean,
)

if TYPE_CHECKING:
    import pandas as pd

    from rustybt.data.portal import Portal
    from rustybt.engine.setup import Setup
    from rustybt.engine.span import Span
    from rustybt.pipeline.engine import PipelineEngine
    from rustybt.pipeline.output import Output
    from rustybt.pipeline.pipeline import Pipeline


class AttachedPipeline:
    """A pipeline of an algorithm, computed part by part as its sessions come.

    Parameters
    ----------
    pipeline : Pipeline
        Which.
    chunks : iterator of int, optional
        Sessions of each part beside its first; as many as fit into memory, if omitted.
    eager : bool
        Whether it is computed before it is asked for.
    """

    def __init__(self, pipeline: Pipeline, chunks: Iterator[int] | None, eager: bool) -> None:
        self.pipeline = pipeline
        self.eager = eager
        self._chunks = chunks
        self._output: Output | None = None
        self._rows = range(0)

    def on(self, row: int, last: int, portal: Portal, engine: PipelineEngine) -> pd.DataFrame:
        """Give the table of a session row of a run that ends at another."""
        output = self._output
        if output is None or row not in self._rows:
            output = self._output = self._next_part(row, last, portal, engine)
            self._rows = range(row, row + len(output.sessions))
        return output.on(row - self._rows.start)

    def _next_part(self, row: int, last: int, portal: Portal, engine: PipelineEngine) -> Output:
        start = portal.session_labels[row]
        if self._chunks is None:
            return next(engine.parts(self.pipeline, start, portal.session_labels[last]))
        stop = min(row + next(self._chunks), last)
        return engine.run(self.pipeline, start, portal.session_labels[stop])


class PipelineMethods:
    """What an algorithm asks of pipelines."""

    initialized: bool
    _at: Instant
    _portal: Portal
    _setup: Setup
    _span: Span
    _pipelines: dict[str, AttachedPipeline]
    _engine_of_pipelines: PipelineEngine | None

    def attach_pipeline(self, pipeline: Any, name: str, chunks: Any = None, eager: bool = True) -> Any:
        """Have a pipeline computed for every session; see `rustybt.api.attach_pipeline`."""
        from rustybt.pipeline.pipeline import Pipeline  # brings numba, which other runs need not load

        if self.initialized:
            raise AttachPipelineAfterInitialize(
                f"attach_pipeline({name!r}) was called after initialize: attach pipelines there"
            )
        if not isinstance(pipeline, Pipeline):
            raise InvalidParameter(f"attach_pipeline got {pipeline!r}: pass a rustybt.pipeline.Pipeline")
        if name in self._pipelines:
            raise DuplicatePipelineName(f"a pipeline named {name!r} is attached already: choose another name")
        self._pipelines[name] = AttachedPipeline(pipeline, _chunks_of(chunks), eager)
        return pipeline

    def pipeline_output(self, name: str) -> pd.DataFrame:
        """Give a pipeline's table of the current session; see `rustybt.api.pipeline_output`."""
        if not self.initialized:
            raise PipelineOutputDuringInitialize(
                f"pipeline_output({name!r}) was called in initialize: call it from before_trading_start on"
            )
        if name not in self._pipelines:
            raise NoSuchPipeline(
                f"no pipeline named {name!r} is attached{did_you_mean(str(name), self._pipelines)}: attached are "
                f"{', '.join(self._pipelines) or 'none'}"
            )
        return self._pipelines[name].on(self._at.row, self._span.last, self._portal, self._pipeline_engine())

    def compute_eager_pipelines(self) -> None:
        """Compute what is attached to be computed beforehand, so that its errors come before the first session."""
        for name, attached in self._pipelines.items():
            if attached.eager:
                self.pipeline_output(name)

    def _pipeline_engine(self) -> PipelineEngine:
        from rustybt.pipeline.engine import PipelineEngine

        if self._engine_of_pipelines is None:
            self._engine_of_pipelines = PipelineEngine(self._portal, self._setup.custom_loader)
        return self._engine_of_pipelines


def _chunks_of(chunks: Any) -> Iterator[int] | None:
    if chunks is None:
        return None
    if isinstance(chunks, int):
        if chunks < 1:
            raise InvalidParameter(f"attach_pipeline: chunks {chunks} must be 1 session or more")
        return repeat(chunks)
    if not isinstance(chunks, Iterable):
        raise InvalidParameter(f"attach_pipeline: chunks {chunks!r} must be a number of sessions, or several")
    return _checked(chunks)


def _checked(chunks: Iterable[Any]) -> Iterator[int]:
    """Give numbers of sessions; the last again and again, where there are no more."""
    count = 0
    for count in chunks:
        if not isinstance(count, int) or count < 1:
            raise InvalidParameter(f"attach_pipeline: chunks has {count!r}: each must be 1 session or more")
        yield count
    if not count:
        raise InvalidParameter("attach_pipeline: chunks is empty: name the sessions of a part, or leave it out")
    yield from repeat(count)
