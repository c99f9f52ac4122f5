// The Python side of the kernels: checks every argument, releases the GIL, runs.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "layer_arguments.hpp"

namespace skrnn {

extern const InstructionSet baseline, avx2, avx512, neon;
const InstructionSet* selected = nullptr;

namespace {

// Best first.
std::vector<const InstructionSet*> available_sets() {
    std::vector<const InstructionSet*> sets;
#ifdef SKRNN_HAS_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        sets.push_back(&avx512);
#endif
#ifdef SKRNN_HAS_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back(&avx2);
#endif
#ifdef SKRNN_HAS_BASELINE
    sets.push_back(&baseline);
#endif
#ifdef SKRNN_HAS_NEON
    sets.push_back(&neon);
#endif
    return sets;
}

std::vector<std::string> available() {
    std::vector<std::string> names;
    for (const InstructionSet* set : available_sets()) names.emplace_back(set->name);
    return names;
}

void select(const std::string& name) {
    for (const InstructionSet* set : available_sets())
        if (name == set->name) {
            selected = set;
            return;
        }
    raise_value_error("The instruction set " + name + " is not available here.");
}

}  // namespace

const std::int64_t* read_n_active(Arguments& from, Index steps, Index rows) {
    const std::int64_t* n = from.read<std::int64_t>("n_active", {steps});
    std::int64_t most = rows;
    for (Index t = 0; t < steps; t++) {
        if (n[t] < 0 || n[t] > most)
            raise_value_error("n_active must not increase and lie in 0 ... " +
                              std::to_string(rows) + "; got " + std::to_string(n[t]) +
                              " at step " + std::to_string(t) + ".");
        most = n[t];
    }
    return n;
}

namespace {

std::vector<std::string> twins() {
    std::vector<std::string> names;
    for_each_twin([&](const char* cell, const char* activation, Twin) {
        names.push_back(std::string(cell) + "_" + activation);
    });
    return names;
}

template <class T>
void run_forward(Twin twin, Arguments& from, const Array& x, bool keep) {
    const ForwardArguments<T> to = forward_arguments<T>(twin, from, x, keep);
    nb::gil_scoped_release no_gil;
    kernels_in<T>(*twin.cell).forward(to);
}

void forward(const char* name, nb::dict arguments, bool keep) {
    const Twin twin = twin_of(name);
    Arguments from(arguments);
    const Array& x = from.read("x");
    (x.holds<float>() ? run_forward<float> : run_forward<double>)(twin, from, x, keep);
}

template <class T>
void run_backward(Twin twin, Arguments& from, const Array& x) {
    const CellKernels& cell = *twin.cell;
    BackwardArguments<T> to{};
    const LayerShapes shapes = set_layer(to, twin, from, x, 2.0);
    to.dh = from.read("dh").template time_major<T>(shapes.h);
    to.dh_last = from.read_if_given<T>("dh_last", shapes.state);
    to.cut = from.read_if_given<bool>("cut", {shapes.steps, shapes.rows});
    to.h = from.read<T>("h", shapes.h);
    if (cell.has_gates) to.gates = from.read<T>("gates", shapes.gates);
    if (cell.has_c_out) to.c_out = from.read<T>("c_out", shapes.c_out);
    if (cell.has_s) to.s = from.read<T>("s", shapes.c_out);
    if (cell.has_c) {
        to.c = from.read<T>("c", shapes.h);
        to.dc_last = from.read_if_given<T>("dc_last", shapes.state);
        to.dc0 = from.write<T>("dc0", shapes.state);
    }
    to.dx = from.write_if_given<T>("dx", shapes.x);
    to.dW_x = from.write<T>("dW_x", shapes.W_x);
    if (cell.diagonal) {
        to.dlambda_re = from.write<T>("dlambda_re", shapes.rates);
        to.dlambda_im = from.write<T>("dlambda_im", shapes.rates);
        to.dgamma = from.write<T>("dgamma", shapes.rates);
    } else {
        to.dW_h = from.write<T>("dW_h", shapes.W_h);
    }
    to.db = from.write<T>("db", {shapes.columns});
    if (cell.has_b_hn) to.db_hn = from.write<T>("db_hn", {shapes.hidden});
    to.dh0 = from.write<T>("dh0", shapes.state);
    to.dh_total = from.write_if_given<T>("dh_total", shapes.h);
    from.expect_no_others();
    nb::gil_scoped_release no_gil;
    kernels_in<T>(cell).backward(to);
}

void backward(const char* name, nb::dict arguments) {
    const Twin twin = twin_of(name);
    Arguments from(arguments);
    const Array& x = from.read("x");
    (x.holds<float>() ? run_backward<float> : run_backward<double>)(twin, from, x);
}

template <class T>
const TrainingStepKernels<T>& training_step() {
    if constexpr (sizeof(T) == 4)
        return selected->step_in_float;
    else
        return selected->step_in_double;
}

template <class T>
void run_moment_update(Arguments& from, const Array& vector) {
    // A weight costs about as much as so many multiply-adds.
    constexpr double MULTIPLY_ADDS = 8;
    vector.expect_dimensions(1);
    const Shape shape = {vector.length(0)};
    const double beta_1 = from.number("beta_1"), beta_2 = from.number("beta_2");
    MomentUpdateArguments<T> to{};
    to.size = vector.length(0);
    to.vector = vector.contiguous<T>(shape);
    to.gradient = from.read<T>("gradient", shape);
    to.m = from.write_if_given<T>("m", shape);
    to.v = from.write<T>("v", shape);
    to.beta_1 = static_cast<T>(beta_1), to.beta_2 = static_cast<T>(beta_2);
    to.one_minus_beta_1 = static_cast<T>(1 - beta_1);
    to.one_minus_beta_2 = static_cast<T>(1 - beta_2);
    to.m_factor = static_cast<T>(from.number("m_factor"));
    to.g_factor = static_cast<T>(from.number("g_factor"));
    to.epsilon = static_cast<T>(from.number("epsilon"));
    to.team = team_for(MULTIPLY_ADDS * static_cast<double>(to.size), true);
    from.expect_no_others();
    nb::gil_scoped_release no_gil;
    training_step<T>().moment_update(to);
}

void moment_update(nb::dict arguments) {
    Arguments from(arguments);
    const Array& vector = from.write("vector");
    (vector.holds<float>() ? run_moment_update<float> : run_moment_update<double>)(from, vector);
}

template <class T>
double run_softmax_cross_entropy(Arguments& from, const Array& raw_prediction) {
    raw_prediction.expect_dimensions(2);
    SoftmaxCrossEntropyArguments<T> to{};
    to.rows = raw_prediction.length(0), to.classes = raw_prediction.length(1);
    const Shape both = {to.rows, to.classes};
    to.raw_prediction = raw_prediction.contiguous<const T>(both);
    to.y = from.read<std::int64_t>("y", {to.rows});
    to.sample_weight = from.read<T>("sample_weight", {to.rows});
    to.d_raw = from.write<T>("d_raw", both);
    from.expect_no_others();
    for (Index row = 0; row < to.rows; row++)
        if (to.y[row] < 0 || to.y[row] >= to.classes)
            raise_value_error("y must lie in 0 ... " + std::to_string(to.classes - 1) + "; got " +
                              std::to_string(to.y[row]) + ".");
    nb::gil_scoped_release no_gil;
    return training_step<T>().softmax_cross_entropy(to);
}

double softmax_cross_entropy(nb::dict arguments) {
    Arguments from(arguments);
    const Array& raw = from.read("raw_prediction");
    return (raw.holds<float>() ? run_softmax_cross_entropy<float>
                               : run_softmax_cross_entropy<double>)(from, raw);
}

template <class T>
double run_add_decay(Arguments& from, const Array& weights) {
    weights.expect_dimensions(1);
    const Shape shape = {weights.length(0)};
    T* gradient = from.write<T>("gradient", shape);
    const T* read = weights.contiguous<const T>(shape);
    const T rate = static_cast<T>(from.number("rate"));
    from.expect_no_others();
    nb::gil_scoped_release no_gil;
    return training_step<T>().add_decay(gradient, read, rate, weights.length(0));
}

double add_decay(nb::dict arguments) {
    Arguments from(arguments);
    const Array& weights = from.read("weights");
    return (weights.holds<float>() ? run_add_decay<float> : run_add_decay<double>)(from, weights);
}

template <class T>
double run_sum_of_squares(Arguments& from, const Array& vector) {
    vector.expect_dimensions(1);
    const T* read = vector.contiguous<const T>({vector.length(0)});
    from.expect_no_others();
    nb::gil_scoped_release no_gil;
    return training_step<T>().sum_of_squares(read, vector.length(0));
}

double sum_of_squares(nb::dict arguments) {
    Arguments from(arguments);
    const Array& vector = from.read("vector");
    return (vector.holds<float>() ? run_sum_of_squares<float> : run_sum_of_squares<double>)(from,
                                                                                         vector);
}

}  // namespace
}  // namespace skrnn

NB_MODULE(_kernels, m) {
    using namespace nanobind::literals;
    m.doc() = "Compiled twins of the recurrent cells and of what a training step does beside them.";
    const auto sets = skrnn::available_sets();
    if (!sets.empty()) skrnn::selected = sets.front();
    m.def("available", skrnn::available, "Names of the instruction sets of this processor, best first.");
    m.def("select", skrnn::select, "name"_a, "Choose the instruction set of all later calls.");
    m.def("twins", skrnn::twins, "Names of the cells, each with its activation, that have kernels.");
    // All of these take their arrays and numbers by name in a dict, and change arrays in place.
    m.def("forward", skrnn::forward, "twin"_a, "arguments"_a, "keep"_a);
    m.def("backward", skrnn::backward, "twin"_a, "arguments"_a);
    m.def("moment_update", skrnn::moment_update, "arguments"_a);
    m.def("softmax_cross_entropy", skrnn::softmax_cross_entropy, "arguments"_a);
    m.def("sum_of_squares", skrnn::sum_of_squares, "arguments"_a);
    m.def("add_decay", skrnn::add_decay, "arguments"_a);
    skrnn::bind_team(m);
    skrnn::bind_affine(m);
    skrnn::bind_steps(m);
}
