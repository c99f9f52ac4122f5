// Independent tasks, on as many threads as the call may have.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

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
        const double begin = seconds();
        double done = begin;
#pragma omp parallel num_threads(team.threads)
        {
            if (team.fixed) {
#pragma omp for schedule(static) nowait
                for (Index i = 0; i < tasks; i++) run(i);
            } else {
#pragma omp for schedule(dynamic, 1) nowait
                for (Index i = 0; i < tasks; i++) run(i);
            }
            if (omp_get_thread_num() == 0) done = seconds();
        }
        note_wait(done - begin, seconds() - done);
        return;
    }
#endif
    (void)team;
    for (Index i = 0; i < tasks; i++) run(i);
}

}  // namespace
}  // namespace skrnn
