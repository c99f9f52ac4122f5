"""The numerical core: NumPy (with SciPy's optimizer) and the compiled kernels, nothing else.

Reading order, bottom up: `activations`, `initializers`, `losses`, `clipping`, `optimizers`,
`parameters`, `ragged`, `affine`, `cells`, `embedding`, `differences`, `frames`, `layer`, `running`,
`readouts`, `output`, `architecture`, `inference`, `draws`, `passes`, `penalty`, `objective`,
`network`, `history`, `training`. Nothing in here knows scikit-learn, pandas or matplotlib.

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

The parts of a network (embedding, frames, layer, features, output) hold shapes and functions, no
numbers, and have one form (`differences`, without weights, has none to take)::

    shapes()                                name -> shape of its weights
    initialize(weights, rng, init)          fills them in place
    y, cache     = forward(x, n_active, weights)
    dx, dweights = backward(dy, cache, weights)

`skrnn.core.network.Network` puts them together. Its vector holds the weights of one part after
the other; in their names the part comes first: ``embedding.``, ``frames.``, ``layers.0.``,
``readout.``, ``output.``.
"""
