// How many threads a call runs on. No number depends on it.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#ifdef _OPENMP
#include <omp.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#endif

#include "binding.hpp"

namespace skrnn {
namespace {

// The threads of a process do not survive fork(): GNU's OpenMP would wait for them indefinitely.
bool forked = false;

// Threads of the program that compute beside each other, and share the cores.
std::atomic<int> sharers{1};

int n_threads() {
#ifdef _OPENMP
    return forked ? 1 : std::max(1, omp_get_max_threads() / sharers.load());
#else
    return 1;
#endif
}

void share(int n) { sharers.store(std::max(1, n)); }

// A thread whose core another program has comes late, and the others wait for it, on a busy machine
// for ten times as long as all of the work would take one of them. So after a wait calls run on one
// thread, for as long as it was, and twice as long after every further one. A wait without need
// then costs no more than once again its time, and a busy machine a small share of it.
constexpr int MOST_DOUBLINGS = 6;
std::atomic<int> doublings{0};
std::atomic<double> alone_until{0.0};

bool cores_are_busy() {
    const double until = alone_until.load();
    return until > 0.0 && seconds() < until;
}

// Below this many multiply-adds for each thread, waking it takes longer than it saves.
constexpr double MULTIPLY_ADDS_PER_THREAD = 5e5;
// A call of fewer is short: about a millisecond.
constexpr double SHORT_CALL = 1e8;

int threads_for(double multiply_adds) {
    const double most = 1.0 + multiply_adds / MULTIPLY_ADDS_PER_THREAD;
    const int threads = static_cast<int>(std::min<double>(n_threads(), most));
    return threads > 1 && cores_are_busy() ? 1 : threads;
}

}  // namespace

double seconds() {
    using namespace std::chrono;
    return duration<double>(steady_clock::now().time_since_epoch()).count();
}

void note_wait(double worked, double waited) {
    // Threads that call at the same time may miss one another's waits; there will be others.
    const int before = doublings.load();
    if (waited <= worked) {
        doublings.store(std::max(0, before - 1));
    } else {
        alone_until.store(seconds() + waited * static_cast<double>(1 << before));
        doublings.store(std::min(MOST_DOUBLINGS, before + 1));
    }
}

Team team_for(double multiply_adds, bool equal_tasks) {
    return {threads_for(multiply_adds), equal_tasks && multiply_adds < SHORT_CALL};
}

void bind_team(nb::module_& m) {
    using namespace nanobind::literals;
#ifndef _WIN32
    pthread_atfork(nullptr, nullptr, [] { forked = true; });
#endif
    m.def("n_threads", n_threads, "Threads that a large layer runs on.");
    m.def("share", share, "n"_a, "Tell how many threads of the program share the cores.");
    m.def("threads_for", threads_for, "multiply_adds"_a, "Threads of a call that begins now.");
    m.def("note_wait", note_wait, "worked"_a, "waited"_a,
          "Tell how many seconds a call's own thread worked, and then waited for the others.");
}

}  // namespace skrnn
