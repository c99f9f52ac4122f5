// The arguments of a layer's kernels, read from a dict of Python's.
#pragma once

#include <cstring>
#include <string>

#include "binding.hpp"

namespace skrnn {

// A cell with one of its activations.
struct Twin {
    const CellKernels* cell;
    Activation activation;
};

// Calls visit(cell's name, activation's name, twin) for all twins of the selected instruction set.
template <class Visit>
void for_each_twin(Visit visit) {
    for (std::size_t i = 0; i < selected->n_cells; i++) {
        const CellKernels& cell = selected->cells[i];
        for (std::size_t j = 0; j < cell.n_activations; j++) {
            const Activation activation = cell.activations[j];
            visit(cell.name, ACTIVATION_NAMES[static_cast<int>(activation)],
                  Twin{&cell, activation});
        }
    }
}

inline Twin twin_of(const char* wanted) {
    Twin found{};
    for_each_twin([&](const char* cell, const char* activation, Twin twin) {
        const std::size_t length = std::strlen(cell);
        if (std::strncmp(wanted, cell, length) == 0 && wanted[length] == '_' &&
            std::strcmp(wanted + length + 1, activation) == 0)
            found = twin;
    });
    if (!found.cell) raise_value_error(std::string("There is no kernel ") + wanted + ".");
    return found;
}

template <class T>
const LayerKernels<T>& kernels_in(const CellKernels& cell) {
    if constexpr (sizeof(T) == 4)
        return cell.in_float;
    else
        return cell.in_double;
}

// The shapes of a layer's arrays. Those of x and W_x say it all.
struct LayerShapes {
    Index steps, rows, inputs, hidden, columns, depth;
    Shape x, W_x, W_h, rates, state, h, gates, c_out;

    LayerShapes(const CellKernels& cell, const Array& x_array, const Array& W_x_array) {
        x_array.expect_dimensions(3);
        W_x_array.expect_dimensions(2);
        steps = x_array.length(0), rows = x_array.length(1), inputs = x_array.length(2);
        hidden = W_x_array.length(1) / cell.gates, columns = cell.gates * hidden;
        depth = inputs + (cell.diagonal ? 0 : hidden);
        if (steps < 1 || rows < 1 || inputs < 1 || hidden < 1)
            raise_value_error("The kernels need at least one step, row, input and unit.");
        x = {steps, rows, inputs}, W_x = {inputs, columns}, W_h = {hidden, columns};
        rates = {(hidden + 1) / 2};
        state = {rows, hidden}, h = {steps + 1, rows, hidden};
        gates = {steps, rows, columns}, c_out = {steps, rows, hidden};
    }
    double multiply_adds() const {
        return static_cast<double>(steps) * static_cast<double>(rows) *
               static_cast<double>(depth * columns);
    }
};

// Fills in what forward and backward have in common; `passes` is the number of products.
template <class T>
LayerShapes set_layer(LayerArguments<T>& to, Twin twin, Arguments& from, const Array& x,
                      double passes) {
    const Array& W_x = from.read("W_x");
    const LayerShapes shapes(*twin.cell, x, W_x);
    to.steps = shapes.steps, to.rows = shapes.rows;
    to.inputs = shapes.inputs, to.hidden = shapes.hidden;
    to.n_active = read_n_active(from, shapes.steps, shapes.rows);
    to.x = x.time_major<T>(shapes.x);
    to.W_x = W_x.contiguous<const T>(shapes.W_x);
    if (twin.cell->diagonal) {
        to.lambda_re = from.read<T>("lambda_re", shapes.rates);
        to.lambda_im = from.read<T>("lambda_im", shapes.rates);
        to.gamma = from.read<T>("gamma", shapes.rates);
    } else {
        to.W_h = from.read<T>("W_h", shapes.W_h);
    }
    const bool equal_lengths = to.n_active[shapes.steps - 1] == shapes.rows;
    to.team = team_for(passes * shapes.multiply_adds(), equal_lengths);
    to.activation = twin.activation;
    return shapes;
}

// The arguments of a forward pass, which keeps what a backward pass needs or not.
template <class T>
ForwardArguments<T> forward_arguments(Twin twin, Arguments& from, const Array& x, bool keep) {
    const CellKernels& cell = *twin.cell;
    ForwardArguments<T> to{};
    const LayerShapes shapes = set_layer(to, twin, from, x, 1.0);
    to.b = from.read<T>("b", {shapes.columns});
    if (cell.has_b_hn) to.b_hn = from.read<T>("b_hn", {shapes.hidden});
    to.h0 = from.read_if_given<T>("h0", shapes.state);
    if (cell.has_c) to.c0 = from.read_if_given<T>("c0", shapes.state);
    to.h = from.write<T>("h", shapes.h);
    if (keep && cell.has_c) to.c = from.write<T>("c", shapes.h);
    if (!keep && cell.has_c) to.c_last = from.write_if_given<T>("c_last", shapes.state);
    if (keep && cell.has_gates) to.gates = from.write<T>("gates", shapes.gates);
    if (keep && cell.has_c_out) to.c_out = from.write<T>("c_out", shapes.c_out);
    if (keep && cell.has_s) to.s = from.write<T>("s", shapes.c_out);
    from.expect_no_others();
    return to;
}

}  // namespace skrnn
