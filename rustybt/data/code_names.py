"""Which globals does a function's code read?"""

import dis
from types import CodeType
from typing import Final

READS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})


def global_names(code: CodeType) -> frozenset[str]:
    """Give the names of globals and builtins that code reads, with the functions that are written inside it.

    Parameters
    ----------
    code : CodeType
        Of a function.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> sorted(global_names((lambda values: [abs(v) + offset for v in values]).__code__))
    ['abs', 'offset']
    """
    own = {str(step.argval) for step in dis.get_instructions(code) if step.opname in READS}
    inner = [global_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return frozenset(own.union(*inner))
