// What the binding and the instruction sets share: arguments, the tables of kernels, scratch memory.
//
// This header is compiled for the oldest processor. Nothing inline may live here that a
// translation unit built for a newer one could emit in its stead.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skrnn {

using Index = std::ptrdiff_t;

// A (steps, rows, width) array whose last axis is contiguous: time reversal and batch-major
// memory need no copy.
template <class T>
struct TimeMajor {
    T* data;
    Index step, row;
};

// Who does the work of a call. In a short call every thread takes the same, neighbouring tasks each
// time (`fixed`): what the call before left in its cache is worth more than an even load.
struct Team {
    int threads;
    bool fixed;
};

// Of a steady clock.
double seconds();
// How long the thread of a call worked, and then waited for the rest of its team: it says how many
// threads later calls get.
void note_wait(double worked, double waited);

// Non-linearity of the state, and its name in skrnn/core/activations.py. A cell's header says which
// ones it knows.
enum class Activation { TANH, RELU, LOGISTIC, IDENTITY };
constexpr const char* ACTIVATION_NAMES[] = {"tanh", "relu", "logistic", "identity"};

// The letters are those of skrnn/core/cells; arrays are C-contiguous unless they are TimeMajor.
template <class T>
struct LayerArguments {
    Index steps, rows, inputs, hidden;
    const std::int64_t* n_active;
    TimeMajor<const T> x;
    const T *W_x, *W_h, *b, *b_hn;
    const T *lambda_re, *lambda_im, *gamma;  // of a diagonal recurrence, in place of W_h
    Activation activation;
    Team team;
};

template <class T>
struct ForwardArguments : LayerArguments<T> {
    const T *h0, *c0;  // null: zero
    T* h;
    T *c, *gates, *c_out, *s;  // null where only h is wanted or the cell has no such array
    T* c_last;                 // c after a row's last step, where only that is wanted; or null
    const void* packed;        // the weights as `pack` left them; null: to be packed
};

template <class T>
struct BackwardArguments : LayerArguments<T> {
    TimeMajor<const T> dh;
    const T *dh_last, *dc_last;  // what arrives from beyond the last step; null: zero
    const bool* cut;             // null: gradients cross every step
    const T *h, *c, *gates, *c_out, *s;
    T* dx;  // null: not wanted
    T *dW_x, *dW_h, *db, *db_hn;
    T *dlambda_re, *dlambda_im, *dgamma;
    T *dh0, *dc0;
    T* dh_total;  // whole gradient of every h; null: not wanted
};

template <class T>
struct LayerKernels {
    void (*forward)(const ForwardArguments<T>&);
    // Weights in the order of the kernel, for many calls of forward: bytes, and what fills them.
    std::size_t (*packed_bytes)(const ForwardArguments<T>&);
    void (*pack)(const ForwardArguments<T>&, void*);
    void (*backward)(const BackwardArguments<T>&);
};

// All that the binding knows of a cell: a row of the table in instruction_set.cpp.
struct CellKernels {
    const char* name;
    const Activation* activations;
    std::size_t n_activations;
    Index gates;                         // blocks of columns of W_x, W_h and b
    bool diagonal;                       // complex rates of pairs of units in place of W_h
    bool has_b_hn;                       // a bias on the side of the recurrence
    bool has_c;                          // a second state, kept as h is
    bool has_gates, has_c_out, has_s;    // what else forward keeps for backward
    LayerKernels<float> in_float;
    LayerKernels<double> in_double;
};

// An update of Adam and its kin; the letters are those of skrnn/core/optimizers.py.
template <class T>
struct MomentUpdateArguments {
    Index size;
    T* vector;
    const T* gradient;
    T *m, *v;  // m is null where the direction is the gradient alone
    T beta_1, beta_2, one_minus_beta_1, one_minus_beta_2;  // differences of double precision
    T m_factor, g_factor, epsilon;
    Team team;
};

// Weighted sum of the losses of all rows, and its gradient.
template <class T>
struct SoftmaxCrossEntropyArguments {
    Index rows, classes;
    const T* raw_prediction;
    const std::int64_t* y;
    const T* sample_weight;
    T* d_raw;
};

// out (steps, rows, width) = x W + b; W is (depth, width), or (width, depth) if it is transposed.
template <class T>
struct AffineArguments {
    Index steps, rows, depth, width;
    TimeMajor<const T> x;
    const T *W, *b;  // b is null where there is none
    bool transposed;
    T* out;
    Team team;
    const void* packed;  // as of ForwardArguments
};

// The gradients of W and b from that of x W + b.
template <class T>
struct AffineGradientsArguments {
    Index steps, rows, depth, width;
    TimeMajor<const T> x, d;
    T *dW, *db;  // db is null where it is not wanted
    Team team;
};

// Sums over the steps of every row, added to what is there.
template <class T>
struct AddOverTimeArguments {
    Index steps, rows, width;
    const std::int64_t* n_active;
    TimeMajor<const T> x;
    double* total;
    Team team;
};

template <class T>
struct AffineKernels {
    void (*affine)(const AffineArguments<T>&);
    std::size_t (*packed_bytes)(const AffineArguments<T>&);
    void (*pack)(const AffineArguments<T>&, void*);
    void (*affine_gradients)(const AffineGradientsArguments<T>&);
    void (*add_over_time)(const AddOverTimeArguments<T>&);
};

template <class T>
struct TrainingStepKernels {
    void (*moment_update)(const MomentUpdateArguments<T>&);
    double (*softmax_cross_entropy)(const SoftmaxCrossEntropyArguments<T>&);
    // gradient += rate * weights; returns the sum of the squared weights.
    double (*add_decay)(T* gradient, const T* weights, T rate, Index size);
    double (*sum_of_squares)(const T* vector, Index size);
};

struct InstructionSet {
    const char* name;
    const CellKernels* cells;
    std::size_t n_cells;
    TrainingStepKernels<float> step_in_float;
    TrainingStepKernels<double> step_in_double;
    AffineKernels<float> affine_in_float;
    AffineKernels<double> affine_in_double;
    void (*orthonormalize)(double* a, Index rows, Index width);
};

// Scratch memory of the calling thread, aligned to a cache line, uninitialised, kept between
// calls unless it is large. One block for each purpose; valid until it is asked for again.
enum class Scratch { SHARED, TASK };
constexpr std::size_t N_SCRATCH = 2;
void* scratch(Scratch purpose, std::size_t bytes);
void release_scratch(Scratch purpose);

}  // namespace skrnn
