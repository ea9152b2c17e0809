"""Which small numeric functions do algorithms use? The same names as `rustybt.finance.math_utils`."""

from rustybt.finance.math_utils import *  # noqa: F403
from rustybt.finance.math_utils import __all__ as __all__
