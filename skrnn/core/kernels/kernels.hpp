// What the binding and the instruction sets share: arguments, the table of kernels, scratch memory.
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
struct Sequences {
    T* data;
    Index step, row;
};

// Who does the work of a call. In a short call every thread takes the same, neighbouring tasks each
// time (`fixed`): what the call before left in its cache is worth more than an even load.
struct Team {
    int threads;
    bool fixed;
};

// Non-linearity of the state; cells other than the simple one know tanh only.
enum class Activation { TANH, RELU, LOGISTIC, IDENTITY };

// The letters are those of skrnn/core/cells; arrays are C-contiguous unless they are Sequences.
template <class T>
struct Layer {
    Index steps, rows, inputs, hidden;
    const std::int64_t* n_active;
    Sequences<const T> x;
    const T *W_x, *W_h, *b, *b_hn;
    Activation activation;
    Team team;
};

template <class T>
struct Forward : Layer<T> {
    const T *h0, *c0;  // null: zero
    T* h;
    T *c, *gates, *c_out, *s;  // null where only h is wanted or the cell has no such array
};

template <class T>
struct Backward : Layer<T> {
    Sequences<const T> dh;
    const T *dh_last, *dc_last;  // what arrives from beyond the last step; null: zero
    const bool* cut;             // null: gradients cross every step
    const T *h, *c, *gates, *c_out, *s;
    T* dx;  // null: not wanted
    T *dW_x, *dW_h, *db, *db_hn;
    T *dh0, *dc0;
    T* dh_total;  // whole gradient of every h; null: not wanted
};

template <class T>
struct CellKernels {
    void (*forward)(const Forward<T>&);
    void (*backward)(const Backward<T>&);
};

// One step of Adam and its kin; the letters are those of skrnn/core/optimizers.py.
template <class T>
struct MomentStep {
    Index size;
    T* vector;
    const T* gradient;
    T *m, *v;  // m is null where the direction is the gradient alone
    T beta_1, beta_2, rest_1, rest_2;  // the rests to 1, taken in double precision
    T of_m, of_g, epsilon;
    Team team;
};

// Weighted sum of the losses of all rows, and its gradient.
template <class T>
struct SoftmaxCrossEntropy {
    Index rows, classes;
    const T* raw_prediction;
    const std::int64_t* y;
    const T* sample_weight;
    T* d_raw;
};

template <class T>
struct StepKernels {
    void (*step_by_moments)(const MomentStep<T>&);
    double (*softmax_cross_entropy)(const SoftmaxCrossEntropy<T>&);
    // gradient += rate * weights; returns the sum of the squared weights.
    double (*add_decay)(T* gradient, const T* weights, T rate, Index size);
    double (*sum_of_squares)(const T* vector, Index size);
};

struct InstructionSet {
    const char* name;
    CellKernels<float> rnn32, lstm32, gru32;
    CellKernels<double> rnn64, lstm64, gru64;
    StepKernels<float> step32;
    StepKernels<double> step64;
};

// Scratch memory of the calling thread, aligned to a cache line, uninitialised, kept between
// calls unless it is large. One block a slot; valid until the slot is asked for again.
enum Slot { SHARED_SLOT, TASK_SLOT, N_SLOTS };
void* scratch(Slot slot, std::size_t bytes);
void release_scratch(Slot slot);

}  // namespace skrnn
