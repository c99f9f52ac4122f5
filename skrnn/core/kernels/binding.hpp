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

void bind_affine(nb::module_& m);

}  // namespace skrnn
