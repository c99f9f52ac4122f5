// The Python side of affine.hpp.
#include "binding.hpp"

namespace skrnn {
namespace {

// The rows of an array (steps, rows, width), or (rows, width) for a single step.
struct RowShapes {
    Index steps = 1, rows, width;
    bool in_time;

    explicit RowShapes(const Array& array) : in_time(array.dimensions() == 3) {
        if (!in_time) array.expect_dimensions(2);
        if (in_time) steps = array.length(0);
        rows = array.length(in_time ? 1 : 0);
        width = array.length(in_time ? 2 : 1);
    }
    Shape with_width(Index wanted) const {
        return in_time ? Shape{steps, rows, wanted} : Shape{rows, wanted};
    }
    double size() const {
        return static_cast<double>(steps) * static_cast<double>(rows) * static_cast<double>(width);
    }
};

void expect_some(bool some) {
    if (!some) raise_value_error("The kernels need at least one row, input and output.");
}

}  // namespace

template <class T>
AffineArguments<T> affine_arguments(Arguments& from, const Array& x, double& multiply_adds) {
    const RowShapes shapes(x);
    const Array& W = from.read("W");
    W.expect_dimensions(2);
    AffineArguments<T> to{};
    to.transposed = from.number("transposed") != 0;
    to.steps = shapes.steps, to.rows = shapes.rows, to.depth = shapes.width;
    to.width = W.length(to.transposed ? 0 : 1);
    expect_some(shapes.size() > 0 && to.width > 0);
    to.x = x.time_major<T>(shapes.with_width(to.depth));
    to.W = W.contiguous<const T>(to.transposed ? Shape{to.width, to.depth}
                                               : Shape{to.depth, to.width});
    to.b = from.read_if_given<T>("b", {to.width});
    to.out = from.write<T>("out", shapes.with_width(to.width));
    multiply_adds = shapes.size() * static_cast<double>(to.width);
    from.expect_no_others();
    return to;
}
template AffineArguments<float> affine_arguments(Arguments&, const Array&, double&);
template AffineArguments<double> affine_arguments(Arguments&, const Array&, double&);

namespace {

template <class T>
void run_affine(Arguments& from, const Array& x) {
    double multiply_adds = 0;
    AffineArguments<T> to = affine_arguments<T>(from, x, multiply_adds);
    to.team = team_for(multiply_adds, true);
    nb::gil_scoped_release no_gil;
    affine_kernels<T>().affine(to);
}

void affine(nb::dict arguments) {
    Arguments from(arguments);
    const Array& x = from.read("x");
    (x.holds<float>() ? run_affine<float> : run_affine<double>)(from, x);
}

template <class T>
void run_affine_gradients(Arguments& from, const Array& x) {
    const RowShapes shapes(x);
    const Array& d = from.read("d");
    AffineGradientsArguments<T> to{};
    to.steps = shapes.steps, to.rows = shapes.rows, to.depth = shapes.width;
    to.width = RowShapes(d).width;
    expect_some(shapes.size() > 0 && to.width > 0);
    to.x = x.time_major<T>(shapes.with_width(to.depth));
    to.d = d.time_major<T>(shapes.with_width(to.width));
    to.dW = from.write<T>("dW", {to.depth, to.width});
    to.db = from.write_if_given<T>("db", {to.width});
    to.team = team_for(shapes.size() * static_cast<double>(to.width), true);
    from.expect_no_others();
    nb::gil_scoped_release no_gil;
    affine_kernels<T>().affine_gradients(to);
}

void affine_gradients(nb::dict arguments) {
    Arguments from(arguments);
    const Array& x = from.read("x");
    (x.holds<float>() ? run_affine_gradients<float> : run_affine_gradients<double>)(from, x);
}

template <class T>
void run_add_over_time(Arguments& from, const Array& x) {
    const RowShapes shapes(x);
    AddOverTimeArguments<T> to{};
    to.steps = shapes.steps, to.rows = shapes.rows, to.width = shapes.width;
    to.x = x.time_major<T>(shapes.with_width(to.width));
    to.n_active = read_n_active(from, to.steps, to.rows);
    to.total = from.write<double>("total", {to.rows, to.width});
    to.team = team_for(shapes.size(), true);
    from.expect_no_others();
    nb::gil_scoped_release no_gil;
    affine_kernels<T>().add_over_time(to);
}

void add_over_time(nb::dict arguments) {
    Arguments from(arguments);
    const Array& x = from.read("x");
    (x.holds<float>() ? run_add_over_time<float> : run_add_over_time<double>)(from, x);
}

void orthonormalize(nb::dict arguments) {
    Arguments from(arguments);
    const Array& a = from.write("a");
    a.expect_dimensions(2);
    const Index rows = a.length(0), width = a.length(1);
    double* data = a.contiguous<double>({rows, width});
    from.expect_no_others();
    nb::gil_scoped_release no_gil;
    selected->orthonormalize(data, rows, width);
}

}  // namespace

void bind_affine(nb::module_& m) {
    using namespace nanobind::literals;
    m.def("affine", affine, "arguments"_a);
    m.def("affine_gradients", affine_gradients, "arguments"_a);
    m.def("add_over_time", add_over_time, "arguments"_a);
    m.def("orthonormalize", orthonormalize, "arguments"_a);
}

}  // namespace skrnn
