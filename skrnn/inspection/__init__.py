"""Look into a recurrent network: why it learns, or why it does not.

Every function takes an estimator and data and returns plain arrays; nothing here draws (that is
`skrnn.plotting`).
"""

from skrnn.inspection._gradient_flow import gradient_flow
from skrnn.inspection._unrolled import unrolled

__all__ = ["gradient_flow", "unrolled"]
