/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an empty body costs: GB_LOOP beside C++'s `for (auto _ : state)`. A program, not a test.
 *
 *	gbench_loop_cost [PAIRS [ITERATIONS]]
 *
 * A C++ loop whose body is wholly empty is removed by the compiler (gcc and clang, from -O1 on): it
 * costs nothing because it is not there. So the C++ loops here have a body of an empty asm
 * statement, which emits no instruction and keeps the loop; they are built without assert(), which
 * costs C++ two more instructions an iteration. Both run in one process, in pairs of alternating
 * order; the figure is the median of the pairs' ratios, in CPU time.
 *
 * Without -fno-unroll-loops, gcc 14 unrolls a loop of at most four instructions at -O2, counting an
 * empty asm statement as one: the C++ loop and an empty GB_LOOP, but not a GB_LOOP around another
 * asm statement.
 */
#define NDEBUG

#include "gbench_c.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

using benchmark::State;

#define KEEP() __asm__ volatile("")
/* own cache lines: a loop must not pay for where it happens to lie */
#define PLACED __attribute__((noinline, aligned(64)))

PLACED static void shim_empty(gb_state *st, void *)
{
	GB_LOOP (st) {
	}
}

PLACED static void shim_keep(gb_state *st, void *)
{
	GB_LOOP (st)
		KEEP();
}

PLACED static void library_empty(State &st)
{
	for (auto _ : st) {
	}
}

PLACED static void library_keep(State &st)
{
	for (auto _ : st)
		KEEP();
}

static int take_time(const struct gb_result *result, void *user)
{
	*static_cast<double *>(user) = result->cpu_ns; /* not what others took of the CPU */
	return result->status != GB_OK;
}

static double run(const char *filter)
{
	double ns = 0;
	gb_run_options options = {filter, GB_RUN_NO_DISPLAY, take_time, &ns, nullptr};

	if (gb_run(&options)) {
		fprintf(stderr, "gbench_loop_cost: %s: %s\n", filter, gb_last_error());
		exit(1);
	}
	return ns;
}

static double quantile(std::vector<double> values, double q)
{
	size_t at = (size_t)(q * (double)(values.size() - 1) + 0.5);

	std::nth_element(values.begin(), values.begin() + (ptrdiff_t)at, values.end());
	return values[at];
}

static void compare(const char *what, const char *shim, const char *library, int pairs)
{
	std::vector<double> a, b, ratios;

	for (int i = 0; i < pairs; i++) {
		double first = run(i % 2 ? library : shim), second = run(i % 2 ? shim : library);

		a.push_back(i % 2 ? second : first);
		b.push_back(i % 2 ? first : second);
		ratios.push_back(a.back() / b.back());
	}
	printf("%-32s C %.4f ns, C++ %.4f ns, ratio %.4f (quartiles %.4f to %.4f, %d pairs)\n",
	       what, quantile(a, 0.5), quantile(b, 0.5), quantile(ratios, 0.5),
	       quantile(ratios, 0.25), quantile(ratios, 0.75), pairs);
}

int main(int argc, char **argv)
{
	int pairs = argc > 1 ? atoi(argv[1]) : 301;
	int64_t iterations = argc > 2 ? atoll(argv[2]) : 2000000;

	if (pairs < 1 || iterations < 1 || gb_initialize(nullptr, nullptr)) {
		fprintf(stderr, "usage: gbench_loop_cost [PAIRS [ITERATIONS]]\n");
		return 2;
	}
	gb_iterations(gb_register("shim_empty", shim_empty, nullptr), iterations);
	gb_iterations(gb_register("shim_keep", shim_keep, nullptr), iterations);
	benchmark::RegisterBenchmark("cxx_empty", library_empty)->Iterations(iterations);
	benchmark::RegisterBenchmark("cxx_keep", library_keep)->Iterations(iterations);

	printf("library %s, %lld iterations a run\n", gb_library_version(), (long long)iterations);
	run("."); /* warm */
	compare("empty body, C++ loop kept:", "^shim_empty/", "^cxx_keep/", pairs);
	compare("same empty asm in both:", "^shim_keep/", "^cxx_keep/", pairs);
	printf("%-32s C++ %.4f ns (the compiler removed the loop)\n",
	       "empty body in C++:", run("^cxx_empty/"));
	gb_shutdown();
	return 0;
}
