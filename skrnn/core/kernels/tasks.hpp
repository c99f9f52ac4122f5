// Independent tasks, on as many threads as the call may have.
#pragma once

#include "vector.hpp"

namespace skrnn {
namespace {

template <class Task>
void for_each_task(Index tasks, Team team, Task task) {
    const auto run = [&](Index i) {
        const FlushSubnormals flush;  // on whichever thread the task falls
        task(i);
    };
#ifdef _OPENMP
    if (team.threads > 1 && tasks > 1) {
        if (team.fixed) {
#pragma omp parallel for schedule(static) num_threads(team.threads)
            for (Index i = 0; i < tasks; i++) run(i);
        } else {
#pragma omp parallel for schedule(dynamic, 1) num_threads(team.threads)
            for (Index i = 0; i < tasks; i++) run(i);
        }
        return;
    }
#endif
    (void)team;
    for (Index i = 0; i < tasks; i++) run(i);
}

}  // namespace
}  // namespace skrnn
