// All kernels for one instruction set: compiled once for each, with its own flags and name.
#include "gru.hpp"
#include "lstm.hpp"
#include "simple_rnn.hpp"
#include "step.hpp"

namespace skrnn {
namespace {

template <class Cell>
void forward(const Forward<typename Cell::Type>& args) {
    ForwardPass<Cell>(args).run();
}

template <class Cell>
void backward(const Backward<typename Cell::Type>& args) {
    BackwardPass<Cell>(args).run();
}

template <class Cell>
constexpr CellKernels<typename Cell::Type> KERNELS = {forward<Cell>, backward<Cell>};

template <class T>
constexpr StepKernels<T> STEP_KERNELS = {step_by_moments<T>, softmax_cross_entropy<T>,
                                         add_decay<T>, sum_of_squares<T>};

#define SKRNN_STRING_(text) #text
#define SKRNN_STRING(text) SKRNN_STRING_(text)

}  // namespace

extern const InstructionSet SKRNN_INSTRUCTION_SET;
const InstructionSet SKRNN_INSTRUCTION_SET = {
    SKRNN_STRING(SKRNN_INSTRUCTION_SET),
    KERNELS<SimpleRNN<float>>,  KERNELS<LSTM<float>>,  KERNELS<GRU<float>>,
    KERNELS<SimpleRNN<double>>, KERNELS<LSTM<double>>, KERNELS<GRU<double>>,
    STEP_KERNELS<float>,        STEP_KERNELS<double>,
};

}  // namespace skrnn
