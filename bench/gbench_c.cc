/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gbench_c.cc - the C interface to Google Benchmark; the one file that is C++.
 *
 * The library aborts on misuse (in debug builds), exits on some bad flags and throws. So every
 * argument is checked here first, every flag is parsed here first, and every entry point runs under
 * guard(). The display and the file are driven from here too: the library would not show single
 * repetitions to a callback when only aggregates are wanted, and exits when the file cannot
 * be opened.
 */
#include "gbench_c.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cxxabi.h>
#include <unistd.h>

using benchmark::BenchmarkReporter;
using benchmark::Counter;
using benchmark::State;
using Run = BenchmarkReporter::Run;
/* internal::Benchmark in some versions, benchmark::Benchmark in others */
using Registered = std::remove_pointer<decltype(benchmark::RegisterBenchmark(
	"", std::declval<void (*)(State &)>()))>::type;

enum class Phase { setup, before, running, paused, after, teardown };

/*
 * The repetitions of a benchmark with the same arguments and threads. Where the first of them fails
 * and two others do not, the library's aggregation follows a pointer that nobody set; so the others
 * fail too. (Without a number of iterations from the first they would not measure much either.)
 */
struct Repetitions {
	std::mutex lock;
	uint64_t entered = 0; /* by how many threads, over all runs */
	bool failed = false;
	bool over = false; /* they had failed before the run that is on */
	bool is_error = false;
	std::string message;
};

struct gb_benchmark {
	std::string name;
	gb_function fn;
	void *user;
	Registered *registered;

	/* what was asked of the library, which does not tell */
	ptrdiff_t arg_count = -1;
	int range_multiplier = 8;
	bool has_args = false;
	bool has_iterations = false;
	bool has_min_time = false;
	bool has_real_time = false;
	bool has_manual_time = false;
	gb_big_o complexity = GB_O_NONE; /* not told to the library, see fit_family() */
	double (*curve)(int64_t) = nullptr;

	bool aggregation_set = false;
	bool display_aggregates_only = false;
	bool file_aggregates_only = false;

	gb_function setup = nullptr;
	void *setup_user = nullptr;
	gb_function teardown = nullptr;
	void *teardown_user = nullptr;

	/* of the run that is on */
	std::mutex lock;
	std::condition_variable changed;
	bool ready = false; /* the set-up is done */
	bool setup_skipped = false;
	int left = 0; /* threads out of the body */
	std::map<std::string, unsigned int> counter_flags;

	/* of gb_run(), by threads and arguments: the library may mix their repetitions */
	std::map<std::pair<int, std::vector<int64_t>>, Repetitions> repetitions;
};

struct gb_state {
	State &state;
	gb_benchmark &bench;
	Repetitions &repetitions;
	Phase phase = Phase::before;
	bool skipped = false;
	bool has_manual_time = false;
	bool has_complexity_n = false;
};

/* Not in the unnamed namespace, where it would hide the library's own. */
namespace gb_fallback
{
/* A template loses against a plain function, where the library has one. */
template <int = 0> std::string GetBenchmarkVersion()
{
	return "";
}
} // namespace gb_fallback

namespace
{

/* ---- errors ---- */

thread_local char last_error[512];

__attribute__((format(printf, 2, 3))) int fail(int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(last_error, sizeof(last_error), format, ap);
	va_end(ap);
	return -err;
}

/* Runs f, an int function, and turns what it throws into an error. */
template <typename F> int guard(F f)
{
	try {
		return f();
	} catch (abi::__forced_unwind &) {
		throw; /* a cancelled thread must go on unwinding */
	} catch (const std::bad_alloc &) {
		return fail(ENOMEM, "no memory");
	} catch (const std::length_error &) {
		return fail(ENOMEM, "no memory");
	} catch (const std::exception &e) {
		return fail(EIO, "the benchmark library threw: %s", e.what());
	} catch (...) {
		return fail(EIO, "the benchmark library threw");
	}
}

/* ---- what differs between versions ---- */

/* Library 1.8 brought SkipWithMessage(), and with it the `skipped` of a result. */
template <typename S>
auto skip_with_message(S &state, const std::string &msg, int)
	-> decltype(state.SkipWithMessage(msg))
{
	state.SkipWithMessage(msg);
}

/* Before, a run that does not apply is an error whose text says so. */
[[maybe_unused]] const char skip_mark[] = "(skipped) ";

template <typename S> void skip_with_message(S &state, const std::string &msg, long)
{
	state.SkipWithError((skip_mark + msg).c_str());
}

template <typename R> auto run_status(const R &run, int) -> decltype(run.skipped, gb_status())
{
	if (!run.skipped)
		return GB_OK;
	return run.skipped == decltype(run.skipped)::SkippedWithMessage ? GB_SKIPPED : GB_ERROR;
}

template <typename R> gb_status run_status(const R &run, long)
{
	if (!run.error_occurred)
		return GB_OK;
	return run.error_message.compare(0, strlen(skip_mark), skip_mark) ? GB_ERROR : GB_SKIPPED;
}

template <typename R> auto run_message(const R &run, int) -> decltype(run.skip_message.c_str())
{
	return run.skip_message.c_str();
}

template <typename R> const char *run_message(const R &run, long)
{
	const char *text = run.error_message.c_str();

	return run_status(run, 0) == GB_SKIPPED ? text + strlen(skip_mark) : text;
}

template <typename S> auto has_skip_message(int) -> decltype(&S::SkipWithMessage, std::true_type());
template <typename S> std::false_type has_skip_message(long);

/* Library 1.8 also made --benchmark_min_time a text: "0.5s" or "100x", before it was a number. */
constexpr bool min_time_is_text = decltype(has_skip_message<State>(0))::value;

[[maybe_unused]] std::string reported_version()
{
	using namespace benchmark;
	using namespace gb_fallback;

	return GetBenchmarkVersion();
}

/* ---- flags ---- */

enum class Kind { boolean, text, format, unit, colour, seconds, min_time, count, integer, context };

struct Flag {
	const char *name;
	Kind kind;
	const char *initial;
	bool ours; /* not handed on to the library */
};

const Flag flags[] = {
	{"benchmark_list_tests", Kind::boolean, "false", false},
	{"benchmark_filter", Kind::text, "", false},
	{"benchmark_min_time", Kind::min_time, "0.5", false},
	{"benchmark_min_warmup_time", Kind::seconds, "0", false},
	{"benchmark_repetitions", Kind::count, "1", false},
	{"benchmark_dry_run", Kind::boolean, "false", false},
	{"benchmark_enable_random_interleaving", Kind::boolean, "false", false},
	{"benchmark_report_aggregates_only", Kind::boolean, "false", true},
	{"benchmark_display_aggregates_only", Kind::boolean, "false", true},
	{"benchmark_format", Kind::format, "console", true},
	{"benchmark_out", Kind::text, "", true},
	{"benchmark_out_format", Kind::format, "json", true},
	{"benchmark_color", Kind::colour, "auto", true},
	{"benchmark_counters_tabular", Kind::boolean, "false", true},
	{"benchmark_perf_counters", Kind::text, "", false},
	{"benchmark_context", Kind::context, "", true},
	{"benchmark_time_unit", Kind::unit, "", false},
	{"v", Kind::integer, "0", false},
};

using Values = std::map<std::string, std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Session {
	bool initialized = false;
	bool running = false;
	bool stop = false;
	Values values;
	std::string program = "benchmark";
	std::set<std::string> flag_context; /* keys that came with flags */
	std::map<std::string, std::unique_ptr<gb_benchmark>> benches;
};

/* There before a C program's own constructors, which may register. */
__attribute__((init_priority(101))) Session session;

bool is_true(const std::string &value)
{
	std::string lower;

	if (value.size() == 1)
		return isalnum((unsigned char)value[0]) && !strchr("0fFnN", value[0]);
	for (char c : value)
		lower += (char)tolower((unsigned char)c);
	return lower != "false" && lower != "no" && lower != "off";
}

bool parse_pairs(const std::string &text, Pairs *pairs)
{
	std::istringstream in(text);
	std::string item;

	while (std::getline(in, item, ',')) {
		size_t at = item.find('=');

		if (at == 0 || at == std::string::npos ||
		    item.find('=', at + 1) != std::string::npos)
			return false;
		pairs->emplace_back(item.substr(0, at), item.substr(at + 1));
	}
	return true;
}

bool parse_integer(const std::string &text, long long min, long long max)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text.c_str(), &end, 10);
	return !text.empty() && !*end && !errno && n >= min && n <= max;
}

bool parse_seconds(const std::string &text)
{
	char *end;
	double seconds;

	errno = 0;
	seconds = strtod(text.c_str(), &end);
	return !text.empty() && !*end && !errno && std::isfinite(seconds) && seconds >= 0;
}

/* Checks a flag's value and brings it into the form that is kept; NULL or what it should be. */
const char *check_value(Kind kind, std::string *value)
{
	Pairs pairs;

	switch (kind) {
	case Kind::boolean:
		*value = is_true(*value) ? "true" : "false";
		return nullptr;
	case Kind::text:
		return nullptr;
	case Kind::format:
		if (*value == "console" || *value == "json" || *value == "csv")
			return nullptr;
		return "console, json or csv";
	case Kind::unit:
		if (*value == "ns" || *value == "us" || *value == "ms" || *value == "s" ||
		    value->empty())
			return nullptr;
		return "ns, us, ms or s";
	case Kind::colour:
		return value->empty() ? "auto, true or false" : nullptr;
	case Kind::seconds:
		return parse_seconds(*value) ? nullptr : "a number of seconds, 0 or more";
	case Kind::min_time:
		if (!value->empty() && value->back() == 'x') {
			if (!min_time_is_text)
				return "seconds: a number of iterations needs library 1.8";
			if (parse_integer(value->substr(0, value->size() - 1), 1, INT64_MAX))
				return nullptr;
		} else {
			if (!value->empty() && value->back() == 's')
				value->pop_back();
			if (parse_seconds(*value))
				return nullptr;
		}
		return "seconds (0.5 or 0.5s) or iterations (100x)";
	case Kind::count:
		return parse_integer(*value, 1, INT32_MAX) ? nullptr : "a whole number, 1 or more";
	case Kind::integer:
		return parse_integer(*value, INT32_MIN, INT32_MAX) ? nullptr : "a whole number";
	case Kind::context:
		return parse_pairs(*value, &pairs) ? nullptr : "KEY=VALUE[,KEY=VALUE...]";
	}
	return "known";
}

/* The text with which the library takes the value. */
std::string library_value(const Flag &flag, const std::string &value)
{
	if (flag.kind == Kind::min_time && min_time_is_text && value.back() != 'x')
		return value + "s";
	return value;
}

/*
 * Gives the library every flag, so that neither the environment nor an earlier call leaves a trace,
 * and returns those that it does not know. Its context is put aside: it would complain of keys
 * that it has already.
 */
std::set<std::string> library_initialize(const Values &values)
{
	static std::string program;
	std::vector<std::string> texts;
	std::vector<char *> argv;
	std::set<std::string> unknown;
	int argc;

	program = session.program; /* the library keeps the pointer */
	for (const Flag &flag : flags) {
		std::string prefix = std::string("--") + flag.name + "=";

		if (!strcmp(flag.name, "benchmark_context"))
			continue;
		texts.push_back(prefix + (flag.ours ? flag.initial
						    : library_value(flag, values.at(flag.name))));
	}
	argv.push_back(&program[0]);
	for (std::string &text : texts)
		argv.push_back(&text[0]);
	argc = (int)argv.size();
	argv.push_back(nullptr);

	auto *context = std::exchange(benchmark::internal::GetGlobalContext(), nullptr);
	benchmark::Initialize(&argc, argv.data());
	delete std::exchange(benchmark::internal::GetGlobalContext(), context);

	for (int i = 1; i < argc; i++) {
		std::string text = argv[i] + 2;

		unknown.insert(text.substr(0, text.find('=')));
	}
	return unknown;
}

Values initial_values()
{
	Values values;

	for (const Flag &flag : flags)
		values[flag.name] = flag.initial;
	return values;
}

/* The flags that this version of the library has. */
bool is_supported(const char *name)
{
	static const std::set<std::string> unknown = library_initialize(initial_values());

	return !unknown.count(name);
}

std::string variable_name(const char *flag)
{
	std::string name;

	for (; *flag; flag++)
		name += (char)toupper((unsigned char)*flag);
	return name;
}

int read_environment(Values *values)
{
	for (const Flag &flag : flags) {
		std::string name = variable_name(flag.name);
		const char *text = getenv(name.c_str());
		std::string value = text ? text : "";
		const char *wanted;

		if (!text || !is_supported(flag.name))
			continue;
		wanted = check_value(flag.kind, &value);
		if (wanted)
			return fail(EINVAL, "environment variable %s: '%s' is not %s", name.c_str(),
				    text, wanted);
		(*values)[flag.name] = value;
	}
	return 0;
}

/* The value of arg if it is this flag; a boolean may stand alone. */
const char *flag_value(const char *arg, const Flag &flag)
{
	size_t len = strlen(flag.name);

	if (strncmp(arg, "--", 2) || strncmp(arg + 2, flag.name, len))
		return nullptr;
	arg += 2 + len;
	if (*arg == '=')
		return arg + 1;
	return !*arg && flag.kind == Kind::boolean ? arg : nullptr;
}

/* 1: a flag, taken; 0: not one of ours. */
int read_argument(const char *arg, Values *values)
{
	for (const Flag &flag : flags) {
		const char *text = flag_value(arg, flag);
		const char *wanted;
		std::string value;

		if (!text || !is_supported(flag.name))
			continue;
		value = text;
		wanted = check_value(flag.kind, &value);
		if (wanted)
			return fail(EINVAL, "--%s: '%s' is not %s", flag.name, text, wanted);
		(*values)[flag.name] = value;
		return 1;
	}
	return 0;
}

bool is_on(const char *flag)
{
	return session.values.at(flag) == "true";
}

void drop_flag_context()
{
	auto *context = benchmark::internal::GetGlobalContext();

	if (context)
		for (const std::string &key : session.flag_context)
			context->erase(key);
	session.flag_context.clear();
}

int add_context(const std::string &key, const std::string &value)
{
	auto *context = benchmark::internal::GetGlobalContext();

	if (context && context->count(key))
		return fail(EEXIST, "context '%s' has a value already", key.c_str());
	benchmark::AddCustomContext(key, value);
	return 0;
}

int add_flag_context()
{
	Pairs pairs;

	parse_pairs(session.values.at("benchmark_context"), &pairs);
	if (is_on("benchmark_dry_run"))
		pairs.emplace_back("dry_run", "true");
	for (const auto &pair : pairs) {
		int rc = add_context(pair.first, pair.second);

		if (rc)
			return rc;
		session.flag_context.insert(pair.first);
	}
	return 0;
}

int initialize(int *argc, char **argv)
{
	Values values = initial_values();
	std::vector<char *> rest;
	int rc;

	if (session.running)
		return fail(EBUSY, "gb_initialize during gb_run");
	if (argc && (*argc < 0 || (*argc && !argv)))
		return fail(EINVAL, "gb_initialize: no argument vector");
	rc = read_environment(&values);
	if (rc)
		return rc;
	for (int i = 1; argc && i < *argc; i++) {
		rc = argv[i] ? read_argument(argv[i], &values)
			     : fail(EINVAL, "gb_initialize: argument %d is NULL", i);
		if (rc < 0)
			return rc;
		if (!rc)
			rest.push_back(argv[i]);
	}

	if (argc && *argc && argv[0])
		session.program = argv[0];
	drop_flag_context();
	session.values = values;
	library_initialize(values);
	rc = add_flag_context();
	if (rc)
		return rc;
	session.initialized = true;
	if (argc && *argc) {
		std::copy(rest.begin(), rest.end(), argv + 1);
		if ((size_t)*argc > rest.size() + 1)
			argv[rest.size() + 1] = nullptr;
		*argc = (int)rest.size() + 1;
	}
	return 0;
}

/* ---- running ---- */

void skip(gb_state &st, bool is_error, const char *message)
{
	Repetitions &all = st.repetitions;
	std::lock_guard<std::mutex> guard_lock(all.lock); /* one thread is the first in both */

	st.skipped = true;
	if (!all.failed) {
		all.failed = true;
		all.is_error = is_error;
		all.message = message;
	}
	if (is_error)
		st.state.SkipWithError(message);
	else
		skip_with_message(st.state, message, 0);
}

/* A misuse: the run becomes an error row. After the run there is no row left to mark. */
__attribute__((format(printf, 2, 3))) int misuse(gb_state &st, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(last_error, sizeof(last_error), format, ap);
	va_end(ap);
	if (st.phase != Phase::teardown)
		skip(st, true, last_error);
	return -EINVAL;
}

/* The library takes one batch as long as the run: the second call for it finds the end. */
bool keep_running(gb_state &st)
{
	return st.state.KeepRunningBatch(st.state.max_iterations);
}

void finish(gb_state &st)
{
	keep_running(st);
	st.phase = Phase::after;
}

void call(gb_state &st, gb_function fn, void *user)
{
	try {
		fn(&st, user);
	} catch (abi::__forced_unwind &) {
		throw;
	} catch (const std::exception &e) {
		misuse(st, "an exception left the benchmark: %s", e.what());
	} catch (...) {
		misuse(st, "an exception left the benchmark");
	}
}

/*
 * Set-up and tear-down. The library's own take no user data and do not say for which benchmark they
 * are called, so thread 0 does them here, while the others wait outside the body.
 */
void enter(gb_state &st)
{
	gb_benchmark &bench = st.bench;
	std::unique_lock<std::mutex> guard_lock(bench.lock, std::defer_lock);

	if (!bench.setup && !bench.teardown)
		return;
	if (st.state.thread_index() == 0) {
		if (bench.setup) {
			st.phase = Phase::setup;
			call(st, bench.setup, bench.setup_user);
			st.phase = Phase::before;
		}
		guard_lock.lock();
		bench.setup_skipped = st.skipped;
		bench.ready = true;
		bench.changed.notify_all();
		return;
	}
	guard_lock.lock();
	bench.changed.wait(guard_lock, [&] { return bench.ready; });
	if (bench.setup_skipped) {
		guard_lock.unlock();
		skip(st, true, "skipped in the set-up"); /* thread 0's message came first */
	}
}

void leave(gb_state &st)
{
	gb_benchmark &bench = st.bench;

	if (!bench.setup && !bench.teardown)
		return;
	std::unique_lock<std::mutex> guard_lock(bench.lock);
	if (st.state.thread_index() != 0) {
		bench.left++;
		bench.changed.notify_all();
		return;
	}
	bench.changed.wait(guard_lock, [&] { return bench.left == st.state.threads() - 1; });
	bench.left = 0;
	bench.ready = false;
	guard_lock.unlock();
	if (bench.teardown) {
		st.phase = Phase::teardown;
		call(st, bench.teardown, bench.teardown_user);
	}
}

/* Brings the library's state to its end, whatever the body left out. */
void settle(gb_state &st)
{
	switch (st.phase) {
	case Phase::before:
		if (!st.skipped)
			misuse(st, "the benchmark returned without gb_begin");
		finish(st); /* so that it counts iterations, as its other repetitions do */
		return;
	case Phase::running:
	case Phase::paused:
		if (!st.skipped)
			misuse(st, "the benchmark returned without gb_end");
		finish(st);
		return;
	default:
		break;
	}
	if (st.skipped || st.state.thread_index() != 0)
		return;
	/* without a time the library would raise the iterations for ever */
	if (st.bench.has_manual_time && !st.has_manual_time)
		misuse(st, "no gb_set_iteration_time, which gb_use_manual_time asks for");
	else if (st.bench.complexity != GB_O_NONE && !st.has_complexity_n)
		misuse(st, "no gb_set_complexity_n, which gb_complexity asks for");
}

Repetitions &find_repetitions(const State &state, gb_benchmark &bench)
{
	std::lock_guard<std::mutex> guard_lock(bench.lock);
	std::vector<int64_t> args;

	for (ptrdiff_t i = 0; bench.has_args && i < bench.arg_count; i++)
		args.push_back(state.range((size_t)i));
	return bench.repetitions[{state.threads(), args}];
}

/* Whether an earlier run failed: what a run's first thread finds holds for all of its threads. */
bool is_over(Repetitions &repetitions, int threads)
{
	std::lock_guard<std::mutex> guard_lock(repetitions.lock);

	if (repetitions.entered++ % (uint64_t)threads == 0)
		repetitions.over = repetitions.failed;
	return repetitions.over;
}

void run_body(State &state, gb_benchmark *bench)
{
	Repetitions &repetitions = find_repetitions(state, *bench);
	gb_state st{state, *bench, repetitions};

	if (session.stop)
		skip(st, true, "the run was stopped");
	else if (is_over(repetitions, state.threads()))
		skip(st, repetitions.is_error, repetitions.message.c_str());
	if (st.skipped) {
		settle(st);
		return;
	}
	enter(st);
	if (!st.skipped)
		call(st, bench->fn, bench->user);
	settle(st);
	leave(st);
}

/* ---- the meaning of time ---- */

/* Takes the time of one run and shows nothing. */
class ProbeReporter : public BenchmarkReporter
{
      public:
	double seconds = 0;

	bool ReportContext(const Context &) override
	{
		return true;
	}

	void ReportRuns(const std::vector<Run> &runs) override
	{
		if (runs[0].run_type == Run::RT_Iteration)
			seconds = runs[0].real_accumulated_time;
	}
};

/*
 * Whether real time (and the process's CPU time) is the sum over the threads, as from 1.9.0 on, or
 * their mean. A library may not know its version, so two threads of one second each are asked.
 */
bool threads_are_summed()
{
	static int summed = -1;

	if (summed < 0) {
		std::ostringstream text;
		ProbeReporter probe;

		probe.SetOutputStream(&text);
		probe.SetErrorStream(&text);
		auto *b = benchmark::RegisterBenchmark("gb_probe_of_thread_times", [](State &st) {
			for (auto _ : st)
				st.SetIterationTime(1.0);
		});
		b->Threads(2)->UseManualTime()->Iterations(1);
		benchmark::RunSpecifiedBenchmarks(&probe, "^gb_probe_of_thread_times/");
		b->Name("DISABLED_gb_probe_of_thread_times"); /* never listed, never run again */
		summed = probe.seconds > 1.5;
	}
	return summed;
}

bool is_ratio(const Run &run)
{
	return run.run_type == Run::RT_Aggregate &&
	       (run.aggregate_unit == benchmark::kPercentage || run.report_rms);
}

/* Gives a run the meaning that struct gb_result tells of: times summed, rates by the window. */
void normalise(Run &run)
{
	double threads = (double)run.threads;
	bool process = run.run_name.time_type.find("process_time") != std::string::npos;
	bool window = !run.run_name.time_type.empty();

	if (run.threads < 2 || run_status(run, 0) != GB_OK || is_ratio(run))
		return;
	if (!threads_are_summed()) {
		run.real_accumulated_time *= threads;
		return;
	}
	if (process)
		run.cpu_accumulated_time /= threads;
	if (!window)
		return;
	for (auto &entry : run.counters) {
		Counter &counter = entry.second;

		if (!(counter.flags & Counter::kIsRate))
			continue;
		if (counter.flags & Counter::kInvert)
			counter.value /= threads;
		else
			counter.value *= threads;
	}
}

/* ---- results ---- */

const struct {
	unsigned int ours;
	Counter::Flags library;
} counter_flag_map[] = {
	{GB_COUNTER_RATE, Counter::kIsRate},
	{GB_COUNTER_AVG_THREADS, Counter::kAvgThreads},
	{GB_COUNTER_ITERATION_INVARIANT, Counter::kIsIterationInvariant},
	{GB_COUNTER_AVG_ITERATIONS, Counter::kAvgIterations},
	{GB_COUNTER_INVERT, Counter::kInvert},
};

const unsigned int counter_flags_all = GB_COUNTER_RATE | GB_COUNTER_AVG_THREADS |
				       GB_COUNTER_ITERATION_INVARIANT | GB_COUNTER_AVG_ITERATIONS |
				       GB_COUNTER_INVERT | GB_COUNTER_1024;

Counter to_library(double value, unsigned int ours)
{
	Counter::Flags library = Counter::kDefaults;

	for (const auto &pair : counter_flag_map)
		if (ours & pair.ours)
			library = library | pair.library;
	return Counter(value, library,
		       ours & GB_COUNTER_1024 ? Counter::kIs1024 : Counter::kIs1000);
}

unsigned int from_library(const Counter &counter)
{
	unsigned int ours = counter.oneK == Counter::kIs1024 ? GB_COUNTER_1024 : 0;

	for (const auto &pair : counter_flag_map)
		if (counter.flags & pair.library)
			ours |= pair.ours;
	return ours;
}

const struct {
	gb_big_o ours;
	benchmark::BigO library;
} big_o_map[] = {
	{GB_O_NONE, benchmark::oNone},
	{GB_O_1, benchmark::o1},
	{GB_O_N, benchmark::oN},
	{GB_O_N_SQUARED, benchmark::oNSquared},
	{GB_O_N_CUBED, benchmark::oNCubed},
	{GB_O_LOG_N, benchmark::oLogN},
	{GB_O_N_LOG_N, benchmark::oNLogN},
	{GB_O_AUTO, benchmark::oAuto},
	{GB_O_FUNCTION, benchmark::oLambda},
};

gb_big_o from_library(benchmark::BigO complexity)
{
	for (const auto &pair : big_o_map)
		if (pair.library == complexity)
			return pair.ours;
	return GB_O_NONE;
}

benchmark::BigO to_library(gb_big_o complexity)
{
	for (const auto &pair : big_o_map)
		if (pair.ours == complexity)
			return pair.library;
	return benchmark::oNone;
}

gb_benchmark *find_bench(const Run &run)
{
	auto at = session.benches.find(run.run_name.function_name);

	return at == session.benches.end() ? nullptr : at->second.get();
}

/* Nanoseconds an iteration; of an aggregate that is a ratio, the ratio. */
double to_result_time(const Run &run, double accumulated)
{
	if (run_status(run, 0) != GB_OK)
		return std::numeric_limits<double>::quiet_NaN();
	if (run.report_rms)
		return accumulated * benchmark::GetTimeUnitMultiplier(run.time_unit);
	if (is_ratio(run))
		return accumulated;
	return accumulated * 1e9 / (run.iterations ? (double)run.iterations : 1.0);
}

int give_result(const Run &run, const gb_run_options &options)
{
	bool aggregate = run.run_type == Run::RT_Aggregate;
	gb_benchmark *bench = find_bench(run);
	std::string name = run.benchmark_name();
	std::vector<gb_counter> counters;
	gb_result result = {};

	for (const auto &entry : run.counters)
		counters.push_back(
			{entry.first.c_str(), entry.second.value, from_library(entry.second)});
	result.name = name.c_str();
	result.base_name = run.run_name.function_name.c_str();
	result.user = bench ? bench->user : nullptr;
	result.run_type = aggregate ? GB_AGGREGATE : GB_ITERATION;
	result.status = run_status(run, 0);
	result.message = result.status == GB_OK ? "" : run_message(run, 0);
	result.label = run.report_label.c_str();
	result.aggregate_name = run.aggregate_name.c_str();
	result.is_ratio = is_ratio(run);
	if (run.report_big_o || run.report_rms)
		result.complexity = from_library(run.complexity);
	result.repetition = aggregate ? -1 : run.repetition_index;
	result.repetitions = run.repetitions;
	result.threads = run.threads;
	result.iterations = run.iterations;
	result.real_ns = to_result_time(run, run.real_accumulated_time);
	result.cpu_ns = to_result_time(run, run.cpu_accumulated_time);
	result.counters = counters.data();
	result.counter_count = counters.size();
	try {
		return options.on_result(&result, options.user);
	} catch (abi::__forced_unwind &) {
		throw;
	} catch (...) {
		return fail(ECANCELED, "on_result threw");
	}
}

/* ---- complexity ---- */

using Curve = double (*)(int64_t);

/* time = coefficient * curve(n), by least squares; rms is of the error, relative to the mean. */
struct Fit {
	gb_big_o complexity;
	double coefficient, rms;
};

Curve standard_curve(gb_big_o complexity)
{
	switch (complexity) {
	case GB_O_N:
		return [](int64_t n) { return (double)n; };
	case GB_O_N_SQUARED:
		return [](int64_t n) { return (double)n * (double)n; };
	case GB_O_N_CUBED:
		return [](int64_t n) { return (double)n * (double)n * (double)n; };
	case GB_O_LOG_N:
		return [](int64_t n) { return std::log2((double)n); };
	case GB_O_N_LOG_N:
		return [](int64_t n) { return (double)n * std::log2((double)n); };
	default:
		return [](int64_t) { return 1.0; };
	}
}

double seconds_an_iteration(const Run &run, double Run::*accumulated)
{
	return run.*accumulated / (double)run.iterations;
}

Fit fit_curve(const std::vector<Run> &runs, double Run::*accumulated, gb_big_o complexity,
	      Curve curve)
{
	double curve_squares = 0, products = 0, sum = 0, error_squares = 0;
	double count = (double)runs.size();
	Fit fit;

	for (const Run &run : runs) {
		double at = curve(run.complexity_n);

		curve_squares += at * at;
		products += at * seconds_an_iteration(run, accumulated);
		sum += seconds_an_iteration(run, accumulated);
	}
	fit.complexity = complexity;
	fit.coefficient = products / curve_squares;
	for (const Run &run : runs) {
		double error = seconds_an_iteration(run, accumulated) -
			       fit.coefficient * curve(run.complexity_n);

		error_squares += error * error;
	}
	fit.rms = std::sqrt(error_squares / count) / (sum / count);
	return fit;
}

Fit fit_best(const std::vector<Run> &runs, double Run::*accumulated, const gb_benchmark &bench,
	     gb_big_o complexity)
{
	const gb_big_o candidates[] = {GB_O_LOG_N, GB_O_N, GB_O_N_LOG_N, GB_O_N_SQUARED,
				       GB_O_N_CUBED};
	Fit best;

	if (complexity == GB_O_FUNCTION)
		return fit_curve(runs, accumulated, complexity, bench.curve);
	if (complexity != GB_O_AUTO)
		return fit_curve(runs, accumulated, complexity, standard_curve(complexity));
	best = fit_curve(runs, accumulated, GB_O_1, standard_curve(GB_O_1));
	for (gb_big_o candidate : candidates) {
		Fit fit = fit_curve(runs, accumulated, candidate, standard_curve(candidate));

		if (fit.rms < best.rms)
			best = fit;
	}
	return best;
}

Run family_row(const Run &first, const char *aggregate, const Fit &real, const Fit &cpu)
{
	Run row;

	row.run_name = first.run_name;
	row.run_name.args.clear();
	row.family_index = first.family_index;
	row.per_family_instance_index = first.per_family_instance_index;
	row.run_type = Run::RT_Aggregate;
	row.aggregate_name = aggregate;
	row.repetitions = first.repetitions;
	row.repetition_index = Run::no_repetition_index;
	row.threads = first.threads;
	row.report_label = first.report_label;
	row.iterations = 0;
	row.complexity = to_library(cpu.complexity);
	row.real_accumulated_time = real.coefficient;
	row.cpu_accumulated_time = cpu.coefficient;
	return row;
}

/*
 * The rows BigO and RMS. The library makes such too, but not the same in all versions, and one
 * family whose every run is an error crashes it.
 */
std::vector<Run> fit_family(const std::vector<Run> &runs, const gb_benchmark &bench)
{
	double Run::*real_time = &Run::real_accumulated_time;
	double Run::*cpu_time = &Run::cpu_accumulated_time;
	gb_big_o complexity = bench.complexity;
	Fit real, cpu;
	double unit;

	if (bench.has_manual_time)
		complexity = fit_best(runs, real_time, bench, complexity).complexity;
	cpu = fit_best(runs, cpu_time, bench, complexity);
	real = fit_best(runs, real_time, bench, cpu.complexity);

	Run big_o = family_row(runs[0], "BigO", real, cpu);
	Run rms = family_row(runs[0], "RMS", real, cpu);

	big_o.aggregate_unit = benchmark::kTime;
	big_o.report_big_o = true;
	rms.aggregate_unit = benchmark::kPercentage;
	rms.report_rms = true;
	rms.time_unit = runs[0].time_unit;
	unit = benchmark::GetTimeUnitMultiplier(rms.time_unit); /* taken back when it is shown */
	rms.real_accumulated_time = real.rms / unit;
	rms.cpu_accumulated_time = cpu.rms / unit;
	return {big_o, rms};
}

/* ---- reporters ---- */

/* One of the library's reporters, and what it must be protected from. */
struct Output {
	std::unique_ptr<BenchmarkReporter> reporter;
	bool is_csv = false;
	std::set<std::string> csv_columns;
	bool csv_started = false;

	void flush()
	{
		std::flush(reporter->GetOutputStream());
		std::flush(reporter->GetErrorStream());
	}

	void report(const std::vector<Run> &runs)
	{
		reporter->ReportRuns(is_csv ? with_known_columns(runs) : runs);
		flush();
	}

	static bool has_column(const std::string &counter)
	{
		return counter == "bytes_per_second" || counter == "items_per_second";
	}

	/* The CSV reporter has the columns of its first rows, and may abort at a further one. */
	std::vector<Run> with_known_columns(std::vector<Run> runs)
	{
		for (Run &run : runs)
			for (auto at = run.counters.begin(); at != run.counters.end();) {
				if (!csv_started)
					csv_columns.insert(at->first);
				if (csv_columns.count(at->first) || has_column(at->first))
					++at;
				else
					at = run.counters.erase(at);
			}
		csv_started = true;
		return runs;
	}
};

bool is_colour_terminal()
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

Output make_output(const std::string &format, bool colour)
{
	using Console = benchmark::ConsoleReporter;
	int console = (colour ? Console::OO_Color : 0) |
		      (is_on("benchmark_counters_tabular") ? Console::OO_Tabular : 0);
	Output output;

	output.is_csv = format == "csv";
	if (format == "json") {
		output.reporter.reset(new benchmark::JSONReporter());
	} else if (format == "csv") {
		BENCHMARK_DISABLE_DEPRECATED_WARNING
		output.reporter.reset(new benchmark::CSVReporter());
		BENCHMARK_RESTORE_DEPRECATED_WARNING
	} else {
		output.reporter.reset(new Console(static_cast<Console::OutputOptions>(console)));
	}
	return output;
}

/* The library's only reporter: passes results on to display, file and callback. */
class Reporter : public BenchmarkReporter
{
      public:
	explicit Reporter(const gb_run_options &run_options) : options(run_options)
	{
		SetOutputStream(&out);
		SetErrorStream(&err);
	}

	int open()
	{
		const std::string &colour = session.values.at("benchmark_color");
		const std::string &name = session.values.at("benchmark_out");

		if (!(options.flags & GB_RUN_NO_DISPLAY))
			display = make_output(session.values.at("benchmark_format"),
					      colour == "auto" ? is_colour_terminal()
							       : is_true(colour));
		if (name.empty() || (options.flags & GB_RUN_NO_FILE))
			return 0;
		errno = 0;
		stream.open(name);
		if (!stream.is_open())
			return fail(errno ? errno : EIO, "--benchmark_out: cannot write %s: %s",
				    name.c_str(), strerror(errno ? errno : EIO));
		file = make_output(session.values.at("benchmark_out_format"), false);
		file.reporter->SetOutputStream(&stream);
		file.reporter->SetErrorStream(&stream);
		return 0;
	}

	/* What was written is in the file, or it is an error. */
	int close()
	{
		const std::string &name = session.values.at("benchmark_out");

		if (!stream.is_open())
			return 0;
		errno = 0;
		stream.close();
		if (stream.fail())
			return fail(errno ? errno : EIO, "--benchmark_out: cannot write %s: %s",
				    name.c_str(), strerror(errno ? errno : EIO));
		return 0;
	}

	bool ReportContext(const Context &context) override
	{
		for (Output *output : {&display, &file}) {
			if (!output->reporter)
				continue;
			if (!output->reporter->ReportContext(context))
				return false;
			output->flush();
		}
		return true;
	}

	void ReportRuns(const std::vector<Run> &reports) override
	{
		std::vector<Run> runs = reports;

		for (Run &run : runs)
			normalise(run);
		/* shuffled, a family is complete at the end only */
		if (!is_on("benchmark_enable_random_interleaving"))
			report_families(runs[0].family_index);
		report(runs);
		keep_for_family(runs);
	}

	void Finalize() override
	{
		report_families(-1);
		for (Output *output : {&display, &file}) {
			if (!output->reporter)
				continue;
			output->reporter->Finalize();
			output->flush();
		}
	}

	std::ostringstream out; /* the list of tests */
	std::ostringstream err; /* why nothing ran; warnings */
	int callback_rc = 0;

      private:
	void report(const std::vector<Run> &runs)
	{
		if (session.stop)
			return;
		if (display.reporter && !is_hidden(runs, true))
			display.report(runs);
		if (file.reporter && !is_hidden(runs, false))
			file.report(runs);
		for (const Run &run : runs) {
			if (!options.on_result)
				return;
			callback_rc = give_result(run, options);
			if (callback_rc) {
				session.stop = true;
				return;
			}
		}
	}

	void keep_for_family(const std::vector<Run> &runs)
	{
		const gb_benchmark *bench = find_bench(runs[0]);

		if (!bench || bench->complexity == GB_O_NONE)
			return;
		for (const Run &run : runs)
			if (run.run_type == Run::RT_Iteration && run_status(run, 0) == GB_OK)
				families[run.family_index].push_back(run);
	}

	/* All families but the one that is being run. */
	void report_families(int64_t current)
	{
		for (auto at = families.begin(); at != families.end();) {
			if (at->first == current) {
				++at;
				continue;
			}
			if (at->second.size() > 1)
				report(fit_family(at->second, *find_bench(at->second[0])));
			at = families.erase(at);
		}
	}

	/* Single repetitions are, where only aggregates are wanted and there will be any. */
	bool is_hidden(const std::vector<Run> &runs, bool on_display) const
	{
		bool only = is_on("benchmark_report_aggregates_only") ||
			    (on_display && is_on("benchmark_display_aggregates_only"));
		const gb_benchmark *bench = find_bench(runs[0]);
		int good = 0;

		if (bench && bench->aggregation_set)
			only = on_display ? bench->display_aggregates_only
					  : bench->file_aggregates_only;
		for (const Run &run : runs)
			good += run_status(run, 0) == GB_OK;
		return only && runs[0].run_type == Run::RT_Iteration && good > 1;
	}

	gb_run_options options;
	Output display, file;
	std::ofstream stream;
	std::map<int64_t, std::vector<Run>> families; /* good runs, for BigO */
};

/* ---- entering and leaving a run ---- */

struct Running {
	Running()
	{
		session.running = true;
		session.stop = false;
		for (const auto &entry : session.benches)
			entry.second->repetitions.clear();
	}
	~Running()
	{
		session.running = false;
		session.stop = false;
	}
};

int check_ready(const char *what)
{
	if (!session.initialized)
		return fail(EINVAL, "%s without gb_initialize", what);
	if (session.running)
		return fail(EBUSY, "%s during gb_run", what);
	for (const auto &entry : session.benches)
		if (entry.second->arg_count > 0 && !entry.second->has_args)
			return fail(EINVAL, "%s: %s has names of arguments but no arguments", what,
				    entry.first.c_str());
	return 0;
}

/* Nothing matched: the library's reason, which it would have printed, is the error. */
int report_no_match(const Reporter &reporter)
{
	std::string text = reporter.err.str();
	bool bad_filter = text.compare(0, 17, "Could not compile") == 0;

	text = text.substr(0, text.find('\n'));
	return fail(bad_filter ? EINVAL : ENOENT, "%s", text.c_str());
}

std::string choose_filter(const char *filter)
{
	return filter ? filter : session.values.at("benchmark_filter");
}

int list(const char *filter, int (*fn)(const char *, void *), void *user)
{
	gb_run_options options = {};
	Values listing = session.values;
	Reporter reporter(options);
	std::string line;
	size_t matched;
	int rc = 0;

	listing["benchmark_list_tests"] = "true";
	library_initialize(listing);
	{
		Running running;

		matched = benchmark::RunSpecifiedBenchmarks(&reporter, choose_filter(filter));
	}
	library_initialize(session.values);
	if (!matched)
		return report_no_match(reporter);

	std::istringstream names(reporter.out.str());
	while (!rc && std::getline(names, line)) {
		try {
			rc = fn(line.c_str(), user);
		} catch (abi::__forced_unwind &) {
			throw;
		} catch (...) {
			rc = fail(ECANCELED, "the callback threw");
		}
	}
	return rc;
}

int print_name(const char *name, void *)
{
	puts(name);
	return 0;
}

int run(const gb_run_options &options)
{
	size_t matched;
	int rc;

	if (options.matched)
		*options.matched = 0;
	rc = check_ready("gb_run");
	if (rc)
		return rc;
	if (options.flags & ~(unsigned int)(GB_RUN_NO_DISPLAY | GB_RUN_NO_FILE))
		return fail(EINVAL, "gb_run: unknown flags 0x%x", options.flags);
	if (is_on("benchmark_list_tests")) {
		rc = list(options.filter, print_name, nullptr);
		fflush(stdout);
		return rc;
	}

	Running running;
	Reporter reporter(options);

	threads_are_summed();
	rc = reporter.open();
	if (rc)
		return rc;
	matched = benchmark::RunSpecifiedBenchmarks(&reporter, choose_filter(options.filter));
	rc = reporter.close();
	if (options.matched)
		*options.matched = matched;
	if (!matched)
		return report_no_match(reporter);
	std::cerr << reporter.err.str() << std::flush;
	return reporter.callback_rc ? reporter.callback_rc : rc;
}

/* ---- registration ---- */

int check_change(const gb_benchmark *b, const char *what)
{
	if (!b)
		return fail(EINVAL, "%s: no benchmark", what);
	if (session.running)
		return fail(EBUSY, "%s during gb_run", what);
	return 0;
}

/* Every setter: checks, then tells the library. */
template <typename F> int change(gb_benchmark *b, const char *what, F f)
{
	return guard([&]() -> int {
		int rc = check_change(b, what);

		return rc ? rc : f();
	});
}

int check_arg_count(const gb_benchmark *b, size_t count)
{
	if (b->arg_count >= 0 && (size_t)b->arg_count != count)
		return fail(EINVAL, "%s: %zu arguments, where it has %td", b->name.c_str(), count,
			    b->arg_count);
	if (count > GB_INSTANCES_MAX)
		return fail(EINVAL, "%s: %zu arguments", b->name.c_str(), count);
	return 0;
}

void set_arg_count(gb_benchmark *b, size_t count)
{
	b->arg_count = (ptrdiff_t)count;
	b->has_args = true;
}

int check_range(const gb_benchmark *b, int64_t lo, int64_t hi)
{
	if (lo > hi)
		return fail(EINVAL, "%s: range from %lld down to %lld", b->name.c_str(),
			    (long long)lo, (long long)hi);
	return 0;
}

int check_threads(const gb_benchmark *b, int lo, int hi)
{
	if (lo < 1 || hi > GB_THREADS_MAX || lo > hi)
		return fail(EINVAL, "%s: %d to %d threads; must be 1 to %d, upwards",
			    b->name.c_str(), lo, hi, GB_THREADS_MAX);
	return 0;
}

int check_product(const gb_benchmark *b, const struct gb_arg_list *lists, size_t count)
{
	size_t total = 1;

	if (!lists || !count)
		return fail(EINVAL, "%s: no lists of arguments", b->name.c_str());
	for (size_t i = 0; i < count; i++) {
		if (!lists[i].values || !lists[i].count)
			return fail(EINVAL, "%s: argument list %zu is empty", b->name.c_str(), i);
		if (lists[i].count > GB_INSTANCES_MAX / total)
			return fail(EINVAL, "%s: more than %d combinations of arguments",
				    b->name.c_str(), GB_INSTANCES_MAX);
		total *= lists[i].count;
	}
	return 0;
}

int register_benchmark(const char *name, gb_function fn, void *user, gb_benchmark **out)
{
	if (!name || !*name || strchr(name, '\n'))
		return fail(EINVAL, "gb_register: a name must not be empty nor have line ends");
	if (!fn)
		return fail(EINVAL, "gb_register: %s has no function", name);
	if (session.running)
		return fail(EBUSY, "gb_register during gb_run");
	if (session.benches.count(name))
		return fail(EEXIST, "gb_register: %s is registered already", name);

	std::unique_ptr<gb_benchmark> bench(new gb_benchmark());
	gb_benchmark *b = bench.get();

	b->name = name;
	b->fn = fn;
	b->user = user;
	session.benches.emplace(name, std::move(bench));
	try {
		b->registered = benchmark::RegisterBenchmark(
			name, [b](State &state) { run_body(state, b); });
	} catch (...) {
		session.benches.erase(name);
		throw;
	}
	*out = b;
	return 0;
}

/* ---- statistics: the library takes a plain function, so each of ours gets one of these ---- */

using Statistic = double (*)(const double *, size_t);
using LibraryStatistic = double (*)(const std::vector<double> &);

Statistic statistics[GB_STATISTICS_MAX];

template <size_t I> double call_statistic(const std::vector<double> &values)
{
	return statistics[I](values.data(), values.size());
}

template <size_t... I> LibraryStatistic nth_statistic(size_t n, std::index_sequence<I...>)
{
	static const LibraryStatistic table[] = {call_statistic<I>...};

	return table[n];
}

int add_statistic(gb_benchmark *b, const char *name, Statistic fn, bool ratio)
{
	for (size_t i = 0; i < GB_STATISTICS_MAX; i++) {
		if (statistics[i] && statistics[i] != fn)
			continue;
		statistics[i] = fn;
		b->registered->ComputeStatistics(
			name, nth_statistic(i, std::make_index_sequence<GB_STATISTICS_MAX>()),
			ratio ? benchmark::kPercentage : benchmark::kTime);
		return 0;
	}
	return fail(ENOSPC, "gb_statistics: more than %d functions", GB_STATISTICS_MAX);
}

/* ---- the state ---- */

/* Every setter of the state: never after its run, never throwing. */
template <typename F> int with_state(gb_state *st, const char *what, F f)
{
	if (!st)
		return fail(EINVAL, "%s: no state", what);
	if (st->phase == Phase::setup || st->phase == Phase::teardown)
		return misuse(*st, "%s in a set-up or tear-down", what);
	return guard([&]() -> int { return f(); });
}

int check_counter_flags(gb_state *st, const char *name, unsigned int given)
{
	std::lock_guard<std::mutex> guard_lock(st->bench.lock);
	auto at = st->bench.counter_flags.emplace(name, given).first;

	/* the library aborts when it finds them different */
	if (at->second != given)
		return misuse(*st, "counter %s has other flags than before", name);
	return 0;
}

int set_counter(gb_state *st, const char *name, double value, unsigned int given)
{
	int rc = check_counter_flags(st, name, given);

	if (!rc)
		st->state.counters[name] = to_library(value, given);
	return rc;
}

int skip_by_user(gb_state *st, bool is_error, const char *message, const char *what)
{
	if (!st)
		return fail(EINVAL, "%s: no state", what);
	if (!message)
		return misuse(*st, "%s: no message", what);
	if (st->phase == Phase::teardown)
		return fail(EINVAL, "%s in a tear-down", what);
	return guard([&]() -> int {
		skip(*st, is_error, message);
		return 0;
	});
}

} // namespace

/* ---- the interface ---- */

extern "C" {

const char *gb_last_error(void)
{
	return last_error;
}

const char *gb_library_version(void)
{
#ifdef GB_LIBRARY_VERSION
	return GB_LIBRARY_VERSION;
#else
	static thread_local char text[32];

	guard([]() -> int {
		std::string version = reported_version();

		if (!version.empty() && version[0] == 'v')
			version.erase(0, 1);
		if (version.empty() || version == "0.0.0")
			version = min_time_is_text ? "1.8 or later" : "1.7 or earlier";
		snprintf(text, sizeof(text), "%s", version.c_str());
		return 0;
	});
	return text;
#endif
}

int gb_initialize(int *argc, char **argv)
{
	return guard([&]() -> int { return initialize(argc, argv); });
}

int gb_print_help(void)
{
	return guard([]() -> int {
		benchmark::PrintDefaultHelp();
		return 0;
	});
}

int gb_add_context(const char *key, const char *value)
{
	return guard([&]() -> int {
		if (!key || !*key || !value)
			return fail(EINVAL, "gb_add_context: no key or no value");
		return add_context(key, value);
	});
}

int gb_shutdown(void)
{
	return guard([]() -> int {
		if (session.running)
			return fail(EBUSY, "gb_shutdown during gb_run");
		benchmark::ClearRegisteredBenchmarks();
		session.benches.clear();
		benchmark::Shutdown();
		benchmark::internal::GetGlobalContext() = nullptr; /* freed, but not forgotten */
		session.flag_context.clear();
		session.initialized = false;
		return 0;
	});
}

int gb_unregister_all(void)
{
	return guard([]() -> int {
		if (session.running)
			return fail(EBUSY, "gb_unregister_all during gb_run");
		benchmark::ClearRegisteredBenchmarks();
		session.benches.clear();
		return 0;
	});
}

gb_benchmark *gb_register(const char *name, gb_function fn, void *user)
{
	gb_benchmark *b = nullptr;

	guard([&]() -> int { return register_benchmark(name, fn, user, &b); });
	return b;
}

int gb_arg(gb_benchmark *b, int64_t arg)
{
	return gb_args(b, &arg, 1);
}

int gb_args(gb_benchmark *b, const int64_t *args, size_t count)
{
	return change(b, "gb_args", [&]() -> int {
		int rc = check_arg_count(b, count);

		if (rc)
			return rc;
		if (!args && count)
			return fail(EINVAL, "%s: no arguments", b->name.c_str());
		b->registered->Args(std::vector<int64_t>(args, args + count));
		set_arg_count(b, count);
		return 0;
	});
}

int gb_range(gb_benchmark *b, int64_t lo, int64_t hi)
{
	const struct gb_span span = {lo, hi};

	return gb_ranges(b, &span, 1);
}

int gb_ranges(gb_benchmark *b, const struct gb_span *spans, size_t count)
{
	return change(b, "gb_ranges", [&]() -> int {
		std::vector<std::pair<int64_t, int64_t>> pairs;
		double total = 1;
		int rc = check_arg_count(b, count);

		if (rc)
			return rc;
		if (!spans || !count)
			return fail(EINVAL, "%s: no ranges", b->name.c_str());
		for (size_t i = 0; i < count; i++) {
			rc = check_range(b, spans[i].lo, spans[i].hi);
			if (rc)
				return rc;
			pairs.emplace_back(spans[i].lo, spans[i].hi);
			total *= (double)benchmark::CreateRange(spans[i].lo, spans[i].hi,
								b->range_multiplier)
					 .size();
		}
		if (total > GB_INSTANCES_MAX)
			return fail(EINVAL, "%s: more than %d combinations of arguments",
				    b->name.c_str(), GB_INSTANCES_MAX);
		b->registered->Ranges(pairs);
		set_arg_count(b, count);
		return 0;
	});
}

int gb_dense_range(gb_benchmark *b, int64_t lo, int64_t hi, int step)
{
	return change(b, "gb_dense_range", [&]() -> int {
		int rc = check_arg_count(b, 1);

		if (!rc)
			rc = check_range(b, lo, hi);
		if (rc)
			return rc;
		if (step < 1 || hi > INT64_MAX - step)
			return fail(EINVAL, "%s: a step of %d", b->name.c_str(), step);
		if (((uint64_t)hi - (uint64_t)lo) / (uint64_t)step >= GB_INSTANCES_MAX)
			return fail(EINVAL, "%s: more than %d arguments", b->name.c_str(),
				    GB_INSTANCES_MAX);
		b->registered->DenseRange(lo, hi, step);
		set_arg_count(b, 1);
		return 0;
	});
}

int gb_args_product(gb_benchmark *b, const struct gb_arg_list *lists, size_t count)
{
	return change(b, "gb_args_product", [&]() -> int {
		std::vector<std::vector<int64_t>> vectors;
		int rc = check_arg_count(b, count);

		if (!rc)
			rc = check_product(b, lists, count);
		if (rc)
			return rc;
		for (size_t i = 0; i < count; i++)
			vectors.emplace_back(lists[i].values, lists[i].values + lists[i].count);
		b->registered->ArgsProduct(vectors);
		set_arg_count(b, count);
		return 0;
	});
}

int gb_arg_name(gb_benchmark *b, const char *name)
{
	return gb_arg_names(b, &name, 1);
}

int gb_arg_names(gb_benchmark *b, const char *const *names, size_t count)
{
	return change(b, "gb_arg_names", [&]() -> int {
		std::vector<std::string> strings;
		int rc = check_arg_count(b, count);

		if (rc)
			return rc;
		if (!names || !count)
			return fail(EINVAL, "%s: no names of arguments", b->name.c_str());
		for (size_t i = 0; i < count; i++) {
			if (!names[i] || strchr(names[i], '\n'))
				return fail(EINVAL, "%s: bad name of argument %zu", b->name.c_str(),
					    i);
			strings.emplace_back(names[i]);
		}
		b->registered->ArgNames(strings);
		b->arg_count = (ptrdiff_t)count;
		return 0;
	});
}

int gb_range_multiplier(gb_benchmark *b, int multiplier)
{
	return change(b, "gb_range_multiplier", [&]() -> int {
		if (multiplier < 2)
			return fail(EINVAL, "%s: a range multiplier of %d", b->name.c_str(),
				    multiplier);
		b->registered->RangeMultiplier(multiplier);
		b->range_multiplier = multiplier;
		return 0;
	});
}

int gb_threads(gb_benchmark *b, int n)
{
	return change(b, "gb_threads", [&]() -> int {
		int rc = check_threads(b, n, n);

		if (!rc)
			b->registered->Threads(n);
		return rc;
	});
}

int gb_thread_range(gb_benchmark *b, int lo, int hi)
{
	return change(b, "gb_thread_range", [&]() -> int {
		int rc = check_threads(b, lo, hi);

		if (!rc)
			b->registered->ThreadRange(lo, hi);
		return rc;
	});
}

int gb_dense_thread_range(gb_benchmark *b, int lo, int hi, int stride)
{
	return change(b, "gb_dense_thread_range", [&]() -> int {
		int rc = check_threads(b, lo, hi);

		if (rc)
			return rc;
		if (stride < 1 || stride > GB_THREADS_MAX)
			return fail(EINVAL, "%s: a stride of %d", b->name.c_str(), stride);
		b->registered->DenseThreadRange(lo, hi, stride);
		return 0;
	});
}

int gb_thread_per_cpu(gb_benchmark *b)
{
	return change(b, "gb_thread_per_cpu", [&]() -> int {
		b->registered->ThreadPerCpu();
		return 0;
	});
}

int gb_iterations(gb_benchmark *b, int64_t n)
{
	return change(b, "gb_iterations", [&]() -> int {
		if (n < 1)
			return fail(EINVAL, "%s: %lld iterations", b->name.c_str(), (long long)n);
		if (b->has_min_time)
			return fail(EINVAL, "%s: iterations and a minimum time", b->name.c_str());
		b->registered->Iterations(n);
		b->has_iterations = true;
		return 0;
	});
}

int gb_repetitions(gb_benchmark *b, int n)
{
	return change(b, "gb_repetitions", [&]() -> int {
		if (n < 1)
			return fail(EINVAL, "%s: %d repetitions", b->name.c_str(), n);
		b->registered->Repetitions(n);
		return 0;
	});
}

int gb_min_time(gb_benchmark *b, double seconds)
{
	return change(b, "gb_min_time", [&]() -> int {
		if (!std::isfinite(seconds) || seconds <= std::numeric_limits<double>::epsilon())
			return fail(EINVAL, "%s: a minimum time of %g s", b->name.c_str(), seconds);
		if (b->has_iterations)
			return fail(EINVAL, "%s: iterations and a minimum time", b->name.c_str());
		b->registered->MinTime(seconds);
		b->has_min_time = true;
		return 0;
	});
}

int gb_min_warmup_time(gb_benchmark *b, double seconds)
{
	return change(b, "gb_min_warmup_time", [&]() -> int {
		if (!std::isfinite(seconds) || seconds < 0)
			return fail(EINVAL, "%s: a warm-up of %g s", b->name.c_str(), seconds);
		if (!b->has_min_time)
			return fail(EINVAL, "%s: a warm-up without gb_min_time", b->name.c_str());
		b->registered->MinWarmUpTime(seconds);
		return 0;
	});
}

int gb_use_real_time(gb_benchmark *b)
{
	return change(b, "gb_use_real_time", [&]() -> int {
		if (b->has_manual_time)
			return fail(EINVAL, "%s: real and manual time", b->name.c_str());
		b->registered->UseRealTime();
		b->has_real_time = true;
		return 0;
	});
}

int gb_use_manual_time(gb_benchmark *b)
{
	return change(b, "gb_use_manual_time", [&]() -> int {
		if (b->has_real_time)
			return fail(EINVAL, "%s: real and manual time", b->name.c_str());
		b->registered->UseManualTime();
		b->has_manual_time = true;
		return 0;
	});
}

int gb_measure_process_cpu_time(gb_benchmark *b)
{
	return change(b, "gb_measure_process_cpu_time", [&]() -> int {
		b->registered->MeasureProcessCPUTime();
		return 0;
	});
}

int gb_unit(gb_benchmark *b, enum gb_time_unit unit)
{
	return change(b, "gb_unit", [&]() -> int {
		switch (unit) {
		case GB_NANOSECOND:
			b->registered->Unit(benchmark::kNanosecond);
			return 0;
		case GB_MICROSECOND:
			b->registered->Unit(benchmark::kMicrosecond);
			return 0;
		case GB_MILLISECOND:
			b->registered->Unit(benchmark::kMillisecond);
			return 0;
		case GB_SECOND:
			b->registered->Unit(benchmark::kSecond);
			return 0;
		}
		return fail(EINVAL, "%s: unknown unit %d", b->name.c_str(), (int)unit);
	});
}

int gb_complexity(gb_benchmark *b, enum gb_big_o complexity)
{
	return change(b, "gb_complexity", [&]() -> int {
		if (complexity == GB_O_FUNCTION)
			return fail(EINVAL, "%s: that is for gb_complexity_function",
				    b->name.c_str());
		if (complexity > GB_O_FUNCTION)
			return fail(EINVAL, "%s: unknown complexity %d", b->name.c_str(),
				    (int)complexity);
		b->complexity = complexity;
		return 0;
	});
}

int gb_complexity_function(gb_benchmark *b, double (*curve)(int64_t n))
{
	return change(b, "gb_complexity_function", [&]() -> int {
		if (!curve)
			return fail(EINVAL, "%s: no curve", b->name.c_str());
		b->complexity = GB_O_FUNCTION;
		b->curve = curve;
		return 0;
	});
}

int gb_statistics(gb_benchmark *b, const char *name, double (*fn)(const double *v, size_t n),
		  int is_ratio)
{
	return change(b, "gb_statistics", [&]() -> int {
		if (!name || !*name || !fn)
			return fail(EINVAL, "%s: a statistic without name or function",
				    b->name.c_str());
		return add_statistic(b, name, fn, is_ratio != 0);
	});
}

int gb_setup(gb_benchmark *b, gb_function fn, void *user)
{
	return change(b, "gb_setup", [&]() -> int {
		if (!fn)
			return fail(EINVAL, "%s: no set-up", b->name.c_str());
		b->setup = fn;
		b->setup_user = user;
		return 0;
	});
}

int gb_teardown(gb_benchmark *b, gb_function fn, void *user)
{
	return change(b, "gb_teardown", [&]() -> int {
		if (!fn)
			return fail(EINVAL, "%s: no tear-down", b->name.c_str());
		b->teardown = fn;
		b->teardown_user = user;
		return 0;
	});
}

int gb_report_aggregates_only(gb_benchmark *b, int on)
{
	return change(b, "gb_report_aggregates_only", [&]() -> int {
		b->aggregation_set = true;
		b->display_aggregates_only = on;
		b->file_aggregates_only = on;
		return 0;
	});
}

int gb_display_aggregates_only(gb_benchmark *b, int on)
{
	return change(b, "gb_display_aggregates_only", [&]() -> int {
		b->aggregation_set = true;
		b->display_aggregates_only = on;
		return 0;
	});
}

uint64_t gb_begin(gb_state *st)
{
	if (!st) {
		fail(EINVAL, "gb_begin: no state");
		return 0;
	}
	if (st->phase != Phase::before) {
		misuse(*st, "gb_begin a second time, or in a set-up or tear-down");
		return 0;
	}
	if (!keep_running(*st)) {
		st->phase = Phase::after;
		return 0;
	}
	st->phase = Phase::running;
	return (uint64_t)st->state.max_iterations;
}

void gb_end(gb_state *st)
{
	gb_loop_end(st, 0);
}

void gb_loop_end(gb_state *st, uint64_t left)
{
	if (!st) {
		fail(EINVAL, "gb_end: no state");
		return;
	}
	if (st->phase == Phase::running || st->phase == Phase::paused) {
		if (!st->skipped && st->phase == Phase::paused)
			misuse(*st, "gb_end while the clock is paused");
		else if (!st->skipped && left)
			misuse(*st, "the timed loop was left with %llu of %llu iterations to do",
			       (unsigned long long)left,
			       (unsigned long long)st->state.max_iterations);
		finish(*st);
	} else if (!st->skipped) {
		misuse(*st, "gb_end without gb_begin");
	}
}

int gb_pause(gb_state *st)
{
	return with_state(st, "gb_pause", [&]() -> int {
		if (st->skipped)
			return 0;
		if (st->phase != Phase::running)
			return misuse(*st, "gb_pause while the clock is not running");
		st->state.PauseTiming();
		st->phase = Phase::paused;
		return 0;
	});
}

int gb_resume(gb_state *st)
{
	return with_state(st, "gb_resume", [&]() -> int {
		if (st->skipped)
			return 0;
		if (st->phase != Phase::paused)
			return misuse(*st, "gb_resume without gb_pause");
		st->phase = Phase::running;
		st->state.ResumeTiming();
		return 0;
	});
}

int gb_set_iteration_time(gb_state *st, double seconds)
{
	return with_state(st, "gb_set_iteration_time", [&]() -> int {
		if (!st->bench.has_manual_time)
			return misuse(*st, "gb_set_iteration_time without gb_use_manual_time");
		if (!std::isfinite(seconds) || seconds < 0)
			return misuse(*st, "gb_set_iteration_time: %g s", seconds);
		st->state.SetIterationTime(seconds);
		st->has_manual_time = true;
		return 0;
	});
}

size_t gb_arg_count(const gb_state *st)
{
	return st && st->bench.has_args ? (size_t)st->bench.arg_count : 0;
}

int64_t gb_range_at(gb_state *st, size_t i)
{
	if (!st) {
		fail(EINVAL, "gb_range_at: no state");
		return 0;
	}
	if (i >= gb_arg_count(st)) {
		misuse(*st, "gb_range_at: argument %zu of %zu", i, gb_arg_count(st));
		return 0;
	}
	return st->state.range(i);
}

int gb_thread_index(const gb_state *st)
{
	return st ? st->state.thread_index() : fail(EINVAL, "gb_thread_index: no state");
}

int gb_thread_count(const gb_state *st)
{
	return st ? st->state.threads() : fail(EINVAL, "gb_thread_count: no state");
}

uint64_t gb_iteration_count(const gb_state *st)
{
	if (!st) {
		fail(EINVAL, "gb_iteration_count: no state");
		return 0;
	}
	return (uint64_t)st->state.max_iterations;
}

int gb_counter_set(gb_state *st, const char *name, double value, unsigned int flags)
{
	return with_state(st, "gb_counter_set", [&]() -> int {
		if (!name || !*name)
			return misuse(*st, "gb_counter_set: no name");
		if (flags & ~counter_flags_all)
			return misuse(*st, "gb_counter_set: unknown flags 0x%x", flags);
		return set_counter(st, name, value, flags);
	});
}

int gb_counter_get(const gb_state *st, const char *name, double *value)
{
	return guard([&]() -> int {
		if (!st || !name || !value)
			return fail(EINVAL, "gb_counter_get: no state, name or value");
		auto at = st->state.counters.find(name);
		if (at == st->state.counters.end())
			return fail(ENOENT, "gb_counter_get: no counter %s", name);
		*value = at->second.value;
		return 0;
	});
}

int gb_set_label(gb_state *st, const char *label)
{
	return with_state(st, "gb_set_label", [&]() -> int {
		if (!label)
			return misuse(*st, "gb_set_label: no label");
		st->state.SetLabel(label);
		return 0;
	});
}

int gb_set_bytes_processed(gb_state *st, int64_t bytes)
{
	return with_state(st, "gb_set_bytes_processed", [&]() -> int {
		if (bytes < 0)
			return misuse(*st, "gb_set_bytes_processed: %lld", (long long)bytes);
		return set_counter(st, "bytes_per_second", (double)bytes,
				   GB_COUNTER_RATE | GB_COUNTER_1024);
	});
}

int gb_set_items_processed(gb_state *st, int64_t items)
{
	return with_state(st, "gb_set_items_processed", [&]() -> int {
		if (items < 0)
			return misuse(*st, "gb_set_items_processed: %lld", (long long)items);
		return set_counter(st, "items_per_second", (double)items, GB_COUNTER_RATE);
	});
}

int gb_set_complexity_n(gb_state *st, int64_t n)
{
	return with_state(st, "gb_set_complexity_n", [&]() -> int {
		if (n < 1)
			return misuse(*st, "gb_set_complexity_n: %lld", (long long)n);
		st->state.SetComplexityN(n);
		st->has_complexity_n = true;
		return 0;
	});
}

int gb_skip_with_error(gb_state *st, const char *message)
{
	return skip_by_user(st, true, message, "gb_skip_with_error");
}

int gb_skip_with_message(gb_state *st, const char *message)
{
	return skip_by_user(st, false, message, "gb_skip_with_message");
}

int gb_skipped(const gb_state *st)
{
	return st && st->skipped;
}

int gb_run(const struct gb_run_options *options)
{
	const gb_run_options none = {};

	return guard([&]() -> int { return run(options ? *options : none); });
}

int gb_list_requested(void)
{
	return session.initialized && is_on("benchmark_list_tests");
}

int gb_list_tests(const char *filter, int (*fn)(const char *name, void *user), void *user)
{
	return guard([&]() -> int {
		int rc = check_ready("gb_list_tests");

		if (rc)
			return rc;
		if (!fn)
			return fail(EINVAL, "gb_list_tests: no callback");
		return list(filter, fn, user);
	});
}

} /* extern "C" */
