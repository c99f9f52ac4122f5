// A network that reads its sequences one time step a call: packed weights, and states that stay.
#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "layer_arguments.hpp"

namespace skrnn {
namespace {

// What became of a time step.
enum Outcome : int {
    DONE = 0,
    OTHER_FORM = 1,     // nothing has changed: it is not an array of rows of floats
    NOT_FINITE = 2,     // nothing has changed: there is NaN or infinity in it
    NO_PREDICTION = 3,  // it has been read, but its prediction is not finite
};

struct Free {
    void operator()(void* block) const { std::free(block); }
};
using Block = std::unique_ptr<void, Free>;

Block aligned_block(std::size_t bytes) {
    constexpr std::size_t LINE = 64;
    void* const block = std::aligned_alloc(LINE, (bytes + LINE) / LINE * LINE);
    if (!block) throw std::bad_alloc();
    return Block(block);
}

// A view of one time step, which is given back when it goes.
struct Row {
    Py_buffer view{};
    bool open;

    explicit Row(nb::handle x)
        : open(PyObject_GetBuffer(x.ptr(), &view, PyBUF_FORMAT | PyBUF_STRIDES) == 0) {
        if (!open) PyErr_Clear();
    }
    ~Row() {
        if (open) PyBuffer_Release(&view);
    }
    Row(const Row&) = delete;
    Row& operator=(const Row&) = delete;
};

class AnySteps {
public:
    virtual ~AnySteps() = default;
    virtual int step(nb::handle x) = 0;
};

template <class T>
class Steps final : public AnySteps {
public:
    Steps(const nb::list& layers, const nb::list& readouts, nb::dict output, nb::dict ends) {
        for (nb::handle layer : layers) add_layer(nb::cast<nb::tuple>(layer));
        for (nb::handle readout : readouts) add_readout(open(nb::cast<nb::dict>(readout)));
        Arguments& of_output = open(output);
        output_ = affine_arguments<T>(of_output, of_output.read("x"), output_work_);
        output_weights_ = aligned_block(affine_.packed_bytes(output_));
        affine_.pack(output_, output_weights_.get());
        output_.packed = output_weights_.get();
        Arguments& of_ends = open(ends);
        rows_ = output_.rows, inputs_ = layers_.front().arguments.inputs;
        x_ = of_ends.write<T>("x", {1, rows_, inputs_});
        n_steps_ = of_ends.write<std::int64_t>("n_steps", {rows_});
        of_ends.expect_no_others();
    }

    int step(nb::handle x) override {
        const Outcome outcome = read(x);
        if (outcome != DONE) return outcome;
        // To let other threads run takes longer than a small step.
        constexpr double LARGE = 1e6;
        if (work_ + output_work_ < LARGE) {
            run();
        } else {
            nb::gil_scoped_release no_gil;
            run();
        }
        const T* raw = output_.out;
        return all_finite(raw, rows_ * output_.width) ? DONE : NO_PREDICTION;
    }

private:
    struct Layer {
        ForwardArguments<T> arguments;
        const LayerKernels<T>* kernels;
        Block weights;
        T* state;
        double work;
    };
    enum Kind : int { LAST = 0, MEAN = 1, MAX = 2 };
    struct Readout {
        Kind kind;
        Index units, width;
        const T* h;
        T *features, *largest;
        double* total;
        std::int64_t* lengths;
    };

    Arguments& open(nb::dict arguments) {
        kept_.push_back(std::make_unique<Arguments>(arguments));
        return *kept_.back();
    }

    // (name of the kernel, arguments of forward, and the state h as `state`)
    void add_layer(nb::tuple named) {
        const Twin twin = twin_of(nb::cast<const char*>(named[0]));
        Arguments& from = open(nb::cast<nb::dict>(named[1]));
        const Array& x = from.read("x");
        T* const state = from.write("state").template contiguous<T>(
            {x.length(1), from.read("W_x").length(1) / twin.cell->gates});
        Layer layer{forward_arguments<T>(twin, from, x, false), &kernels_in<T>(*twin.cell), {},
                    state, 0};
        ForwardArguments<T>& to = layer.arguments;
        to.h0 = state;
        layer.weights = aligned_block(layer.kernels->packed_bytes(to));
        layer.kernels->pack(to, layer.weights.get());
        to.packed = layer.weights.get();
        const Index depth = to.inputs + (twin.cell->diagonal ? 0 : to.hidden);
        layer.work = static_cast<double>(to.rows) * static_cast<double>(depth) *
                     static_cast<double>(twin.cell->gates * to.hidden);
        work_ += layer.work;
        layers_.push_back(std::move(layer));
    }

    void add_readout(Arguments& from) {
        const ForwardArguments<T>& top = layers_.back().arguments;
        const Index rows = top.rows, units = top.hidden;
        const Array& features = from.write("features");
        features.expect_dimensions(2);
        Readout readout{};
        readout.kind = static_cast<Kind>(static_cast<int>(from.number("kind")));
        readout.units = units, readout.width = features.length(1);
        const Index at = static_cast<Index>(from.number("at"));
        if (at < 0 || at + units > readout.width) raise_value_error("A read-out has no room.");
        readout.h = top.h + rows * units;
        readout.features = features.contiguous<T>({rows, readout.width}) + at;
        if (readout.kind == MAX) readout.largest = from.write<T>("largest", {rows, units});
        if (readout.kind == MEAN) {
            readout.total = from.write<double>("total", {rows, units});
            readout.lengths = from.write<std::int64_t>("lengths", {rows});
        }
        from.expect_no_others();
        readouts_.push_back(readout);
    }

    // Copy the rows, in whatever order they lie; a single row or channel may have one axis.
    Outcome read(nb::handle x) {
        const Row row(x);
        if (!row.open) return OTHER_FORM;
        const Py_buffer& view = row.view;
        Index row_stride = 0, stride = 0;
        if (view.ndim == 2 && view.shape[0] == rows_ && view.shape[1] == inputs_)
            row_stride = view.strides[0], stride = view.strides[1];
        else if (view.ndim == 1 && rows_ == 1 && view.shape[0] == inputs_)
            stride = view.strides[0];
        else if (view.ndim == 1 && inputs_ == 1 && view.shape[0] == rows_)
            row_stride = view.strides[0];
        else
            return OTHER_FORM;
        const char* data = static_cast<const char*>(view.buf);
        if (std::strcmp(view.format, "d") == 0) return copy<double>(data, row_stride, stride);
        if (std::strcmp(view.format, "f") == 0) return copy<float>(data, row_stride, stride);
        return OTHER_FORM;
    }

    template <class E>
    Outcome copy(const char* data, Index row_stride, Index stride) {
        for (Index row = 0; row < rows_; row++)
            for (Index i = 0; i < inputs_; i++) {
                E value;
                std::memcpy(&value, data + row * row_stride + i * stride, sizeof(E));
                x_[row * inputs_ + i] = static_cast<T>(value);
            }
        return all_finite(x_, rows_ * inputs_) ? DONE : NOT_FINITE;
    }

    static bool all_finite(const T* numbers, Index count) {
        bool finite = true;
        for (Index i = 0; i < count; i++) finite &= std::isfinite(numbers[i]);
        return finite;
    }

    void run() {
        for (Layer& layer : layers_) {
            ForwardArguments<T>& to = layer.arguments;
            to.team = team_for(layer.work, true);
            layer.kernels->forward(to);
            const Index size = to.rows * to.hidden;
            std::memcpy(layer.state, to.h + size, static_cast<std::size_t>(size) * sizeof(T));
        }
        for (const Readout& readout : readouts_) read_out(readout);
        output_.team = team_for(output_work_, true);
        affine_.affine(output_);
        for (Index row = 0; row < rows_; row++) n_steps_[row]++;
    }

    // As skrnn/core/running.py, for one step.
    void read_out(const Readout& of) const {
        for (Index row = 0; row < rows_; row++) {
            const T* h = of.h + row * of.units;
            T* to = of.features + row * of.width;
            const Index at = row * of.units;
            if (of.kind == MEAN) of.lengths[row]++;
            for (Index i = 0; i < of.units; i++) {
                if (of.kind == LAST) {
                    to[i] = h[i];
                } else if (of.kind == MAX) {
                    if (h[i] > of.largest[at + i]) of.largest[at + i] = h[i];
                    to[i] = of.largest[at + i];
                } else {
                    of.total[at + i] += static_cast<double>(h[i]);
                    to[i] = static_cast<T>(of.total[at + i] / static_cast<double>(of.lengths[row]));
                }
            }
        }
    }

    std::vector<std::unique_ptr<Arguments>> kept_;
    std::vector<Layer> layers_;
    std::vector<Readout> readouts_;
    // Of the instruction set that packed the weights.
    const AffineKernels<T>& affine_ = affine_kernels<T>();
    AffineArguments<T> output_{};
    Block output_weights_;
    double work_ = 0, output_work_ = 0;
    Index rows_ = 0, inputs_ = 0;
    T* x_ = nullptr;
    std::int64_t* n_steps_ = nullptr;
};

class NetworkSteps {
public:
    NetworkSteps(nb::list layers, nb::list readouts, nb::dict output, nb::dict ends, bool in_float) {
        if (layers.size() == 0) raise_value_error("A network has at least one layer.");
        if (in_float)
            steps_ = std::make_unique<Steps<float>>(layers, readouts, output, ends);
        else
            steps_ = std::make_unique<Steps<double>>(layers, readouts, output, ends);
    }
    int step(nb::handle x) { return steps_->step(x); }

private:
    std::unique_ptr<AnySteps> steps_;
};

}  // namespace

void bind_steps(nb::module_& m) {
    using namespace nanobind::literals;
    nb::class_<NetworkSteps>(m, "NetworkSteps",
                             "A network in the middle of its sequences; see binding_steps.cpp.")
        .def(nb::init<nb::list, nb::list, nb::dict, nb::dict, bool>(), "layers"_a, "readouts"_a,
             "output"_a, "ends"_a, "in_float"_a)
        .def("step", &NetworkSteps::step, "x"_a, "Read a time step of every row; return 0 if done.");
    // One that lives until the interpreter ends is no fault.
    nb::set_leak_warnings(false);
}

}  // namespace skrnn
