"""The headings under which the reference shows the parameters of the estimators."""

from __future__ import annotations

# Of both estimators; within a group in this order.
GROUPS = {
    "The network": (
        "hidden_layer_sizes cell activation init recurrent_init bidirectional readout "
        "return_sequences dropout"
    ),
    "What it reads": "n_channels embedding_dim n_tokens static differences missing_values",
    "Long sequences": "frame_length frame_stride frame_units frame_shift bptt_steps",
    "What it minimises": "loss quantile huber_delta normalize_y class_weight alpha",
    "The optimizer": (
        "optimizer learning_rate learning_rate_init power_t batch_size shuffle max_grad_norm "
        "momentum nesterovs_momentum beta_1 beta_2 epsilon"
    ),
    "When it ends": "max_iter tol n_iter_no_change early_stopping validation_fraction",
    "Around a fit": "random_state verbose warm_start",
}
