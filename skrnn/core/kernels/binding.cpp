// The Python side of the kernels: checks every array, releases the GIL, runs.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#endif

#include "kernels.hpp"

namespace nb = nanobind;

namespace skrnn {

extern const InstructionSet baseline, avx2, avx512, neon;

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

const InstructionSet* selected = nullptr;

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
    throw nb::value_error(("The instruction set " + name + " is not available here.").c_str());
}

// The threads of a process do not survive fork(): GNU's OpenMP would wait for them for ever.
bool forked = false;

int n_threads() {
#ifdef _OPENMP
    return forked ? 1 : std::max(1, omp_get_max_threads());
#else
    return 1;
#endif
}

// Below this many multiply-adds for each thread, waking it takes longer than it saves.
constexpr double MULTIPLY_ADDS_PER_THREAD = 5e5;
// A call of fewer is short: about a millisecond.
constexpr double SHORT_CALL = 1e8;

Team team_for(double multiply_adds, bool equal_tasks) {
    const double most = 1.0 + multiply_adds / MULTIPLY_ADDS_PER_THREAD;
    return {static_cast<int>(std::min<double>(n_threads(), most)),
            equal_tasks && multiply_adds < SHORT_CALL};
}

enum class Cell { RNN, LSTM, GRU };

struct Twin {
    const char* name;
    Cell cell;
    Activation activation;
};

constexpr Twin TWINS[] = {
    {"rnn_tanh", Cell::RNN, Activation::TANH},
    {"rnn_relu", Cell::RNN, Activation::RELU},
    {"rnn_logistic", Cell::RNN, Activation::LOGISTIC},
    {"rnn_identity", Cell::RNN, Activation::IDENTITY},
    {"lstm_tanh", Cell::LSTM, Activation::TANH},
    {"gru_tanh", Cell::GRU, Activation::TANH},
};

std::vector<std::string> twins() {
    std::vector<std::string> names;
    for (const Twin& twin : TWINS) names.emplace_back(twin.name);
    return names;
}

const Twin& twin_of(const std::string& name) {
    for (const Twin& twin : TWINS)
        if (name == twin.name) return twin;
    throw nb::value_error(("There is no kernel " + name + ".").c_str());
}

using Shape = std::vector<Index>;

std::string describe(const Shape& shape) {
    std::string text = "(";
    for (std::size_t i = 0; i < shape.size(); i++)
        text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

enum class Access { READ, WRITE };

// A checked view of a Python array; None is a view of nothing.
class Array {
public:
    Array(const char* name, nb::handle array, Access access) : name_(name) {
        if (array.is_none()) return;
        const int flags = PyBUF_FORMAT | PyBUF_STRIDES |
                          (access == Access::WRITE ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(array.ptr(), &view_, flags) != 0) {
            PyErr_Clear();
            throw nb::type_error((name_ + (access == Access::WRITE
                                               ? " must be a writable array."
                                               : " must be an array.")).c_str());
        }
        held_ = true;
    }
    ~Array() {
        if (held_) PyBuffer_Release(&view_);
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;

    explicit operator bool() const { return held_; }
    bool has_format(const char* format) const { return held_ && std::string(view_.format) == format; }
    Index length(int axis) const { return view_.shape[axis]; }

    void expect_dimensions(int n) const {
        if (!held_ || view_.ndim != n)
            throw nb::value_error((name_ + " must have " + std::to_string(n) + " axes; got " +
                                   (held_ ? std::to_string(view_.ndim) : "None") + ".").c_str());
    }

    // C-contiguous elements of this type and shape.
    template <class E>
    E* contiguous(const char* format, const Shape& shape) const {
        check(format, alignof(E), shape);
        Index stride = view_.itemsize;
        for (int axis = view_.ndim - 1; axis >= 0; axis--) {
            expect(view_.shape[axis] == 1 || view_.strides[axis] == stride,
                   "must be C-contiguous");
            stride *= view_.shape[axis];
        }
        return static_cast<E*>(view_.buf);
    }

    template <class E>
    E* contiguous_or_null(const char* format, const Shape& shape) const {
        return held_ ? contiguous<E>(format, shape) : nullptr;
    }

    // Three axes, the last one contiguous.
    template <class E>
    Sequences<const E> sequences(const char* format, const Shape& shape) const {
        check(format, alignof(E), shape);
        const Index size = view_.itemsize;
        expect(view_.shape[2] == 1 || view_.strides[2] == size,
               "must be contiguous along its last axis");
        expect(view_.strides[0] % size == 0 && view_.strides[1] % size == 0,
               "must have strides of whole elements");
        return {static_cast<const E*>(view_.buf), view_.strides[0] / size, view_.strides[1] / size};
    }

private:
    void check(const char* format, std::size_t alignment, const Shape& shape) const {
        if (!held_) throw nb::type_error((name_ + " must be an array; got None.").c_str());
        if (!has_format(format))
            throw nb::type_error((name_ + " must have elements of type '" + format + "'; got '" +
                                  view_.format + "'.").c_str());
        const Shape got(view_.shape, view_.shape + view_.ndim);
        if (got != shape)
            throw nb::value_error(
                (name_ + " must have shape " + describe(shape) + "; got " + describe(got) + ".").c_str());
        expect(reinterpret_cast<std::uintptr_t>(view_.buf) % alignment == 0, "must be aligned");
    }

    void expect(bool condition, const char* what) const {
        if (!condition) throw nb::value_error((name_ + " " + what + ".").c_str());
    }

    std::string name_;
    Py_buffer view_{};
    bool held_ = false;
};

struct Sizes {
    Index steps, rows, inputs, hidden, gates;

    Sizes(Cell cell, const Array& x, const Array& W_h)
        : gates(cell == Cell::LSTM ? 4 : cell == Cell::GRU ? 3 : 1) {
        x.expect_dimensions(3);
        W_h.expect_dimensions(2);
        steps = x.length(0), rows = x.length(1), inputs = x.length(2), hidden = W_h.length(0);
        if (steps < 1 || rows < 1 || inputs < 1 || hidden < 1)
            throw nb::value_error("The kernels need at least one step, row, input and unit.");
    }
    double multiply_adds() const {
        return static_cast<double>(steps) * static_cast<double>(rows) *
               static_cast<double>((inputs + hidden) * gates * hidden);
    }
};

constexpr const char* INT64 = sizeof(long) == 8 ? "l" : "q";

const std::int64_t* checked_n_active(const Array& array, const Sizes& sizes) {
    const auto* n = array.contiguous<const std::int64_t>(INT64, {sizes.steps});
    std::int64_t most = sizes.rows;
    for (Index t = 0; t < sizes.steps; t++) {
        if (n[t] < 0 || n[t] > most)
            throw nb::value_error(
                ("n_active must not increase and lie in 0 ... " + std::to_string(sizes.rows) +
                 "; got " + std::to_string(n[t]) + " at step " + std::to_string(t) + ".").c_str());
        most = n[t];
    }
    return n;
}

template <class T>
constexpr const char* FORMAT = sizeof(T) == 4 ? "f" : "d";

template <class T>
const CellKernels<T>& kernels_of(Cell cell) {
    const InstructionSet& set = *selected;
    if constexpr (sizeof(T) == 4)
        return cell == Cell::LSTM ? set.lstm32 : cell == Cell::GRU ? set.gru32 : set.rnn32;
    else
        return cell == Cell::LSTM ? set.lstm64 : cell == Cell::GRU ? set.gru64 : set.rnn64;
}

template <class T>
void set_layer(Layer<T>& to, Activation activation, const Sizes& sizes, const Array& x, const Array& n_active,
               const Array& W_x, const Array& W_h, double passes) {
    const Index columns = sizes.gates * sizes.hidden;
    to.steps = sizes.steps, to.rows = sizes.rows;
    to.inputs = sizes.inputs, to.hidden = sizes.hidden;
    to.n_active = checked_n_active(n_active, sizes);
    to.x = x.sequences<T>(FORMAT<T>, {sizes.steps, sizes.rows, sizes.inputs});
    to.W_x = W_x.contiguous<const T>(FORMAT<T>, {sizes.inputs, columns});
    to.W_h = W_h.contiguous<const T>(FORMAT<T>, {sizes.hidden, columns});
    const bool equal_lengths = to.n_active[sizes.steps - 1] == sizes.rows;
    to.team = team_for(passes * sizes.multiply_adds(), equal_lengths);
    to.activation = activation;
}

template <class T>
void run_forward(const Twin& twin, const Array& x, const Array& n_active, const Array& W_x,
                 const Array& W_h, const Array& b, const Array& b_hn, const Array& h0,
                 const Array& c0, const Array& h, const Array& c, const Array& gates,
                 const Array& extra) {
    const Cell cell = twin.cell;
    const Sizes sizes(cell, x, W_h);
    const Index hidden = sizes.hidden;
    const char* format = FORMAT<T>;
    const Shape state = {sizes.rows, hidden}, steps = {sizes.steps, sizes.rows, hidden},
                states = {sizes.steps + 1, sizes.rows, hidden};
    Forward<T> args{};
    set_layer(args, twin.activation, sizes, x, n_active, W_x, W_h, 1.0);
    args.b = b.contiguous<const T>(format, {sizes.gates * hidden});
    if (cell == Cell::GRU) args.b_hn = b_hn.contiguous<const T>(format, {hidden});
    args.h0 = h0.contiguous_or_null<const T>(format, state);
    args.h = h.contiguous<T>(format, states);
    if (cell == Cell::LSTM) args.c0 = c0.contiguous_or_null<const T>(format, state);
    if (gates) {
        args.gates = gates.contiguous<T>(format, {sizes.steps, sizes.rows, sizes.gates * hidden});
        if (cell == Cell::LSTM) args.c = c.contiguous<T>(format, states);
        (cell == Cell::LSTM ? args.c_out : args.s) = extra.contiguous<T>(format, steps);
    }
    nb::gil_scoped_release no_gil;
    kernels_of<T>(cell).forward(args);
}

void forward(const std::string& name, nb::handle x, nb::handle n_active, nb::handle W_x,
             nb::handle W_h, nb::handle b, nb::handle b_hn, nb::handle h0, nb::handle c0,
             nb::handle h, nb::handle c, nb::handle gates, nb::handle extra) {
    const Twin& twin = twin_of(name);
    const char* extra_name = twin.cell == Cell::GRU ? "s" : "c_out";
    const Array x_("x", x, Access::READ), n_active_("n_active", n_active, Access::READ),
        W_x_("W_x", W_x, Access::READ), W_h_("W_h", W_h, Access::READ), b_("b", b, Access::READ),
        b_hn_("b_hn", b_hn, Access::READ), h0_("h0", h0, Access::READ),
        c0_("c0", c0, Access::READ), h_("h", h, Access::WRITE), c_("c", c, Access::WRITE),
        gates_("gates", gates, Access::WRITE), extra_(extra_name, extra, Access::WRITE);
    if (x_.has_format("f"))
        run_forward<float>(twin, x_, n_active_, W_x_, W_h_, b_, b_hn_, h0_, c0_, h_, c_, gates_,
                           extra_);
    else
        run_forward<double>(twin, x_, n_active_, W_x_, W_h_, b_, b_hn_, h0_, c0_, h_, c_, gates_,
                            extra_);
}

template <class T>
void run_backward(const Twin& twin, const Array& dh, const Array& dh_last, const Array& dc_last,
                  const Array& cut, const Array& x,
                  const Array& n_active, const Array& W_x, const Array& W_h, const Array& h,
                  const Array& c, const Array& gates, const Array& extra, const Array& dx,
                  const Array& dW_x, const Array& dW_h, const Array& db, const Array& db_hn,
                  const Array& dh0, const Array& dc0, const Array& dh_total) {
    const Cell cell = twin.cell;
    const Sizes sizes(cell, x, W_h);
    const Index hidden = sizes.hidden, columns = sizes.gates * hidden;
    const char* format = FORMAT<T>;
    const Shape state = {sizes.rows, hidden}, steps = {sizes.steps, sizes.rows, hidden},
                states = {sizes.steps + 1, sizes.rows, hidden};
    Backward<T> args{};
    set_layer(args, twin.activation, sizes, x, n_active, W_x, W_h, 2.0);
    args.dh = dh.sequences<T>(format, states);
    args.dh_last = dh_last.contiguous_or_null<const T>(format, state);
    args.cut = cut.contiguous_or_null<const bool>("?", {sizes.steps, sizes.rows});
    args.h = h.contiguous<const T>(format, states);
    if (cell == Cell::LSTM || cell == Cell::GRU) {
        args.gates = gates.contiguous<const T>(format, {sizes.steps, sizes.rows, columns});
        (cell == Cell::LSTM ? args.c_out : args.s) = extra.contiguous<const T>(format, steps);
    }
    if (cell == Cell::LSTM) {
        args.c = c.contiguous<const T>(format, states);
        args.dc_last = dc_last.contiguous_or_null<const T>(format, state);
        args.dc0 = dc0.contiguous<T>(format, state);
    }
    args.dx = dx.contiguous_or_null<T>(format, {sizes.steps, sizes.rows, sizes.inputs});
    args.dW_x = dW_x.contiguous<T>(format, {sizes.inputs, columns});
    args.dW_h = dW_h.contiguous<T>(format, {hidden, columns});
    args.db = db.contiguous<T>(format, {columns});
    if (cell == Cell::GRU) args.db_hn = db_hn.contiguous<T>(format, {hidden});
    args.dh0 = dh0.contiguous<T>(format, state);
    args.dh_total = dh_total.contiguous_or_null<T>(format, states);
    nb::gil_scoped_release no_gil;
    kernels_of<T>(cell).backward(args);
}

void backward(const std::string& name, nb::handle dh, nb::handle dh_last, nb::handle dc_last,
              nb::handle cut, nb::handle x,
              nb::handle n_active, nb::handle W_x, nb::handle W_h, nb::handle h, nb::handle c,
              nb::handle gates, nb::handle extra, nb::handle dx, nb::handle dW_x, nb::handle dW_h,
              nb::handle db, nb::handle db_hn, nb::handle dh0, nb::handle dc0,
              nb::handle dh_total) {
    const Twin& twin = twin_of(name);
    const char* extra_name = twin.cell == Cell::GRU ? "s" : "c_out";
    const Array dh_("dh", dh, Access::READ), dh_last_("dh_last", dh_last, Access::READ),
        dc_last_("dc_last", dc_last, Access::READ), cut_("cut", cut, Access::READ),
        x_("x", x, Access::READ), n_active_("n_active", n_active, Access::READ),
        W_x_("W_x", W_x, Access::READ), W_h_("W_h", W_h, Access::READ), h_("h", h, Access::READ),
        c_("c", c, Access::READ), gates_("gates", gates, Access::READ),
        extra_(extra_name, extra, Access::READ), dx_("dx", dx, Access::WRITE),
        dW_x_("dW_x", dW_x, Access::WRITE), dW_h_("dW_h", dW_h, Access::WRITE),
        db_("db", db, Access::WRITE), db_hn_("db_hn", db_hn, Access::WRITE),
        dh0_("dh0", dh0, Access::WRITE), dc0_("dc0", dc0, Access::WRITE),
        dh_total_("dh_total", dh_total, Access::WRITE);
    if (x_.has_format("f"))
        run_backward<float>(twin, dh_, dh_last_, dc_last_, cut_, x_, n_active_, W_x_, W_h_, h_, c_,
                            gates_, extra_, dx_, dW_x_, dW_h_, db_, db_hn_, dh0_, dc0_, dh_total_);
    else
        run_backward<double>(twin, dh_, dh_last_, dc_last_, cut_, x_, n_active_, W_x_, W_h_, h_, c_,
                             gates_, extra_, dx_, dW_x_, dW_h_, db_, db_hn_, dh0_, dc0_, dh_total_);
}

template <class T>
const StepKernels<T>& step_kernels() {
    if constexpr (sizeof(T) == 4)
        return selected->step32;
    else
        return selected->step64;
}

template <class T>
void run_step_by_moments(const Array& vector, const Array& gradient, const Array& m,
                         const Array& v, double beta_1, double beta_2, double of_m, double of_g,
                         double epsilon) {
    // A weight costs about as much as so many multiply-adds.
    constexpr double MULTIPLY_ADDS = 8;
    vector.expect_dimensions(1);
    const char* format = FORMAT<T>;
    const Shape shape = {vector.length(0)};
    MomentStep<T> args{};
    args.size = shape[0];
    args.vector = vector.contiguous<T>(format, shape);
    args.gradient = gradient.contiguous<const T>(format, shape);
    args.m = m.contiguous_or_null<T>(format, shape);
    args.v = v.contiguous<T>(format, shape);
    args.beta_1 = static_cast<T>(beta_1), args.beta_2 = static_cast<T>(beta_2);
    args.rest_1 = static_cast<T>(1 - beta_1), args.rest_2 = static_cast<T>(1 - beta_2);
    args.of_m = static_cast<T>(of_m), args.of_g = static_cast<T>(of_g);
    args.epsilon = static_cast<T>(epsilon);
    args.team = team_for(MULTIPLY_ADDS * static_cast<double>(args.size), true);
    nb::gil_scoped_release no_gil;
    step_kernels<T>().step_by_moments(args);
}

void step_by_moments(nb::handle vector, nb::handle gradient, nb::handle m, nb::handle v,
                     double beta_1, double beta_2, double of_m, double of_g, double epsilon) {
    const Array vector_("vector", vector, Access::WRITE), gradient_("gradient", gradient, Access::READ),
        m_("m", m, Access::WRITE), v_("v", v, Access::WRITE);
    const auto run = vector_.has_format("f") ? run_step_by_moments<float> : run_step_by_moments<double>;
    run(vector_, gradient_, m_, v_, beta_1, beta_2, of_m, of_g, epsilon);
}

template <class T>
double run_softmax_cross_entropy(const Array& raw_prediction, const Array& y,
                                 const Array& sample_weight, const Array& d_raw) {
    raw_prediction.expect_dimensions(2);
    const char* format = FORMAT<T>;
    SoftmaxCrossEntropy<T> args{};
    args.rows = raw_prediction.length(0), args.classes = raw_prediction.length(1);
    const Shape rows = {args.rows}, both = {args.rows, args.classes};
    args.raw_prediction = raw_prediction.contiguous<const T>(format, both);
    args.y = y.contiguous<const std::int64_t>(INT64, rows);
    args.sample_weight = sample_weight.contiguous<const T>(format, rows);
    args.d_raw = d_raw.contiguous<T>(format, both);
    for (Index row = 0; row < args.rows; row++)
        if (args.y[row] < 0 || args.y[row] >= args.classes)
            throw nb::value_error(("y must lie in 0 ... " + std::to_string(args.classes - 1) +
                                   "; got " + std::to_string(args.y[row]) + ".").c_str());
    nb::gil_scoped_release no_gil;
    return step_kernels<T>().softmax_cross_entropy(args);
}

double softmax_cross_entropy(nb::handle raw_prediction, nb::handle y, nb::handle sample_weight,
                             nb::handle d_raw) {
    const Array raw_("raw_prediction", raw_prediction, Access::READ), y_("y", y, Access::READ),
        weight_("sample_weight", sample_weight, Access::READ), d_raw_("d_raw", d_raw, Access::WRITE);
    const auto run =
        raw_.has_format("f") ? run_softmax_cross_entropy<float> : run_softmax_cross_entropy<double>;
    return run(raw_, y_, weight_, d_raw_);
}

template <class T>
double run_add_decay(const Array& gradient, const Array& weights, double rate) {
    weights.expect_dimensions(1);
    const Shape shape = {weights.length(0)};
    T* to = gradient.contiguous<T>(FORMAT<T>, shape);
    const T* from = weights.contiguous<const T>(FORMAT<T>, shape);
    nb::gil_scoped_release no_gil;
    return step_kernels<T>().add_decay(to, from, static_cast<T>(rate), shape[0]);
}

double add_decay(nb::handle gradient, nb::handle weights, double rate) {
    const Array gradient_("gradient", gradient, Access::WRITE),
        weights_("weights", weights, Access::READ);
    return (weights_.has_format("f") ? run_add_decay<float> : run_add_decay<double>)(
        gradient_, weights_, rate);
}

template <class T>
double run_sum_of_squares(const Array& vector) {
    vector.expect_dimensions(1);
    const Index size = vector.length(0);
    const T* from = vector.contiguous<const T>(FORMAT<T>, {size});
    nb::gil_scoped_release no_gil;
    return step_kernels<T>().sum_of_squares(from, size);
}

double sum_of_squares(nb::handle vector) {
    const Array vector_("vector", vector, Access::READ);
    return (vector_.has_format("f") ? run_sum_of_squares<float> : run_sum_of_squares<double>)(
        vector_);
}

}  // namespace
}  // namespace skrnn

NB_MODULE(_kernels, m) {
    using namespace nb::literals;
    m.doc() = "Compiled twins of the recurrent cells and of what a training step does beside them.";
#ifndef _WIN32
    pthread_atfork(nullptr, nullptr, [] { skrnn::forked = true; });
#endif
    const auto sets = skrnn::available_sets();
    if (!sets.empty()) skrnn::selected = sets.front();
    m.def("available", skrnn::available, "Names of the instruction sets of this processor, best first.");
    m.def("select", skrnn::select, "name"_a, "Choose the instruction set of all later calls.");
    m.def("twins", skrnn::twins, "Names of the cells, each with its activation, that have kernels.");
    m.def("n_threads", skrnn::n_threads, "Threads that a large layer runs on.");
    m.def("forward", skrnn::forward, "cell"_a, "x"_a, "n_active"_a, "W_x"_a, "W_h"_a, "b"_a,
          "b_hn"_a.none(), "h0"_a.none(), "c0"_a.none(), "h"_a, "c"_a.none(), "gates"_a.none(),
          "extra"_a.none());
    m.def("backward", skrnn::backward, "cell"_a, "dh"_a, "dh_last"_a.none(), "dc_last"_a.none(),
          "cut"_a.none(), "x"_a, "n_active"_a, "W_x"_a, "W_h"_a, "h"_a, "c"_a.none(), "gates"_a.none(), "extra"_a.none(),
          "dx"_a.none(), "dW_x"_a, "dW_h"_a, "db"_a, "db_hn"_a.none(), "dh0"_a, "dc0"_a.none(),
          "dh_total"_a.none());
    m.def("step_by_moments", skrnn::step_by_moments, "vector"_a, "gradient"_a, "m"_a.none(), "v"_a,
          "beta_1"_a, "beta_2"_a, "of_m"_a, "of_g"_a, "epsilon"_a);
    m.def("softmax_cross_entropy", skrnn::softmax_cross_entropy, "raw_prediction"_a, "y"_a,
          "sample_weight"_a, "d_raw"_a);
    m.def("sum_of_squares", skrnn::sum_of_squares, "vector"_a);
    m.def("add_decay", skrnn::add_decay, "gradient"_a, "weights"_a, "rate"_a);
}
