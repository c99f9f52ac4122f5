// What the files of the binding share.
#pragma once

#include "arguments.hpp"

namespace skrnn {

// The instruction set of all calls.
extern const InstructionSet* selected;

// As many threads as are worth waking for this much work, which falls into equal tasks or not.
Team team_for(double multiply_adds, bool equal_tasks);

// The checked argument n_active.
const std::int64_t* read_n_active(Arguments& from, Index steps, Index rows);

// The kernels of affine maps, of the instruction set of all calls.
template <class T>
const AffineKernels<T>& affine_kernels() {
    if constexpr (sizeof(T) == 4)
        return selected->affine_in_float;
    else
        return selected->affine_in_double;
}

// The arguments of an affine map, without its team; `multiply_adds` is set to its work.
template <class T>
AffineArguments<T> affine_arguments(Arguments& from, const Array& x, double& multiply_adds);

void bind_team(nb::module_& m);
void bind_affine(nb::module_& m);
void bind_steps(nb::module_& m);

}  // namespace skrnn
