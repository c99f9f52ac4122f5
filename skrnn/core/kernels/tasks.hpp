// Independent tasks, on as many threads as the call may have.
#pragma once

#include "vector.hpp"

namespace skrnn {
namespace {

template <class Task>
void for_each_task(Index tasks, int threads, Task task) {
    const auto run = [&](Index i) {
        const FlushSubnormals flush;  // on whichever thread the task falls
        task(i);
    };
#ifdef _OPENMP
    if (threads > 1 && tasks > 1) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (Index i = 0; i < tasks; i++) run(i);
        return;
    }
#endif
    (void)threads;
    for (Index i = 0; i < tasks; i++) run(i);
}

}  // namespace
}  // namespace skrnn
