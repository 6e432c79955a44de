/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shim against the C++ interface: each benchmark is registered once by either, as "shim/X" and
 * "cxx/X", and must give the same names and the same figures. Times are manual, so that they are
 * the same; where the meaning of a time is the question, they are of sleeping and spinning.
 */
#include "gbench_c.h"

#include <benchmark/benchmark.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using benchmark::BenchmarkReporter;
using benchmark::Counter;
using benchmark::State;
using Registered = std::remove_pointer<decltype(benchmark::RegisterBenchmark(
	"", std::declval<void (*)(State &)>()))>::type;

static int failures;

#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			failures++;                                                                \
			printf("%s:%d: %s: ", __func__, __LINE__, #cond);                          \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
		}                                                                                  \
	} while (0)

static bool is_near(double a, double b)
{
	return std::fabs(a - b) <= 1e-9 * std::fmax(std::fabs(a), std::fabs(b));
}

struct Row {
	std::string name, aggregate, label;
	int64_t iterations, threads, repetition;
	double real, cpu; /* in the unit of C++'s GetAdjusted*Time(): ns here */
	std::vector<std::pair<std::string, double>> counters;
	const void *user;
};

/* The library's own figures, untouched. */
class Collector : public BenchmarkReporter
{
      public:
	std::vector<Row> rows;
	std::ostringstream text;

	Collector()
	{
		SetOutputStream(&text);
		SetErrorStream(&text);
	}

	bool ReportContext(const Context &) override
	{
		return true;
	}

	void ReportRuns(const std::vector<Run> &runs) override
	{
		for (const Run &run : runs) {
			Row row = {run.benchmark_name(),
				   run.aggregate_name,
				   run.report_label,
				   run.iterations,
				   run.threads,
				   run.repetition_index,
				   run.GetAdjustedRealTime(),
				   run.GetAdjustedCPUTime(),
				   {},
				   nullptr};

			/* ratios: as they are, not over a number of runs */
			if (run.aggregate_unit == benchmark::kPercentage && !run.report_rms) {
				row.real = run.real_accumulated_time;
				row.cpu = run.cpu_accumulated_time;
			}
			for (const auto &counter : run.counters)
				row.counters.emplace_back(counter.first, counter.second.value);
			rows.push_back(row);
		}
	}
};

static int collect(const struct gb_result *result, void *user)
{
	auto *rows = static_cast<std::vector<Row> *>(user);
	Row row = {result->name,       result->aggregate_name, result->label,
		   result->iterations, result->threads,	       result->repetition,
		   result->real_ns,    result->cpu_ns,	       {},
		   result->user};

	for (size_t i = 0; i < result->counter_count; i++)
		row.counters.emplace_back(result->counters[i].name, result->counters[i].value);
	rows->push_back(row);
	return 0;
}

static std::vector<Row> run_library(const char *filter)
{
	Collector collector;

	benchmark::RunSpecifiedBenchmarks(&collector, filter);
	return collector.rows;
}

static std::vector<Row> run_shim(const char *filter)
{
	std::vector<Row> rows;
	gb_run_options options = {filter, GB_RUN_NO_DISPLAY, collect, &rows, nullptr};
	int rc = gb_run(&options);

	CHECK(rc == 0, "%s: %d, %s", filter, rc, gb_last_error());
	return rows;
}

static void start()
{
	gb_shutdown();
	CHECK(gb_initialize(nullptr, nullptr) == 0, "%s", gb_last_error());
}

/* What follows "shim" or "cxx". */
static std::string tail(const std::string &name)
{
	return name.substr(name.find('/'));
}

/* ---- the two bodies: one second an iteration, times the argument, and every counter ---- */

static const struct {
	const char *name;
	unsigned int shim;
	Counter::Flags library;
} kinds[] = {
	{"plain", GB_COUNTER_PLAIN, Counter::kDefaults},
	{"rate", GB_COUNTER_RATE, Counter::kIsRate},
	{"threads", GB_COUNTER_AVG_THREADS, Counter::kAvgThreads},
	{"threads_rate", GB_COUNTER_AVG_THREADS | GB_COUNTER_RATE, Counter::kAvgThreadsRate},
	{"invariant", GB_COUNTER_ITERATION_INVARIANT, Counter::kIsIterationInvariant},
	{"invariant_rate", GB_COUNTER_ITERATION_INVARIANT | GB_COUNTER_RATE,
	 Counter::kIsIterationInvariantRate},
	{"iterations", GB_COUNTER_AVG_ITERATIONS, Counter::kAvgIterations},
	{"iterations_rate", GB_COUNTER_AVG_ITERATIONS | GB_COUNTER_RATE,
	 Counter::kAvgIterationsRate},
	{"inverse", GB_COUNTER_INVERT, Counter::kInvert},
	{"inverse_rate", GB_COUNTER_INVERT | GB_COUNTER_RATE, Counter::kInvert | Counter::kIsRate},
};

/* Differs from repetition to repetition, so that the aggregates mean something. */
static int shim_runs, library_runs;

static void shim_body(gb_state *st, void *)
{
	double seconds = (double)gb_range_at(st, 0) + 0.25 * shim_runs;

	GB_LOOP (st)
		gb_set_iteration_time(st, seconds);
	for (const auto &kind : kinds)
		gb_counter_set(st, kind.name, 3 + seconds, kind.shim);
	gb_set_items_processed(st, 100);
	gb_set_bytes_processed(st, 200);
	gb_set_complexity_n(st, gb_range_at(st, 0));
	gb_set_label(st, "labelled");
	if (gb_thread_count(st) == 1)
		shim_runs++;
}

static void library_body(State &st)
{
	double seconds = (double)st.range(0) + 0.25 * library_runs;

	for (auto _ : st)
		st.SetIterationTime(seconds);
	for (const auto &kind : kinds)
		st.counters[kind.name] = Counter(3 + seconds, kind.library);
	st.SetItemsProcessed(100);
	st.SetBytesProcessed(200);
	st.SetComplexityN(st.range(0));
	st.SetLabel("labelled");
	if (st.threads() == 1)
		library_runs++;
}

/* A pair of settings; what each does to its side. */
struct Case {
	const char *name;
	std::function<int(gb_benchmark *)> shim;
	std::function<void(Registered *)> library;
};

static void register_both(const Case &c)
{
	std::string shim = std::string("shim/") + c.name, library = std::string("cxx/") + c.name;
	gb_benchmark *b = gb_register(shim.c_str(), shim_body, &failures);

	CHECK(b && c.shim(b) == 0, "%s: %s", c.name, gb_last_error());
	c.library(benchmark::RegisterBenchmark(library.c_str(), library_body));
}

/* ---- names ---- */

static int append(const char *name, void *user)
{
	static_cast<std::vector<std::string> *>(user)->push_back(tail(name));
	return 0;
}

static void test_names()
{
	static const int64_t three[] = {1, 5, 9}, two[] = {2, 4};
	static const struct gb_span spans[] = {{-8, 64}, {1, 1}};
	static const struct gb_arg_list lists[] = {{three, 3}, {two, 2}};
	static const char *const arg_names[] = {"x", ""};
	const std::vector<Case> cases = {
		{"bare", [](gb_benchmark *) { return 0; }, [](Registered *) {}},
		{"arg", [](gb_benchmark *b) { return gb_arg(b, -7) | gb_arg_name(b, "n"); },
		 [](Registered *b) { b->Arg(-7)->ArgName("n"); }},
		{"args", [](gb_benchmark *b) { return gb_args(b, three, 3); },
		 [](Registered *b) {
			 b->Args({1, 5, 9});
		 }},
		{"range", [](gb_benchmark *b) { return gb_range(b, 0, 1000); },
		 [](Registered *b) { b->Range(0, 1000); }},
		{"multiplier",
		 [](gb_benchmark *b) { return gb_range_multiplier(b, 3) | gb_range(b, -20, 90); },
		 [](Registered *b) { b->RangeMultiplier(3)->Range(-20, 90); }},
		{"ranges",
		 [](gb_benchmark *b) {
			 return gb_arg_names(b, arg_names, 2) | gb_ranges(b, spans, 2);
		 },
		 [](Registered *b) {
			 b->ArgNames({"x", ""})->Ranges({{-8, 64}, {1, 1}});
		 }},
		{"dense", [](gb_benchmark *b) { return gb_dense_range(b, 3, 12, 4); },
		 [](Registered *b) { b->DenseRange(3, 12, 4); }},
		{"product", [](gb_benchmark *b) { return gb_args_product(b, lists, 2); },
		 [](Registered *b) {
			 b->ArgsProduct({{1, 5, 9}, {2, 4}});
		 }},
		{"threads",
		 [](gb_benchmark *b) {
			 return gb_threads(b, 3) | gb_thread_range(b, 1, 6) |
				gb_dense_thread_range(b, 2, 7, 3) | gb_thread_per_cpu(b);
		 },
		 [](Registered *b) {
			 b->Threads(3)
				 ->ThreadRange(1, 6)
				 ->DenseThreadRange(2, 7, 3)
				 ->ThreadPerCpu();
		 }},
		{"counts",
		 [](gb_benchmark *b) {
			 return gb_iterations(b, 12) | gb_repetitions(b, 3) | gb_use_real_time(b);
		 },
		 [](Registered *b) { b->Iterations(12)->Repetitions(3)->UseRealTime(); }},
		{"times",
		 [](gb_benchmark *b) {
			 return gb_min_time(b, 1.5) | gb_min_warmup_time(b, 0.5) |
				gb_measure_process_cpu_time(b) | gb_use_manual_time(b) |
				gb_unit(b, GB_SECOND);
		 },
		 [](Registered *b) {
			 b->MinTime(1.5)->MinWarmUpTime(0.5)->MeasureProcessCPUTime();
			 b->UseManualTime()->Unit(benchmark::kSecond);
		 }},
	};
	std::vector<std::string> shim, library;

	start();
	for (const Case &c : cases)
		register_both(c);
	CHECK(gb_list_tests("^shim/", append, &shim) == 0, "%s", gb_last_error());
	CHECK(gb_list_tests("^cxx/", append, &library) == 0, "%s", gb_last_error());
	CHECK(shim.size() > 40 && shim.size() == library.size(), "%zu and %zu", shim.size(),
	      library.size());
	for (size_t i = 0; i < shim.size() && i < library.size(); i++)
		CHECK(shim[i] == library[i], "%s and %s", shim[i].c_str(), library[i].c_str());
}

/* ---- figures ---- */

/* The same rows; CPU times apart, which are measured. */
static void compare(const std::vector<Row> &shim, const std::vector<Row> &library)
{
	CHECK(!shim.empty() && shim.size() == library.size(), "%zu and %zu rows", shim.size(),
	      library.size());
	for (size_t i = 0; i < shim.size() && i < library.size(); i++) {
		const Row &a = shim[i], &b = library[i];
		const char *name = a.name.c_str();

		CHECK(tail(a.name) == tail(b.name), "%s and %s", name, b.name.c_str());
		CHECK(a.aggregate == b.aggregate, "%s: %s", name, b.aggregate.c_str());
		CHECK(a.label == b.label, "%s: '%s' and '%s'", name, a.label.c_str(),
		      b.label.c_str());
		CHECK(a.iterations == b.iterations && a.threads == b.threads, "%s", name);
		CHECK(a.repetition == b.repetition, "%s", name);
		CHECK(is_near(a.real, b.real) || (a.real < 1e-9 && b.real < 1e-9),
		      "%s: %.17g and %.17g", name, a.real, b.real);
		CHECK(a.counters.size() == b.counters.size(), "%s", name);
		for (size_t k = 0; k < a.counters.size() && k < b.counters.size(); k++) {
			CHECK(a.counters[k].first == b.counters[k].first, "%s", name);
			CHECK(is_near(a.counters[k].second, b.counters[k].second),
			      "%s %s: %.17g and %.17g", name, a.counters[k].first.c_str(),
			      a.counters[k].second, b.counters[k].second);
		}
	}
}

static void test_counters_and_aggregates()
{
	start();
	register_both(
		{"figures",
		 [](gb_benchmark *b) {
			 return gb_arg(b, 2) | gb_iterations(b, 5) | gb_repetitions(b, 4) |
				gb_use_manual_time(b);
		 },
		 [](Registered *b) { b->Arg(2)->Iterations(5)->Repetitions(4)->UseManualTime(); }});
	shim_runs = library_runs = 0;
	std::vector<Row> shim = run_shim("^shim/");

	CHECK(shim.size() == 8, "%zu rows", shim.size());
	compare(shim, run_library("^cxx/"));
}

static void test_complexity()
{
	const struct {
		const char *name;
		gb_big_o shim;
		benchmark::BigO library;
	} curves[] = {
		{"1", GB_O_1, benchmark::o1},
		{"n", GB_O_N, benchmark::oN},
		{"n2", GB_O_N_SQUARED, benchmark::oNSquared},
		{"n3", GB_O_N_CUBED, benchmark::oNCubed},
		{"log", GB_O_LOG_N, benchmark::oLogN},
		{"nlog", GB_O_N_LOG_N, benchmark::oNLogN},
	};

	start();
	for (const auto &curve : curves)
		register_both({curve.name,
			       [&](gb_benchmark *b) {
				       return gb_range(b, 4, 1024) | gb_iterations(b, 2) |
					      gb_repetitions(b, 2) | gb_use_manual_time(b) |
					      gb_complexity(b, curve.shim);
			       },
			       [&](Registered *b) {
				       b->Range(4, 1024)->Iterations(2)->Repetitions(2);
				       b->UseManualTime()->Complexity(curve.library);
			       }});
	shim_runs = library_runs = 0;
	compare(run_shim("^shim/"), run_library("^cxx/"));
}

/* ---- threads ---- */

/*
 * Manual time is one second an iteration in every thread: 1e9 ns as a thread sees it. The library
 * gives that or, up to 1.8, a threads-th of it; and its rates the other way round.
 */
static void test_threads()
{
	start();
	register_both(
		{"threads",
		 [](gb_benchmark *b) {
			 return gb_arg(b, 1) | gb_iterations(b, 10) | gb_threads(b, 4) |
				gb_use_manual_time(b);
		 },
		 [](Registered *b) { b->Arg(1)->Iterations(10)->Threads(4)->UseManualTime(); }});
	shim_runs = library_runs = 0;
	std::vector<Row> shim = run_shim("^shim/"), mixed = run_shim("^cxx/");
	std::vector<Row> library = run_library("^cxx/");

	CHECK(shim.size() == 1 && library.size() == 1, "%zu and %zu rows", shim.size(),
	      library.size());
	CHECK(is_near(shim[0].real, 1e9), "%.17g", shim[0].real);
	CHECK(is_near(library[0].real, 1e9) || is_near(library[0].real, 0.25e9), "%.17g",
	      library[0].real);
	printf("4 threads, 1 s an iteration: the library says %g ns, the shim %g ns\n",
	       library[0].real, shim[0].real);
	/* what C++ code registered goes through the shim in the same way */
	compare(shim, mixed);
	CHECK(shim[0].user == &failures && !mixed[0].user, "user");
	for (const auto &counter : shim[0].counters)
		if (counter.first == "items_per_second") /* 4 * 100 in a window of 10 s */
			CHECK(is_near(counter.second, 40), "%g", counter.second);
	for (size_t k = 0; k < shim[0].counters.size(); k++)
		if (shim[0].counters[k].first.find("rate") == std::string::npos &&
		    shim[0].counters[k].first.find("per_second") == std::string::npos)
			CHECK(is_near(shim[0].counters[k].second, library[0].counters[k].second),
			      "%s", shim[0].counters[k].first.c_str());
}

static void sleeper(gb_state *st, void *)
{
	const struct timespec pause = {0, 20000000};

	GB_LOOP (st)
		nanosleep(&pause, nullptr);
	gb_set_items_processed(st, (int64_t)gb_iteration_count(st));
}

static double thread_seconds()
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void spinner(gb_state *st, void *)
{
	GB_LOOP (st) {
		double end = thread_seconds() + 10e-3;

		while (thread_seconds() < end)
			;
	}
}

static void test_measured_threads()
{
	gb_benchmark *asleep, *thread_cpu, *process_cpu;

	start();
	asleep = gb_register("shim/asleep", sleeper, nullptr);
	thread_cpu = gb_register("shim/thread", spinner, nullptr);
	process_cpu = gb_register("shim/process", spinner, nullptr);
	gb_use_real_time(asleep);
	gb_measure_process_cpu_time(process_cpu);
	gb_threads(asleep, 4);
	for (gb_benchmark *b : {thread_cpu, process_cpu})
		gb_threads(b, 2);
	for (gb_benchmark *b : {asleep, thread_cpu, process_cpu})
		gb_iterations(b, 3);
	std::vector<Row> rows = run_shim("^shim/");

	CHECK(rows.size() == 3, "%zu rows", rows.size());
	CHECK(rows[0].real >= 20e6 && rows[0].real < 60e6, "20 ms of sleep: %g ns", rows[0].real);
	CHECK(rows[0].counters[0].second <= 4 / 20e-3, "%g items a second",
	      rows[0].counters[0].second);
	CHECK(rows[0].counters[0].second > 4 / 60e-3, "%g items a second",
	      rows[0].counters[0].second);
	for (int i = 1; i < 3; i++)
		CHECK(rows[i].cpu > 5e6 && rows[i].cpu < 15e6, "%s: 10 ms of CPU: %g ns",
		      rows[i].name.c_str(), rows[i].cpu);
}

/* ---- exceptions ---- */

static void thrower(gb_state *st, void *user)
{
	GB_LOOP (st)
		if (user)
			throw std::runtime_error("from the body");
	throw 1;
}

static int throwing_result(const struct gb_result *, void *)
{
	throw std::bad_alloc();
}

static int keep_message(const struct gb_result *result, void *user)
{
	static_cast<std::vector<std::string> *>(user)->push_back(result->message);
	return 0;
}

static void test_exceptions()
{
	std::vector<std::string> messages;
	gb_run_options options = {nullptr, GB_RUN_NO_DISPLAY, keep_message, &messages, nullptr};
	gb_benchmark *b;

	start();
	b = gb_register("std", thrower, &failures);
	gb_threads(b, 2);
	gb_register("any", thrower, nullptr);
	CHECK(gb_run(&options) == 0, "%s", gb_last_error());
	CHECK(messages.size() == 2, "%zu rows", messages.size());
	CHECK(messages[0].find("from the body") != std::string::npos, "%s", messages[0].c_str());
	CHECK(messages[1].find("exception") != std::string::npos, "%s", messages[1].c_str());
	options.on_result = throwing_result;
	CHECK(gb_run(&options) == -ECANCELED, "%s", gb_last_error());
	CHECK(gb_list_tests(
		      nullptr, [](const char *, void *) -> int { throw 1; }, nullptr) == -ECANCELED,
	      "%s", gb_last_error());
}

int main()
{
	test_names();
	test_counters_and_aggregates();
	test_complexity();
	test_threads();
	test_measured_threads();
	test_exceptions();
	gb_shutdown();
	printf("gbench_parity_test: library %s: %s\n", gb_library_version(),
	       failures ? "FAILED" : "passed");
	return failures != 0;
}
