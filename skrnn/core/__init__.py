"""The numerical core: NumPy (with SciPy's optimizer) and the compiled kernels, nothing else.

Reading order, bottom up: `activations`, `initializers`, `losses`, `optimizers`, `parameters`,
`cells`, `network`, `training`. Nothing in here knows scikit-learn, pandas or matplotlib.

Axes inside the core are time-major, so that one time step is one contiguous block:

=============  =====================================================================
``x``          (n_timesteps, n_samples, n_inputs), zero at padding
``n_active``   (n_timesteps,) rows that are still running at each step; rows are
               sorted by length, longest first, so row ``r`` runs while
               ``r < n_active[t]`` and no step ever touches padding
``h``          (n_timesteps + 1, n_samples, hidden_size); ``h[0]`` is the initial
               state, ``h[t + 1]`` the state after step ``t``, zero where a row has
               ended
``d``\\ name    gradient of the loss with respect to *name*, of the same shape
=============  =====================================================================
"""
