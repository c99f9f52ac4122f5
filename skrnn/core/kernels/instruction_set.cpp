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
std::size_t packed_bytes(const ForwardArguments<typename Cell::Type>& args) {
    return typename Cell::Forward(args).packed_bytes();
}

template <class Cell>
void pack_weights(const ForwardArguments<typename Cell::Type>& args, void* to) {
    typename Cell::Forward(args).pack_into(to);
}

template <class Cell>
void backward(const BackwardArguments<typename Cell::Type>& args) {
    typename Cell::Backward(args).run();
}

// The kernels of a cell with numbers of its type.
template <class Cell>
constexpr LayerKernels<typename Cell::Type> layer_kernels() {
    return {forward<Cell>, packed_bytes<Cell>, pack_weights<Cell>, backward<Cell>};
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
            layer_kernels<Cell<float>>(),
            layer_kernels<Cell<double>>()};
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
constexpr AffineKernels<T> AFFINE = {affine<T>, packed_bytes<T>, pack<T>, affine_gradients<T>,
                                     add_over_time<T>};

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
