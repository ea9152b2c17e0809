"""How does an algorithm ask a model?"""

from typing import TYPE_CHECKING, Any

from rustybt.constants import NS_PER_DAY
from rustybt.data.instant import Instant
from rustybt.data.models import Model, ask, require_model

if TYPE_CHECKING:
    from rustybt.data.portal import Portal
    from rustybt.engine.span import Span


class PredictMethods:
    """What an algorithm asks of models."""

    _at: Instant
    _portal: "Portal"
    _span: "Span"

    def predict(self, model: Model, features: Any, output: str | int | None = None) -> Any:
        """Give a model's answer, from the process's cache where the same was asked before.

        The same means: the same model by its fingerprint, the same output, equal features, and the same session.

        Parameters
        ----------
        model : Model
            From `rustybt.Model.of` or `Model.from_file`.
        features : number, array-like, pd.Series or pd.DataFrame
            What is known now. A model that takes rows gets one dimension as one row, and answers for it alone.
        output : str or int, optional
            Which of the model's outputs; all if omitted.

        Returns
        -------
        number or array
            As the model gives it; an array is read-only.

        Raises
        ------
        ModelLooksAhead
            If the model's training used a day that is not over yet. Sessions before the run's first one, in which a
            strategy warms up, count as the end of the last of them.
        InvalidParameter
            If features, output or answer are no numbers, or do not fit the model.
        """
        wrapped, portal, row = require_model(model), self._portal, self._at.row
        day_ns = int(portal.session_ns[row])
        wrapped.require_known(self._last_day_over_ns(row, day_ns), day_ns)
        return ask(wrapped, features, output, day_ns)

    def _last_day_over_ns(self, row: int, day_ns: int) -> int:
        first = self._span.first
        if row < first:
            return int(self._portal.session_ns[first - 1])
        is_over = self._at.now_ns >= self._portal.session_table.close_ns[row]
        return day_ns if is_over else day_ns - NS_PER_DAY
