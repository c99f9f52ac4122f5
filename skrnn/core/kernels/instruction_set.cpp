// All kernels for one instruction set: compiled once for each, with its own flags and name.
#include <iterator>

#include "affine.hpp"
#include "gru.hpp"
#include "lru.hpp"
#include "lstm.hpp"
#include "simple_rnn.hpp"
#include "training_step.hpp"

namespace skrnn {
namespace {

template <class Cell>
void forward(const ForwardArguments<typename Cell::Type>& args) {
    typename Cell::Forward(args).run();
}

template <class Cell>
void backward(const BackwardArguments<typename Cell::Type>& args) {
    typename Cell::Backward(args).run();
}

// What the header of a cell says of it, with its layers compiled for both types.
template <template <class> class Cell>
constexpr CellKernels row(const char* name) {
    using C = Cell<float>;
    return {name,
            C::ACTIVATIONS,
            std::size(C::ACTIVATIONS),
            C::GATES,
            C::DIAGONAL,
            C::SLOTS > C::SIDE,
            C::HAS_C,
            C::HAS_GATES,
            C::HAS_C_OUT,
            C::HAS_S,
            {forward<Cell<float>>, backward<Cell<float>>},
            {forward<Cell<double>>, backward<Cell<double>>}};
}

// Every cell that has a kernel, by the first part of the names that skrnn/core/cells calls it by.
constexpr CellKernels CELLS[] = {
    row<SimpleRNN>("rnn"),
    row<LSTM>("lstm"),
    row<GRU>("gru"),
    row<LRU>("lru"),
};

template <class T>
constexpr TrainingStepKernels<T> TRAINING_STEP = {moment_update<T>, softmax_cross_entropy<T>,
                                                  add_decay<T>, sum_of_squares<T>};

template <class T>
constexpr AffineKernels<T> AFFINE = {affine<T>, affine_gradients<T>, add_over_time<T>};

#define SKRNN_STRING_(text) #text
#define SKRNN_STRING(text) SKRNN_STRING_(text)

}  // namespace

extern const InstructionSet SKRNN_INSTRUCTION_SET;
const InstructionSet SKRNN_INSTRUCTION_SET = {
    SKRNN_STRING(SKRNN_INSTRUCTION_SET),
    CELLS,
    std::size(CELLS),
    TRAINING_STEP<float>,
    TRAINING_STEP<double>,
    AFFINE<float>,
    AFFINE<double>,
    orthonormalize,
};

}  // namespace skrnn
