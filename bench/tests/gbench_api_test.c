/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every function of gbench_c.h, used from C99 with nothing else, its results seen through the
 * callback. Times are manual where a figure is compared, so that they are exact.
 */
#define _POSIX_C_SOURCE 200809L

#include "gbench_c.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* A failure with the right code and a reason that names the thing. */
#define CHECK_FAILS(call, code, text)                                                              \
	do {                                                                                       \
		int rc_ = (call);                                                                  \
		CHECK(rc_ == -(code), "%s gave %d", #call, rc_);                                   \
		CHECK(strstr(gb_last_error(), text), "%s says: %s", #call, gb_last_error());       \
	} while (0)

#define CHECK_OK(call)                                                                             \
	do {                                                                                       \
		int rc_ = (call);                                                                  \
		CHECK(rc_ == 0, "%s gave %d: %s", #call, rc_, gb_last_error());                    \
	} while (0)

static int is_near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* ---- results, kept ---- */

#define ROWS_MAX     128
#define COUNTERS_MAX 8

struct row {
	char name[160], base_name[80], message[160], label[40], aggregate_name[40];
	struct gb_result result;
	char counter_names[COUNTERS_MAX][40];
	struct gb_counter counters[COUNTERS_MAX];
};

static struct row rows[ROWS_MAX];
static int row_count;

static int keep(const struct gb_result *result, void *user)
{
	struct row *row = &rows[row_count];

	(void)user;
	if (row_count == ROWS_MAX || result->counter_count > COUNTERS_MAX)
		return 99;
	row_count++;
	snprintf(row->name, sizeof(row->name), "%s", result->name);
	snprintf(row->base_name, sizeof(row->base_name), "%s", result->base_name);
	snprintf(row->message, sizeof(row->message), "%s", result->message);
	snprintf(row->label, sizeof(row->label), "%s", result->label);
	snprintf(row->aggregate_name, sizeof(row->aggregate_name), "%s", result->aggregate_name);
	row->result = *result;
	for (size_t i = 0; i < result->counter_count; i++) {
		snprintf(row->counter_names[i], 40, "%s", result->counters[i].name);
		row->counters[i] = result->counters[i];
	}
	return 0;
}

static int run_into(const char *filter, int (*on_result)(const struct gb_result *, void *),
		    unsigned int flags)
{
	struct gb_run_options options = {filter, flags, on_result, NULL, NULL};

	row_count = 0;
	return gb_run(&options);
}

static int run(const char *filter)
{
	return run_into(filter, keep, GB_RUN_NO_DISPLAY);
}

static struct row *find(const char *name)
{
	static struct row none;

	for (int i = 0; i < row_count; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	CHECK(0, "no result %s", name);
	return &none;
}

static double counter(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->result.counter_count; i++)
		if (!strcmp(row->counter_names[i], name))
			return row->counters[i].value;
	return NAN;
}

static void start(void)
{
	CHECK_OK(gb_shutdown());
	CHECK_OK(gb_initialize(NULL, NULL));
}

static void empty(gb_state *st, void *user)
{
	(void)user;
	GB_LOOP (st) {
	}
}

static void skipping(gb_state *st, void *user)
{
	(void)user;
	gb_skip_with_error(st, "not this one");
}

/* ---- before anything ---- */

static int no_name(const char *name, void *user)
{
	(void)name;
	(void)user;
	return 0;
}

static void test_order_of_calls(void)
{
	CHECK(!strcmp(gb_last_error(), ""), "%s", gb_last_error());
	CHECK(strlen(gb_library_version()) > 0, "no version");
	CHECK(!gb_list_requested(), "listing before gb_initialize");
	CHECK_FAILS(gb_run(NULL), EINVAL, "without gb_initialize");
	CHECK_FAILS(gb_list_tests(NULL, no_name, NULL), EINVAL, "without gb_initialize");
	CHECK_OK(gb_shutdown());
	CHECK_OK(gb_shutdown());
}

/* ---- flags ---- */

static void test_flags_are_taken(void)
{
	char *argv[] = {"test",
			"--benchmark_filter=x",
			"--mine",
			"--benchmark_repetitions=2",
			"--help",
			"--benchmark_nonsense=1",
			"--benchmark_list_tests",
			"rest",
			"--v=0",
			"--benchmark_min_time=0.5s",
			"--benchmark_min_time=0.25",
			NULL};
	char *none[] = {NULL};
	int argc = 11, zero = 0;

	CHECK_OK(gb_initialize(&argc, argv));
	CHECK(argc == 5, "%d left", argc);
	CHECK(!strcmp(argv[1], "--mine"), "%s", argv[1]);
	CHECK(!strcmp(argv[2], "--help"), "%s", argv[2]);
	CHECK(!strcmp(argv[3], "--benchmark_nonsense=1"), "%s", argv[3]);
	CHECK(!strcmp(argv[4], "rest"), "%s", argv[4]);
	CHECK(argv[5] == NULL, "not ended");
	CHECK(gb_list_requested() == 1, "flag not seen");
	CHECK_OK(gb_initialize(&zero, none));
	CHECK(gb_list_requested() == 0, "flag of an earlier call still on");
	CHECK_OK(gb_initialize(NULL, NULL));
}

static void test_bad_flags(void)
{
	static const char *const bad[] = {
		"--benchmark_format=bogus",
		"--benchmark_format=",
		"--benchmark_out_format=xml",
		"--benchmark_time_unit=h",
		"--benchmark_color=",
		"--benchmark_min_time=",
		"--benchmark_min_time=-1",
		"--benchmark_min_time=nan",
		"--benchmark_min_time=1h",
		"--benchmark_min_time=0x",
		"--benchmark_min_time=1.5x",
		"--benchmark_min_warmup_time=x",
		"--benchmark_repetitions=0",
		"--benchmark_repetitions=-3",
		"--benchmark_repetitions=",
		"--benchmark_repetitions=99999999999",
		"--benchmark_context=a",
		"--benchmark_context==b",
		"--v=loud",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char first[] = "--benchmark_filter=kept", arg[64];
		char *argv[] = {"test", first, arg, NULL};
		int argc = 3;
		char name[64];

		snprintf(arg, sizeof(arg), "%s", bad[i]);
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(bad[i], "="), bad[i]);
		CHECK_FAILS(gb_initialize(&argc, argv), EINVAL, name);
		CHECK(argc == 3 && argv[1] == first && argv[2] == arg, "%s: argv changed", bad[i]);
	}
}

static void test_bad_calls_of_initialize(void)
{
	char *argv[] = {"test", NULL, NULL};
	int negative = -1, two = 2;

	CHECK_FAILS(gb_initialize(&negative, argv), EINVAL, "argument vector");
	CHECK_FAILS(gb_initialize(&two, NULL), EINVAL, "argument vector");
	CHECK_FAILS(gb_initialize(&two, argv), EINVAL, "NULL");
}

static void test_environment(void)
{
	setenv("BENCHMARK_FORMAT", "bogus", 1);
	CHECK_FAILS(gb_initialize(NULL, NULL), EINVAL, "BENCHMARK_FORMAT");
	unsetenv("BENCHMARK_FORMAT");
	setenv("BENCHMARK_REPETITIONS", "3", 1);
	start();
	unsetenv("BENCHMARK_REPETITIONS");
	gb_iterations(gb_register("env", empty, NULL), 1);
	CHECK_OK(run("env"));
	CHECK(row_count == 7, "%d rows: 3 repetitions and 4 aggregates", row_count);
	start();
	gb_iterations(gb_register("env", empty, NULL), 1);
	CHECK_OK(run("env"));
	CHECK(row_count == 1, "%d rows: the variable is gone", row_count);
}

/* ---- registration ---- */

static void test_register_misuse(void)
{
	start();
	CHECK(!gb_register(NULL, empty, NULL), "NULL name");
	CHECK(!gb_register("", empty, NULL), "empty name");
	CHECK(strstr(gb_last_error(), "empty"), "%s", gb_last_error());
	CHECK(!gb_register("two\nlines", empty, NULL), "line end");
	CHECK(!gb_register("nothing", NULL, NULL), "NULL function");
	CHECK(strstr(gb_last_error(), "nothing"), "%s", gb_last_error());
	CHECK(gb_register("once", empty, NULL), "%s", gb_last_error());
	CHECK(!gb_register("once", empty, NULL), "twice");
	CHECK(strstr(gb_last_error(), "once"), "%s", gb_last_error());
}

static double one(const double *v, size_t n)
{
	(void)v;
	return n ? 1 : 0;
}

static double line(int64_t n)
{
	return (double)n;
}

static void test_setters_without_benchmark(void)
{
	const int64_t value = 1;
	const struct gb_span span = {1, 2};
	const struct gb_arg_list values = {&value, 1};
	const char *name = "n";

	CHECK_FAILS(gb_arg(NULL, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_args(NULL, &value, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_range(NULL, 1, 2), EINVAL, "no benchmark");
	CHECK_FAILS(gb_ranges(NULL, &span, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_dense_range(NULL, 1, 2, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_args_product(NULL, &values, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_arg_name(NULL, name), EINVAL, "no benchmark");
	CHECK_FAILS(gb_arg_names(NULL, &name, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_range_multiplier(NULL, 2), EINVAL, "no benchmark");
	CHECK_FAILS(gb_threads(NULL, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_thread_range(NULL, 1, 2), EINVAL, "no benchmark");
	CHECK_FAILS(gb_dense_thread_range(NULL, 1, 2, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_thread_per_cpu(NULL), EINVAL, "no benchmark");
	CHECK_FAILS(gb_iterations(NULL, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_repetitions(NULL, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_min_time(NULL, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_min_warmup_time(NULL, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_use_real_time(NULL), EINVAL, "no benchmark");
	CHECK_FAILS(gb_use_manual_time(NULL), EINVAL, "no benchmark");
	CHECK_FAILS(gb_measure_process_cpu_time(NULL), EINVAL, "no benchmark");
	CHECK_FAILS(gb_unit(NULL, GB_SECOND), EINVAL, "no benchmark");
	CHECK_FAILS(gb_complexity(NULL, GB_O_N), EINVAL, "no benchmark");
	CHECK_FAILS(gb_complexity_function(NULL, line), EINVAL, "no benchmark");
	CHECK_FAILS(gb_statistics(NULL, "one", one, 0), EINVAL, "no benchmark");
	CHECK_FAILS(gb_setup(NULL, empty, NULL), EINVAL, "no benchmark");
	CHECK_FAILS(gb_teardown(NULL, empty, NULL), EINVAL, "no benchmark");
	CHECK_FAILS(gb_report_aggregates_only(NULL, 1), EINVAL, "no benchmark");
	CHECK_FAILS(gb_display_aggregates_only(NULL, 1), EINVAL, "no benchmark");
}

static void test_argument_misuse(void)
{
	const struct gb_span back = {2, 1}, wide[] = {{1, INT64_MAX},
						      {1, INT64_MAX},
						      {1, INT64_MAX},
						      {1, INT64_MAX},
						      {1, INT64_MAX}};
	const struct gb_arg_list hollow = {NULL, 0};
	const int64_t two[] = {1, 2};
	const char *missing = NULL;
	gb_benchmark *b;

	start();
	b = gb_register("misused", empty, NULL);
	CHECK_FAILS(gb_range(b, 2, 1), EINVAL, "misused");
	CHECK_FAILS(gb_ranges(b, &back, 1), EINVAL, "misused");
	CHECK_FAILS(gb_ranges(b, NULL, 1), EINVAL, "misused");
	CHECK_OK(gb_range_multiplier(b, 2));
	CHECK_FAILS(gb_ranges(b, wide, 5), EINVAL, "combinations");
	CHECK_FAILS(gb_dense_range(b, 2, 1, 1), EINVAL, "misused");
	CHECK_FAILS(gb_dense_range(b, 1, 2, 0), EINVAL, "step");
	CHECK_FAILS(gb_dense_range(b, 1, INT64_MAX, 1), EINVAL, "step");
	CHECK_FAILS(gb_dense_range(b, INT64_MIN, 0, 1), EINVAL, "more than");
	CHECK_FAILS(gb_args_product(b, &hollow, 1), EINVAL, "empty");
	CHECK_FAILS(gb_args_product(b, NULL, 0), EINVAL, "misused");
	CHECK_FAILS(gb_args(b, NULL, 2), EINVAL, "misused");
	CHECK_FAILS(gb_arg_name(b, NULL), EINVAL, "misused");
	CHECK_FAILS(gb_arg_names(b, &missing, 1), EINVAL, "misused");
	CHECK_FAILS(gb_arg_names(b, NULL, 1), EINVAL, "misused");
	CHECK_FAILS(gb_range_multiplier(b, 1), EINVAL, "multiplier");
	CHECK_OK(gb_arg(b, 1));
	CHECK_FAILS(gb_args(b, two, 2), EINVAL, "where it has 1");
	b = gb_register("named", empty, NULL);
	CHECK_OK(gb_arg_name(b, "n"));
	CHECK_FAILS(gb_args(b, two, 2), EINVAL, "where it has 1");
	CHECK_FAILS(gb_run(NULL), EINVAL, "no arguments");
	CHECK_OK(gb_arg(b, 1));
}

static void test_setting_misuse(void)
{
	gb_benchmark *b, *timed;

	start();
	b = gb_register("misused", empty, NULL);
	timed = gb_register("timed", empty, NULL);
	CHECK_FAILS(gb_threads(b, 0), EINVAL, "threads");
	CHECK_FAILS(gb_threads(b, -1), EINVAL, "threads");
	CHECK_FAILS(gb_threads(b, GB_THREADS_MAX + 1), EINVAL, "threads");
	CHECK_FAILS(gb_thread_range(b, 4, 2), EINVAL, "threads");
	CHECK_FAILS(gb_dense_thread_range(b, 1, 2, 0), EINVAL, "stride");
	CHECK_FAILS(gb_iterations(b, 0), EINVAL, "iterations");
	CHECK_FAILS(gb_repetitions(b, 0), EINVAL, "repetitions");
	CHECK_FAILS(gb_min_time(b, 0), EINVAL, "minimum time");
	CHECK_FAILS(gb_min_time(b, NAN), EINVAL, "minimum time");
	CHECK_FAILS(gb_min_warmup_time(b, -1), EINVAL, "warm-up");
	CHECK_FAILS(gb_min_warmup_time(b, 1), EINVAL, "gb_min_time");
	CHECK_OK(gb_iterations(b, 5));
	CHECK_FAILS(gb_min_time(b, 1), EINVAL, "iterations and a minimum time");
	CHECK_OK(gb_min_time(timed, 0.001));
	CHECK_FAILS(gb_iterations(timed, 1), EINVAL, "iterations and a minimum time");
	CHECK_OK(gb_use_real_time(b));
	CHECK_FAILS(gb_use_manual_time(b), EINVAL, "real and manual");
	CHECK_OK(gb_use_manual_time(timed));
	CHECK_FAILS(gb_use_real_time(timed), EINVAL, "real and manual");
	CHECK_FAILS(gb_unit(b, (enum gb_time_unit)17), EINVAL, "unit");
	CHECK_FAILS(gb_complexity(b, (enum gb_big_o)17), EINVAL, "complexity");
	CHECK_FAILS(gb_complexity(b, GB_O_FUNCTION), EINVAL, "gb_complexity_function");
	CHECK_FAILS(gb_complexity_function(b, NULL), EINVAL, "curve");
	CHECK_FAILS(gb_statistics(b, "", one, 0), EINVAL, "statistic");
	CHECK_FAILS(gb_statistics(b, "one", NULL, 0), EINVAL, "statistic");
	CHECK_FAILS(gb_setup(b, NULL, NULL), EINVAL, "set-up");
	CHECK_FAILS(gb_teardown(b, NULL, NULL), EINVAL, "tear-down");
	CHECK_OK(run("misused"));
	CHECK(row_count == 1 && rows[0].result.iterations == 5, "%d rows", row_count);
}

/* ---- names ---- */

static char names[2048];

static int append(const char *name, void *user)
{
	(void)user;
	strncat(names, name, sizeof(names) - strlen(names) - 1);
	strncat(names, "\n", sizeof(names) - strlen(names) - 1);
	return 0;
}

static int refuse(const char *name, void *user)
{
	(void)name;
	(*(int *)user)++;
	return 5;
}

static void register_family(void)
{
	static const int64_t pair[] = {7, 8};
	static const struct gb_span spans[] = {{1, 2}, {3, 3}};
	static const struct gb_arg_list lists[] = {{pair, 2}, {pair, 1}};
	static const char *const pair_names[] = {"rows", ""};
	gb_benchmark *b = gb_register("arg", empty, NULL);

	CHECK_OK(gb_arg_name(b, "n"));
	CHECK_OK(gb_arg(b, -4));
	CHECK_OK(gb_range_multiplier(b, 4));
	CHECK_OK(gb_range(b, 2, 20));
	CHECK_OK(gb_dense_range(b, 30, 34, 3));
	b = gb_register("pairs", empty, NULL);
	CHECK_OK(gb_arg_names(b, pair_names, 2));
	CHECK_OK(gb_args(b, pair, 2));
	CHECK_OK(gb_ranges(b, spans, 2));
	CHECK_OK(gb_args_product(b, lists, 2));
	b = gb_register("threads", empty, NULL);
	CHECK_OK(gb_threads(b, 3));
	CHECK_OK(gb_thread_range(b, 1, 4));
	CHECK_OK(gb_dense_thread_range(b, 1, 4, 2));
	CHECK_OK(gb_measure_process_cpu_time(b));
	CHECK_OK(gb_use_real_time(b));
	CHECK_OK(gb_iterations(b, 9));
	CHECK_OK(gb_repetitions(b, 2));
	b = gb_register("timed", empty, NULL);
	CHECK_OK(gb_min_time(b, 0.25));
	CHECK_OK(gb_min_warmup_time(b, 0.125));
	CHECK_OK(gb_use_manual_time(b));
}

static void test_names(void)
{
	static const char *const expected =
		"arg/n:-4\narg/n:2\narg/n:4\narg/n:16\narg/n:20\narg/n:30\narg/n:33\n"
		"pairs/rows:7/8\npairs/rows:1/3\npairs/rows:2/3\npairs/rows:7/7\npairs/rows:8/7\n";
	static const char *const thread_counts[] = {"3", "1", "2", "4", "1", "3", "4"};
	char name[160];
	char *argv[] = {"test", "--benchmark_list_tests=true", NULL};
	int argc = 2, calls = 0;

	start();
	register_family();
	CHECK_OK(gb_list_tests("arg|pairs", append, NULL));
	CHECK(!strcmp(names, expected), "got:\n%s", names);
	names[0] = '\0';
	CHECK_OK(gb_list_tests("^threads", append, NULL));
	for (size_t i = 0, at = 0; i < 7; i++, at += strlen(name)) {
		snprintf(name, sizeof(name),
			 "threads/iterations:9/repeats:2/process_time/real_time/threads:%s\n",
			 thread_counts[i]);
		CHECK(!strncmp(names + at, name, strlen(name)), "%s in\n%s", name, names);
	}
	names[0] = '\0';
	CHECK_OK(gb_list_tests("timed", append, NULL));
	CHECK(!strcmp(names, "timed/min_time:0.250/min_warmup_time:0.125/manual_time\n"), "%s",
	      names);
	CHECK(gb_list_tests(NULL, refuse, &calls) == 5 && calls == 1, "%d calls", calls);
	CHECK_FAILS(gb_list_tests(NULL, NULL, NULL), EINVAL, "callback");
	CHECK_FAILS(gb_list_tests("nowhere", append, NULL), ENOENT, "nowhere");
	CHECK_FAILS(gb_run(&(struct gb_run_options){.filter = "nowhere"}), ENOENT, "nowhere");
	CHECK_FAILS(gb_run(&(struct gb_run_options){.filter = "["}), EINVAL, "Could not compile");
	CHECK_FAILS(gb_run(&(struct gb_run_options){.flags = 64}), EINVAL, "flags");

	CHECK_OK(gb_initialize(&argc, argv));
	printf("(names follow, as --benchmark_list_tests)\n");
	CHECK_OK(run("arg/n:[23]$|arg/n:3[03]"));
	CHECK(row_count == 0, "%d results of a listing", row_count);
}

static void test_thread_per_cpu(void)
{
	start();
	CHECK_OK(gb_thread_per_cpu(gb_register("cpus", empty, NULL)));
	CHECK_OK(gb_iterations(gb_register("other", empty, NULL), 1));
	CHECK_OK(run("cpus"));
	CHECK(row_count == 1 && rows[0].result.threads == sysconf(_SC_NPROCESSORS_ONLN),
	      "%d threads", (int)rows[0].result.threads);
}

/* ---- the state ---- */

struct seen {
	int setups, teardowns, bodies, wrong;
};

static void count_setup(gb_state *st, void *user)
{
	struct seen *seen = user;

	seen->wrong += seen->setups != seen->teardowns || gb_thread_index(st) != 0;
	seen->wrong += gb_range_at(st, 1) != 6 || gb_thread_count(st) != 3;
	seen->wrong += gb_iteration_count(st) != 4;
	seen->setups++;
}

static void count_teardown(gb_state *st, void *user)
{
	struct seen *seen = user;

	seen->teardowns++;
	seen->wrong += seen->setups != seen->teardowns || gb_range_at(st, 0) != 5;
	seen->wrong += __atomic_load_n(&seen->bodies, __ATOMIC_RELAXED) != 3 * seen->teardowns;
	seen->wrong += gb_skip_with_error(st, "too late") != -EINVAL;
	seen->wrong += gb_set_label(st, "too late") != -EINVAL;
}

static void count_body(gb_state *st, void *user)
{
	struct seen *seen = user;
	uint64_t done = 0;
	int index = gb_thread_index(st);

	CHECK(index >= 0 && index < 3, "index %d", index);
	CHECK(gb_arg_count(st) == 2, "%zu arguments", gb_arg_count(st));
	CHECK(gb_range_at(st, 0) == 5 && gb_range_at(st, 1) == 6, "arguments");
	GB_LOOP (st) {
		done++;
		if (done == 2)
			continue;
		gb_do_not_optimize(done);
	}
	CHECK(done == 4 && gb_iteration_count(st) == 4, "%d iterations", (int)done);
	CHECK(!gb_skipped(st), "skipped");
	__atomic_fetch_add(&seen->bodies, 1, __ATOMIC_RELAXED);
	CHECK_OK(gb_set_label(st, "counted"));
}

static void test_state_and_setup(void)
{
	struct seen seen = {0, 0, 0, 0};
	const int64_t args[] = {5, 6};
	gb_benchmark *b;

	start();
	b = gb_register("state", count_body, &seen);
	CHECK_OK(gb_args(b, args, 2));
	CHECK_OK(gb_threads(b, 3));
	CHECK_OK(gb_iterations(b, 4));
	CHECK_OK(gb_repetitions(b, 2));
	CHECK_OK(gb_setup(b, count_setup, &seen));
	CHECK_OK(gb_teardown(b, count_teardown, &seen));
	CHECK_OK(run(NULL));
	CHECK(seen.setups == 2 && seen.teardowns == 2 && seen.bodies == 6, "%d %d %d", seen.setups,
	      seen.teardowns, seen.bodies);
	CHECK(!seen.wrong, "%d wrong", seen.wrong);
	CHECK(row_count == 6, "%d rows", row_count);
	for (int i = 0; i < 2; i++) {
		struct row *row = &rows[i];

		CHECK(!strcmp(row->base_name, "state"), "%s", row->base_name);
		CHECK(!strcmp(row->label, "counted"), "%s", row->label);
		CHECK(row->result.user == &seen, "user");
		CHECK(row->result.run_type == GB_ITERATION, "run type");
		CHECK(row->result.status == GB_OK && !*row->message, "%s", row->message);
		CHECK(row->result.repetition == i && row->result.repetitions == 2, "repetition");
		CHECK(row->result.threads == 3 && row->result.iterations == 12, "iterations");
		CHECK(row->result.real_ns > 0 && row->result.cpu_ns >= 0, "times");
	}
}

/* One iteration takes one second by manual time. */
static void one_second(gb_state *st, void *user)
{
	(void)user;
	GB_LOOP (st)
		gb_set_iteration_time(st, 1.0);
}

static void set_counters(gb_state *st, void *user)
{
	double value = 0;

	one_second(st, user);
	CHECK_OK(gb_counter_set(st, "plain", 6, GB_COUNTER_PLAIN));
	CHECK_OK(gb_counter_set(st, "rate", 6, GB_COUNTER_RATE | GB_COUNTER_1024));
	CHECK_OK(gb_counter_set(st, "threads", 6, GB_COUNTER_AVG_THREADS));
	CHECK_OK(gb_counter_set(st, "invariant", 6, GB_COUNTER_ITERATION_INVARIANT));
	CHECK_OK(gb_counter_set(st, "iterations", 6, GB_COUNTER_AVG_ITERATIONS));
	CHECK_OK(gb_counter_set(st, "inverse", 6, GB_COUNTER_RATE | GB_COUNTER_INVERT));
	CHECK_OK(gb_set_items_processed(st, 30));
	CHECK_OK(gb_set_bytes_processed(st, 2048));
	CHECK_OK(gb_counter_get(st, "rate", &value));
	CHECK(value == 6, "%g", value);
	CHECK_FAILS(gb_counter_get(st, "absent", &value), ENOENT, "absent");
	CHECK_FAILS(gb_counter_get(st, "rate", NULL), EINVAL, "gb_counter_get");
}

static void test_counters(void)
{
	gb_benchmark *b;

	start();
	b = gb_register("counters", set_counters, NULL);
	CHECK_OK(gb_threads(b, 1));
	CHECK_OK(gb_threads(b, 2));
	CHECK_OK(gb_iterations(b, 10));
	CHECK_OK(gb_use_manual_time(b));
	CHECK_OK(gb_unit(b, GB_MILLISECOND));
	CHECK_OK(run(NULL));
	CHECK(row_count == 2, "%d rows", row_count);
	for (int i = 0; i < 2; i++) {
		const struct row *row = &rows[i];
		double threads = i + 1;

		CHECK(is_near(row->result.real_ns, 1e9), "%g ns", row->result.real_ns);
		CHECK(is_near(counter(row, "plain"), 6 * threads), "plain");
		CHECK(is_near(counter(row, "rate"), 0.6 * threads), "rate");
		CHECK(is_near(counter(row, "threads"), 6), "threads");
		CHECK(is_near(counter(row, "invariant"), 60 * threads * threads), "invariant");
		CHECK(is_near(counter(row, "iterations"), 0.6), "iterations");
		CHECK(is_near(counter(row, "inverse"), 1 / (0.6 * threads)), "inverse");
		CHECK(is_near(counter(row, "items_per_second"), 3 * threads), "items");
		CHECK(is_near(counter(row, "bytes_per_second"), 204.8 * threads), "bytes");
		CHECK(row->counters[0].flags == (GB_COUNTER_RATE | GB_COUNTER_1024), "flags");
		CHECK(!strcmp(row->counter_names[0], "bytes_per_second"), "order");
	}
}

/* ---- runs that go wrong ---- */

static void body_error(gb_state *st, void *user)
{
	(void)user;
	GB_LOOP (st) {
		CHECK_OK(gb_skip_with_error(st, "no such device"));
		CHECK_OK(gb_pause(st));
		CHECK_OK(gb_resume(st));
		break;
	}
}

static void body_message(gb_state *st, void *user)
{
	CHECK_OK(gb_skip_with_message(st, "needs two nodes"));
	CHECK(gb_skipped(st), "not skipped");
	body_error(st, user); /* the loop is not entered, and the first message stays */
}

static void body_break(gb_state *st, void *user)
{
	(void)user;
	GB_LOOP (st)
		break;
}

static void body_return(gb_state *st, void *user)
{
	(void)user;
	GB_LOOP (st)
		return;
}

static void body_nothing(gb_state *st, void *user)
{
	(void)st;
	(void)user;
}

static void body_begin_only(gb_state *st, void *user)
{
	(void)user;
	CHECK(gb_begin(st) == 3, "iterations");
}

static void body_begin_twice(gb_state *st, void *user)
{
	(void)user;
	gb_begin(st);
	CHECK(gb_begin(st) == 0, "begun twice");
	gb_end(st);
}

static void body_loop_twice(gb_state *st, void *user)
{
	empty(st, user);
	empty(st, user);
}

static void body_end_only(gb_state *st, void *user)
{
	(void)user;
	gb_end(st);
}

static void body_end_twice(gb_state *st, void *user)
{
	empty(st, user);
	gb_end(st);
}

static void body_resume(gb_state *st, void *user)
{
	(void)user;
	gb_begin(st);
	CHECK_FAILS(gb_resume(st), EINVAL, "gb_resume");
	gb_end(st);
}

static void body_pause_twice(gb_state *st, void *user)
{
	(void)user;
	gb_begin(st);
	CHECK_OK(gb_pause(st));
	CHECK_FAILS(gb_pause(st), EINVAL, "gb_pause");
	gb_end(st);
}

static void body_pause_outside(gb_state *st, void *user)
{
	CHECK_FAILS(gb_pause(st), EINVAL, "gb_pause");
	empty(st, user);
}

static void body_end_paused(gb_state *st, void *user)
{
	(void)user;
	gb_begin(st);
	CHECK_OK(gb_pause(st));
	gb_end(st);
}

static void body_not_manual(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_FAILS(gb_set_iteration_time(st, 1), EINVAL, "gb_use_manual_time");
}

static void body_range(gb_state *st, void *user)
{
	empty(st, user);
	CHECK(gb_range_at(st, 0) == 0, "an argument");
}

static void body_counter_name(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_FAILS(gb_counter_set(st, NULL, 1, 0), EINVAL, "name");
}

static void body_counter_bits(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_FAILS(gb_counter_set(st, "c", 1, 4096), EINVAL, "flags");
}

static void body_counter_change(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_OK(gb_counter_set(st, "c", 1, GB_COUNTER_RATE));
	CHECK_FAILS(gb_counter_set(st, "c", 1, GB_COUNTER_PLAIN), EINVAL, "other flags");
}

static void body_bytes(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_FAILS(gb_set_bytes_processed(st, -1), EINVAL, "bytes");
}

static void body_items(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_FAILS(gb_set_items_processed(st, -1), EINVAL, "items");
}

static void body_label(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_FAILS(gb_set_label(st, NULL), EINVAL, "label");
}

static void body_complexity(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_FAILS(gb_set_complexity_n(st, 0), EINVAL, "complexity");
}

static void body_skip_nothing(gb_state *st, void *user)
{
	CHECK_FAILS(gb_skip_with_error(st, NULL), EINVAL, "message");
	empty(st, user);
}

static const struct {
	const char *name;
	gb_function fn;
	enum gb_status status;
	const char *message; /* part of it */
} wrong[] = {
	{"error", body_error, GB_ERROR, "no such device"},
	{"message", body_message, GB_SKIPPED, "needs two nodes"},
	{"break", body_break, GB_ERROR, "3 of 3 iterations"},
	{"return", body_return, GB_ERROR, "without gb_end"},
	{"nothing", body_nothing, GB_ERROR, "without gb_begin"},
	{"begin_only", body_begin_only, GB_ERROR, "without gb_end"},
	{"begin_twice", body_begin_twice, GB_ERROR, "gb_begin a second time"},
	{"loop_twice", body_loop_twice, GB_ERROR, "gb_begin a second time"},
	{"end_only", body_end_only, GB_ERROR, "gb_end without"},
	{"end_twice", body_end_twice, GB_ERROR, "gb_end without"},
	{"resume", body_resume, GB_ERROR, "gb_resume without"},
	{"pause_twice", body_pause_twice, GB_ERROR, "gb_pause while"},
	{"pause_outside", body_pause_outside, GB_ERROR, "gb_pause while"},
	{"end_paused", body_end_paused, GB_ERROR, "paused"},
	{"not_manual", body_not_manual, GB_ERROR, "gb_use_manual_time"},
	{"range", body_range, GB_ERROR, "argument 0 of 0"},
	{"counter_name", body_counter_name, GB_ERROR, "no name"},
	{"counter_bits", body_counter_bits, GB_ERROR, "0x1000"},
	{"counter_change", body_counter_change, GB_ERROR, "other flags"},
	{"bytes", body_bytes, GB_ERROR, "-1"},
	{"items", body_items, GB_ERROR, "-1"},
	{"label", body_label, GB_ERROR, "no label"},
	{"complexity", body_complexity, GB_ERROR, "0"},
	{"skip_nothing", body_skip_nothing, GB_ERROR, "no message"},
};

#define WRONG_COUNT (int)(sizeof(wrong) / sizeof(wrong[0]))

static void test_wrong_runs(void)
{
	start();
	for (int i = 0; i < WRONG_COUNT; i++)
		CHECK_OK(gb_iterations(gb_register(wrong[i].name, wrong[i].fn, NULL), 3));
	CHECK_OK(run(NULL));
	CHECK(row_count == WRONG_COUNT, "%d rows", row_count);
	for (int i = 0; i < WRONG_COUNT && i < row_count; i++) {
		CHECK(!strcmp(rows[i].base_name, wrong[i].name), "%s", rows[i].name);
		CHECK(rows[i].result.status == wrong[i].status, "%s: status %d", wrong[i].name,
		      (int)rows[i].result.status);
		CHECK(strstr(rows[i].message, wrong[i].message), "%s: %s", wrong[i].name,
		      rows[i].message);
		CHECK(isnan(rows[i].result.real_ns) && isnan(rows[i].result.cpu_ns), "%s: times",
		      wrong[i].name);
	}
}

/* Several threads, several repetitions: no deadlock, no abort, rows all the same. */
static void test_wrong_runs_of_threads(void)
{
	start();
	for (int i = 0; i < WRONG_COUNT; i++) {
		gb_benchmark *b = gb_register(wrong[i].name, wrong[i].fn, NULL);

		CHECK_OK(gb_iterations(b, 3));
		CHECK_OK(gb_threads(b, 2));
		CHECK_OK(gb_repetitions(b, 2));
	}
	CHECK_OK(run(NULL));
	CHECK(row_count == 2 * WRONG_COUNT, "%d rows", row_count);
	for (int i = 0; i < row_count; i++)
		CHECK(rows[i].result.status == wrong[i / 2].status, "%s", rows[i].name);
}

static void error_in_one_thread(gb_state *st, void *user)
{
	int where = *(int *)user;

	if (gb_thread_index(st) == 1 && where == 0) {
		gb_skip_with_error(st, "one is out");
		return;
	}
	GB_LOOP (st) {
		if (gb_thread_index(st) == 1 && where == 1) {
			gb_skip_with_error(st, "one is out");
			break;
		}
	}
	if (gb_thread_index(st) == 1)
		gb_skip_with_error(st, "one is out");
}

static void test_error_in_one_thread(void)
{
	int where[] = {0, 1, 2};
	char name[16];

	start();
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "out%d", i);
		CHECK_OK(gb_threads(gb_register(name, error_in_one_thread, &where[i]), 3));
	}
	CHECK_OK(run(NULL));
	CHECK(row_count == 3, "%d rows", row_count);
	for (int i = 0; i < row_count; i++)
		CHECK(!strcmp(rows[i].message, "one is out"), "%s", rows[i].message);
}

/* One repetition, from 0, that does not go well, with counters in all others. */
struct bad_repetition {
	int which, is_message;
	int runs;
};

static void bad_once(gb_state *st, void *user)
{
	struct bad_repetition *bad = user;

	if (gb_thread_index(st) == 0 && bad->runs++ == bad->which) {
		if (bad->is_message)
			gb_skip_with_message(st, "not this one");
		else
			gb_skip_with_error(st, "not this one");
	}
	empty(st, NULL);
	for (int i = 0; i < COUNTERS_MAX && !gb_skipped(st); i++)
		gb_counter_set(st, (char[]){'c', (char)('0' + i), '\0'}, i, GB_COUNTER_PLAIN);
}

static gb_benchmark *register_bad(const char *name, struct bad_repetition *bad, int repetitions)
{
	gb_benchmark *b = gb_register(name, bad_once, bad);

	CHECK_OK(gb_repetitions(b, repetitions));
	CHECK_OK(gb_iterations(b, 2));
	return b;
}

/* From the bad one on no body is called; an aggregate needs two that went well. */
static void test_error_in_one_repetition(void)
{
	struct bad_repetition bad;
	enum gb_status wanted;

	for (int i = 0; i < 16; i++) {
		bad = (struct bad_repetition){.which = i / 2 % 4, .is_message = i % 2};
		wanted = bad.is_message ? GB_SKIPPED : GB_ERROR;
		start();
		CHECK_OK(gb_threads(register_bad("once", &bad, 4), i < 8 ? 1 : 2));
		CHECK_OK(run(NULL));
		CHECK(bad.runs == bad.which + 1, "%d runs", bad.runs);
		CHECK(row_count == (bad.which < 2 ? 4 : 8), "%d rows", row_count);
		for (int r = 0; r < 4; r++) {
			CHECK(rows[r].result.status == (r < bad.which ? GB_OK : wanted),
			      "repetition %d has status %d", r, (int)rows[r].result.status);
			CHECK(!strcmp(rows[r].message, r < bad.which ? "" : "not this one"),
			      "repetition %d says '%s'", r, rows[r].message);
		}
		for (int r = 4; r < row_count; r++)
			CHECK(rows[r].result.iterations == 4, "%s", rows[r].name);
		/* the next run knows nothing of it */
		CHECK_OK(run(NULL));
		CHECK(row_count == 8 && rows[0].result.status == GB_OK, "%d rows", row_count);
	}
}

static void bad_at_8(gb_state *st, void *user)
{
	int *runs = user;

	if (gb_range_at(st, 0) == 8 && !(*runs)++)
		gb_skip_with_error(st, "at 8");
	empty(st, NULL);
	gb_counter_set(st, "c", 1, GB_COUNTER_PLAIN);
}

/* Other arguments, between its repetitions or not, are other runs. */
static void test_error_of_one_argument(void)
{
	char *argv[] = {"test", "--benchmark_enable_random_interleaving", NULL};

	for (int argc = 1; argc <= 2; argc++) {
		int count = argc, runs = 0, bad = 0;
		gb_benchmark *b;

		CHECK_OK(gb_shutdown());
		CHECK_OK(gb_initialize(&count, argv));
		b = gb_register("some", bad_at_8, &runs);
		CHECK_OK(gb_arg(b, 4));
		CHECK_OK(gb_arg(b, 8));
		CHECK_OK(gb_arg(b, 16));
		CHECK_OK(gb_repetitions(b, 3));
		CHECK_OK(gb_iterations(b, 2));
		CHECK_OK(run(NULL));
		CHECK(row_count == 17 && runs == 1, "%d rows, %d runs", row_count, runs);
		for (int r = 0; r < row_count; r++) {
			int is_8 = !!strstr(rows[r].name, "/8/");

			CHECK(rows[r].result.status == (is_8 ? GB_ERROR : GB_OK), "%s",
			      rows[r].name);
			bad += is_8;
		}
		CHECK(bad == 3, "%d rows of 8", bad);
	}
}

static void setup_fails(gb_state *st, void *user)
{
	(void)user;
	CHECK_OK(gb_skip_with_message(st, "nothing to set up"));
}

static void setup_begins(gb_state *st, void *user)
{
	(void)user;
	CHECK(gb_begin(st) == 0, "begun in the set-up");
}

static void body_unwanted(gb_state *st, void *user)
{
	CHECK(0, "called after a failed set-up");
	empty(st, user);
}

static void test_setup_that_skips(void)
{
	gb_benchmark *b;

	start();
	b = gb_register("unready", body_unwanted, NULL);
	CHECK_OK(gb_threads(b, 2));
	CHECK_OK(gb_setup(b, setup_fails, NULL));
	b = gb_register("misplaced", body_unwanted, NULL);
	CHECK_OK(gb_setup(b, setup_begins, NULL));
	CHECK_OK(run(NULL));
	CHECK(row_count == 2, "%d rows", row_count);
	CHECK(rows[0].result.status == GB_SKIPPED, "status %d", (int)rows[0].result.status);
	CHECK(!strcmp(rows[0].message, "nothing to set up"), "%s", rows[0].message);
	CHECK(rows[1].result.status == GB_ERROR, "status %d", (int)rows[1].result.status);
}

static void test_state_is_null(void)
{
	double value;

	CHECK(gb_begin(NULL) == 0, "begun");
	gb_end(NULL);
	gb_loop_end(NULL, 1);
	CHECK(strstr(gb_last_error(), "gb_end"), "%s", gb_last_error());
	CHECK_FAILS(gb_pause(NULL), EINVAL, "no state");
	CHECK_FAILS(gb_resume(NULL), EINVAL, "no state");
	CHECK_FAILS(gb_set_iteration_time(NULL, 1), EINVAL, "no state");
	CHECK(gb_arg_count(NULL) == 0 && gb_range_at(NULL, 0) == 0, "arguments");
	CHECK_FAILS(gb_thread_index(NULL), EINVAL, "no state");
	CHECK_FAILS(gb_thread_count(NULL), EINVAL, "no state");
	CHECK(gb_iteration_count(NULL) == 0 && !gb_skipped(NULL), "iterations");
	CHECK_FAILS(gb_counter_set(NULL, "c", 1, 0), EINVAL, "no state");
	CHECK_FAILS(gb_counter_get(NULL, "c", &value), EINVAL, "no state");
	CHECK_FAILS(gb_set_label(NULL, "l"), EINVAL, "no state");
	CHECK_FAILS(gb_set_bytes_processed(NULL, 1), EINVAL, "no state");
	CHECK_FAILS(gb_set_items_processed(NULL, 1), EINVAL, "no state");
	CHECK_FAILS(gb_set_complexity_n(NULL, 1), EINVAL, "no state");
	CHECK_FAILS(gb_skip_with_error(NULL, "m"), EINVAL, "no state");
	CHECK_FAILS(gb_skip_with_message(NULL, "m"), EINVAL, "no state");
}

static void no_time(gb_state *st, void *user)
{
	empty(st, user);
}

static void bad_time(gb_state *st, void *user)
{
	empty(st, user);
	CHECK_FAILS(gb_set_iteration_time(st, -1), EINVAL, "-1 s");
}

static void test_what_was_promised(void)
{
	start();
	CHECK_OK(gb_use_manual_time(gb_register("timeless", no_time, NULL)));
	CHECK_OK(gb_use_manual_time(gb_register("backwards", bad_time, NULL)));
	/* a family of nothing but errors has no curve, and crashes the library on its own */
	CHECK_OK(gb_complexity(gb_register("sizeless", no_time, NULL), GB_O_N));
	CHECK_OK(run(NULL));
	CHECK(row_count == 3, "%d rows", row_count);
	CHECK(strstr(find("timeless/manual_time")->message, "gb_set_iteration_time"), "message");
	CHECK(strstr(find("backwards/manual_time")->message, "-1 s"), "message");
	CHECK(strstr(find("sizeless")->message, "gb_set_complexity_n"), "message");
}

/* ---- while running ---- */

static void meddle(gb_state *st, void *user)
{
	int argc = 0;

	CHECK(!gb_register("late", empty, NULL), "registered during a run");
	CHECK_FAILS(gb_arg(user ? *(gb_benchmark **)user : NULL, 1), EBUSY, "during gb_run");
	CHECK_FAILS(gb_run(NULL), EBUSY, "during gb_run");
	CHECK_FAILS(gb_list_tests(NULL, append, NULL), EBUSY, "during gb_run");
	CHECK_FAILS(gb_initialize(&argc, NULL), EBUSY, "during gb_run");
	CHECK_FAILS(gb_unregister_all(), EBUSY, "during gb_run");
	CHECK_FAILS(gb_shutdown(), EBUSY, "during gb_run");
	empty(st, NULL);
}

static void test_meddling(void)
{
	static gb_benchmark *b;

	start();
	b = gb_register("meddler", meddle, &b);
	CHECK_OK(gb_iterations(b, 1));
	CHECK_OK(run(NULL));
	CHECK(row_count == 1 && rows[0].result.status == GB_OK, "%s", rows[0].message);
}

static int bodies_run;

static void count_runs(gb_state *st, void *user)
{
	bodies_run++;
	empty(st, user);
}

static int stop_at_once(const struct gb_result *result, void *user)
{
	keep(result, user);
	return 7;
}

/* Run after run of one benchmark each: flags stay, benchmarks and what failed in them do not. */
static void test_unregister_all(void)
{
	char program[] = "test", flag[] = "--benchmark_filter=second|third";
	char *argv[] = {program, flag, NULL};
	int argc = 2;

	start();
	CHECK_OK(gb_initialize(&argc, argv));
	gb_register("first", empty, NULL);
	gb_iterations(gb_register("second", skipping, NULL), 1);
	CHECK_OK(run(NULL));
	CHECK(row_count == 1 && rows[0].result.status == GB_ERROR, "%d results", row_count);
	CHECK_OK(gb_unregister_all());
	CHECK_FAILS(run(NULL), ENOENT, "");
	for (int i = 0; i < 3; i++) {
		CHECK_OK(gb_iterations(gb_register("second", empty, NULL), 7));
		CHECK_OK(run(NULL));
		CHECK(row_count == 1 && find("second/iterations:7")->result.iterations == 7,
		      "%d results", row_count);
		CHECK(rows[0].result.status == GB_OK, "%s", rows[0].message);
		CHECK_OK(gb_unregister_all());
	}
	CHECK_OK(gb_unregister_all());
}

static void test_stop(void)
{
	size_t matched = 0;
	struct gb_run_options options = {NULL, GB_RUN_NO_DISPLAY, stop_at_once, NULL, &matched};

	start();
	CHECK_OK(gb_iterations(gb_register("first", count_runs, NULL), 1));
	CHECK_OK(gb_iterations(gb_register("second", count_runs, NULL), 1));
	CHECK_OK(gb_threads(gb_register("third", count_runs, NULL), 2));
	row_count = 0;
	CHECK(gb_run(&options) == 7, "not what the callback returned");
	CHECK(row_count == 1 && bodies_run == 1, "%d rows, %d bodies", row_count, bodies_run);
	CHECK(matched == 3, "%d matched", (int)matched);
	CHECK_OK(run("first|second"));
	CHECK(row_count == 2 && bodies_run == 3, "%d rows, %d bodies", row_count, bodies_run);
}

/* ---- aggregates, complexity ---- */

static void seconds_by_run(gb_state *st, void *user)
{
	int *runs = user;
	double seconds = ++*runs;

	GB_LOOP (st)
		gb_set_iteration_time(st, seconds);
}

static double largest(const double *v, size_t n)
{
	double max = 0;

	for (size_t i = 0; i < n; i++)
		max = v[i] > max ? v[i] : max;
	return max;
}

static double spread(const double *v, size_t n)
{
	double max = largest(v, n), min = max;

	for (size_t i = 0; i < n; i++)
		min = v[i] < min ? v[i] : min;
	return max / min;
}

static void test_aggregates(void)
{
	const char *const base = "agg/iterations:2/repeats:3/manual_time";
	static const struct {
		const char *name;
		double value;
		int is_ratio;
	} expected[] = {{"mean", 2e9, 0}, {"median", 2e9, 0}, {"stddev", 1e9, 0},
			{"cv", 0.5, 1},	  {"max", 3e9, 0},    {"spread", 3, 1}};
	gb_benchmark *b;
	char name[120];
	int runs = 0;

	start();
	b = gb_register("agg", seconds_by_run, &runs);
	CHECK_OK(gb_iterations(b, 2));
	CHECK_OK(gb_repetitions(b, 3));
	CHECK_OK(gb_use_manual_time(b));
	CHECK_OK(gb_statistics(b, "max", largest, 0));
	CHECK_OK(gb_statistics(b, "spread", spread, 1));
	CHECK_OK(run(NULL));
	CHECK(row_count == 9, "%d rows", row_count);
	for (int i = 0; i < 3; i++)
		CHECK(is_near(rows[i].result.real_ns, (i + 1) * 1e9), "%g", rows[i].result.real_ns);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const struct row *row;

		snprintf(name, sizeof(name), "%s_%s", base, expected[i].name);
		row = find(name);
		CHECK(is_near(row->result.real_ns, expected[i].value), "%s: %g", name,
		      row->result.real_ns);
		CHECK(row->result.is_ratio == expected[i].is_ratio, "%s", name);
		CHECK(row->result.run_type == GB_AGGREGATE && row->result.repetition == -1, "%s",
		      name);
		CHECK(!strcmp(row->aggregate_name, expected[i].name), "%s", row->aggregate_name);
	}
}

/* Sixteen functions that no statistic had before. */
#define ONE_OF(n)                                                                                  \
	static double one_of_##n(const double *v, size_t count)                                    \
	{                                                                                          \
		return count ? v[0] + n : n;                                                       \
	}                                                                                          \
	struct one_of_##n

ONE_OF(1);
ONE_OF(2);
ONE_OF(3);
ONE_OF(4);
ONE_OF(5);
ONE_OF(6);
ONE_OF(7);
ONE_OF(8);
ONE_OF(9);
ONE_OF(10);
ONE_OF(11);
ONE_OF(12);
ONE_OF(13);
ONE_OF(14);
ONE_OF(15);
ONE_OF(16);

static void test_too_many_statistics(void)
{
	static double (*const fns[])(const double *, size_t) = {
		one_of_1,  one_of_2,  one_of_3,	 one_of_4,  one_of_5,  one_of_6,
		one_of_7,  one_of_8,  one_of_9,	 one_of_10, one_of_11, one_of_12,
		one_of_13, one_of_14, one_of_15, one_of_16};
	gb_benchmark *b;
	int rc = 0;

	start();
	b = gb_register("many", empty, NULL);
	for (size_t i = 0; i < GB_STATISTICS_MAX && !rc; i++)
		rc = gb_statistics(b, "s", fns[i], 0);
	CHECK(rc == -ENOSPC, "%d", rc);
	CHECK_OK(gb_statistics(b, "again", fns[0], 0));
}

static void time_of_n(gb_state *st, void *user)
{
	int64_t n = gb_range_at(st, 0);

	GB_LOOP (st)
		gb_set_iteration_time(st, (double)n * *(double *)user);
	CHECK_OK(gb_set_complexity_n(st, n));
}

static void test_complexity(void)
{
	double per_n = 0.5;
	gb_benchmark *b, *own;

	start();
	b = gb_register("grows", time_of_n, &per_n);
	own = gb_register("own", time_of_n, &per_n);
	CHECK_OK(gb_range(b, 8, 512));
	CHECK_OK(gb_range(own, 8, 512));
	CHECK_OK(gb_use_manual_time(b));
	CHECK_OK(gb_use_manual_time(own));
	CHECK_OK(gb_iterations(b, 2));
	CHECK_OK(gb_iterations(own, 2));
	CHECK_OK(gb_complexity(b, GB_O_N));
	CHECK_OK(gb_complexity_function(own, line));
	CHECK_OK(run(NULL));
	CHECK(is_near(find("grows/iterations:2/manual_time_BigO")->result.real_ns, 0.5e9), "BigO");
	CHECK(find("grows/iterations:2/manual_time_BigO")->result.complexity == GB_O_N, "curve");
	CHECK(find("grows/iterations:2/manual_time_RMS")->result.real_ns < 1e-9, "RMS");
	CHECK(find("grows/iterations:2/manual_time_RMS")->result.is_ratio, "RMS is a ratio");
	CHECK(is_near(find("own/iterations:2/manual_time_BigO")->result.real_ns, 0.5e9), "BigO");
	CHECK(find("own/iterations:2/manual_time_BigO")->result.complexity == GB_O_FUNCTION,
	      "curve");
	CHECK(rows[0].result.complexity == GB_O_NONE, "curve of a run");
}

/* ---- time ---- */

static void sleep_ms(long ms)
{
	const struct timespec pause = {0, ms * 1000000};

	nanosleep(&pause, NULL);
}

static void sleep_paused(gb_state *st, void *user)
{
	(void)user;
	GB_LOOP (st) {
		CHECK_OK(gb_pause(st));
		sleep_ms(20);
		CHECK_OK(gb_resume(st));
	}
}

static void sleep_running(gb_state *st, void *user)
{
	(void)user;
	GB_LOOP (st)
		sleep_ms(20);
}

static void test_pause(void)
{
	gb_benchmark *paused, *running;

	start();
	paused = gb_register("paused", sleep_paused, NULL);
	running = gb_register("running", sleep_running, NULL);
	CHECK_OK(gb_iterations(paused, 2));
	CHECK_OK(gb_iterations(running, 2));
	CHECK_OK(gb_threads(running, 2));
	CHECK_OK(run(NULL));
	CHECK(rows[0].result.real_ns < 10e6, "%g ns in the clock", rows[0].result.real_ns);
	CHECK(rows[1].result.real_ns >= 20e6, "%g ns", rows[1].result.real_ns);
	CHECK(rows[1].result.real_ns < 40e6, "%g ns: not of one thread", rows[1].result.real_ns);
	CHECK(rows[1].result.cpu_ns < 10e6, "%g ns of CPU", rows[1].result.cpu_ns);
}

static void test_min_time(void)
{
	gb_benchmark *b;
	double seconds;

	start();
	b = gb_register("timed", empty, NULL);
	CHECK_OK(gb_min_time(b, 0.02));
	CHECK_OK(gb_min_warmup_time(b, 0.01));
	CHECK_OK(run(NULL));
	seconds = rows[0].result.cpu_ns * (double)rows[0].result.iterations / 1e9;
	CHECK(seconds >= 0.0199 && seconds < 2, "%g s", seconds);
}

/* ---- output ---- */

static char text[32768];

static const char *slurp(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[len] = '\0';
	if (file)
		fclose(file);
	return text;
}

static void initialize_with(const char *first, const char *second)
{
	char a[160], b[160];
	char *argv[] = {"test", a, b, NULL};
	int argc = 3;

	snprintf(a, sizeof(a), "%s", first);
	snprintf(b, sizeof(b), "%s", second);
	CHECK_OK(gb_shutdown());
	CHECK_OK(gb_initialize(&argc, argv));
}

static void two_counters(gb_state *st, void *user)
{
	empty(st, NULL);
	gb_counter_set(st, user, 1, 0);
	gb_set_items_processed(st, 1);
}

static void test_file(const char *path)
{
	char flag[160];
	gb_benchmark *b;

	snprintf(flag, sizeof(flag), "--benchmark_out=%s", path);
	initialize_with(flag, "--benchmark_context=colour=green");
	CHECK_OK(gb_add_context("shape", "round"));
	CHECK_FAILS(gb_add_context("shape", "flat"), EEXIST, "shape");
	CHECK_FAILS(gb_add_context("colour", "red"), EEXIST, "colour");
	CHECK_FAILS(gb_add_context(NULL, "x"), EINVAL, "key");
	CHECK_FAILS(gb_add_context("x", NULL), EINVAL, "value");
	b = gb_register("filed", empty, NULL);
	CHECK_OK(gb_iterations(b, 1));
	CHECK_OK(gb_repetitions(b, 2));
	CHECK_OK(gb_report_aggregates_only(b, 1));
	CHECK_OK(run(NULL));
	CHECK(row_count == 6, "%d rows: the callback sees all", row_count);
	slurp(path);
	CHECK(strstr(text, "\"colour\": \"green\""), "%s", text);
	CHECK(strstr(text, "\"shape\": \"round\""), "%s", text);
	CHECK(strstr(text, "filed/iterations:1/repeats:2_mean"), "%s", text);
	CHECK(!strstr(text, "\"run_type\": \"iteration\""), "single repetitions in %s", text);
	CHECK_OK(gb_display_aggregates_only(b, 1));
	CHECK_OK(gb_report_aggregates_only(b, 0));
	CHECK_OK(run(NULL));
	CHECK(strstr(slurp(path), "\"run_type\": \"iteration\""), "no single repetitions");
	CHECK_OK(run_into(NULL, NULL, GB_RUN_NO_DISPLAY | GB_RUN_NO_FILE));

	initialize_with(flag, "--benchmark_out_format=csv");
	CHECK_OK(gb_iterations(gb_register("a", two_counters, "x"), 1));
	CHECK_OK(gb_iterations(gb_register("b", two_counters, "y"), 1));
	CHECK_OK(run(NULL));
	CHECK(strstr(slurp(path), "\"b/iterations:1\""), "%s", slurp(path));
}

static void test_bad_files(void)
{
	initialize_with("--benchmark_out=/nowhere/at/all", "--v=0");
	CHECK_OK(gb_iterations(gb_register("unfiled", count_runs, NULL), 1));
	bodies_run = 0;
	CHECK_FAILS(run(NULL), ENOENT, "/nowhere/at/all");
	CHECK(bodies_run == 0, "run all the same");
	if (access("/dev/full", W_OK))
		return;
	initialize_with("--benchmark_out=/dev/full", "--v=0");
	CHECK_OK(gb_iterations(gb_register("unfiled", count_runs, NULL), 1));
	CHECK_FAILS(run(NULL), ENOSPC, "/dev/full");
	CHECK(row_count == 1, "%d rows", row_count);
}

/* Standard output's text while something is done. */
static int show(int what, const char *path)
{
	int saved = dup(STDOUT_FILENO), rc;

	fflush(stdout);
	if (saved < 0 || !freopen(path, "w", stdout))
		return -errno;
	rc = what ? run_into(NULL, keep, 0) : gb_print_help();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	return rc;
}

static void test_display(const char *path)
{
	gb_benchmark *b;

	initialize_with("--benchmark_format=json", "--benchmark_repetitions=2");
	b = gb_register("shown", empty, NULL);
	CHECK_OK(gb_iterations(b, 1));
	CHECK_OK(show(1, path));
	CHECK(strstr(slurp(path), "\"name\": \"shown/iterations:1\""), "%s", slurp(path));
	CHECK_OK(show(1, path));
	CHECK(slurp(path)[0] == '{', "a second run is not whole: %s", slurp(path));
	initialize_with("--benchmark_display_aggregates_only", "--benchmark_repetitions=2");
	CHECK_OK(gb_iterations(gb_register("shown", empty, NULL), 1));
	CHECK_OK(show(1, path));
	CHECK(strstr(slurp(path), "shown/iterations:1_mean"), "%s", slurp(path));
	CHECK(!strstr(slurp(path), "shown/iterations:1 "), "%s", slurp(path));
	CHECK(row_count == 6, "%d rows: the callback sees all", row_count);
	CHECK_OK(show(0, path));
	CHECK(strstr(slurp(path), "--benchmark_filter"), "%s", slurp(path));
}

static void test_helpers(void)
{
	int memory = 1;

	gb_do_not_optimize(gb_hide(3));
	gb_do_not_optimize_pointer(&memory);
	gb_do_not_optimize_double(0.5);
	gb_clobber_memory();
	CHECK(gb_hide(41) == 41 && memory == 1, "changed");
}

int main(void)
{
	char path[] = "/tmp/gbench_api_test.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0) {
		perror(path);
		return 1;
	}
	close(fd);
	test_order_of_calls();
	test_flags_are_taken();
	test_bad_flags();
	test_bad_calls_of_initialize();
	test_environment();
	test_register_misuse();
	test_setters_without_benchmark();
	test_argument_misuse();
	test_setting_misuse();
	test_names();
	test_thread_per_cpu();
	test_state_and_setup();
	test_counters();
	test_wrong_runs();
	test_wrong_runs_of_threads();
	test_error_in_one_thread();
	test_error_in_one_repetition();
	test_error_of_one_argument();
	test_setup_that_skips();
	test_state_is_null();
	test_what_was_promised();
	test_meddling();
	test_unregister_all();
	test_stop();
	test_aggregates();
	test_too_many_statistics();
	test_complexity();
	test_pause();
	test_min_time();
	test_helpers();
	test_file(path);
	test_bad_files();
	test_display(path);
	CHECK_OK(gb_shutdown());
	unlink(path);
	printf("gbench_api_test: library %s: %s\n", gb_library_version(),
	       failures ? "FAILED" : "passed");
	return failures != 0;
}
