/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a table of operations to names and rows. */
#include "case.h"
#include "check.h"
#include "disturb.h"
#include "fake_root.h"
#include "gbench_c.h"
#include "places.h"
#include "rows.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <math.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ROWS 256
#define CELLS	  28

enum cell {
	RUN_ID = 1,
	HOST = 3,
	EXECUTION = 5,
	SUBJECT,
	FAMILY,
	OP,
	VARIANT,
	THREADS,
	PIN,
	PARAMS,
	REP,
	ITERATIONS,
	REAL,
	CPU,
	OPS_PER_S,
	P50,
	P90,
	P99,
	MAX = 22,
	OVERLAP = 24,
	FAIRNESS,
	FLAGS,
	ERROR,
};

static char folder[] = "/tmp/mnbench-cases-XXXXXX";
static char path[64];
static char *row[MOST_ROWS][CELLS];
static char *text;
static size_t rows;
static char names[MOST_ROWS][160];
static size_t named;

static struct options options;
static struct case_context context;
static unsigned int set_ups, tear_downs;
static int setup_error;
static const char *setup_why;

/* ---- operations ---- */

static int set_up(struct op_run *run)
{
	set_ups++;
	run->why = setup_why;
	run->shared = &set_ups;
	return setup_error;
}

static void tear_down(struct op_run *run)
{
	CHECK(run->shared == &set_ups);
	tear_downs++;
}

static void spin_run(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--)
		__asm__ __volatile__("" : "+r"(n));
}

static void nap_run(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--)
		sleep_ms(1);
}

static void nap_background(struct op_thread *t)
{
	nap_run(t, 1);
}

static void moving_run(struct op_thread *t, uint64_t n)
{
	take_places("compact", 2);
	pin_bind_self(topo, &places[1]);
	nap_run(t, n);
}

/* On every PU there may be. */
static void heat_up(void)
{
	static unsigned long count;

	count++;
	for (unsigned int i = 0; i < pin_pu_count(topo) && i < 64; i++)
		fake_number(pin_pu_at(topo, i), "thermal_throttle/core_throttle_count", count);
}

static void heating_run(struct op_thread *t, uint64_t n)
{
	heat_up();
	nap_run(t, n);
}

/* 1000 times its parameter, each. */
static uint64_t timed_run(struct op_thread *t, uint64_t n)
{
	return n * 1000 * (uint64_t)op_param(t->run, "thousands");
}

/* Twice as slow in every other repetition. */
static uint64_t wild_run(struct op_thread *t, uint64_t n)
{
	(void)t;
	return n * 1000 * (1 + set_ups % 2);
}

/* A thousand times slower until it has run twice in a repetition. */
static unsigned int cold_runs;

static uint64_t cold_run(struct op_thread *t, uint64_t n)
{
	static unsigned int repetition;

	(void)t;
	if (repetition != set_ups)
		cold_runs = 0;
	repetition = set_ups;
	return n * (cold_runs++ < 2 ? 1000000 : 1000);
}

/* 1000 each, but for a pause in the first run that looks for a number of iterations. */
static bool has_paused;

static uint64_t paused_run(struct op_thread *t, uint64_t n)
{
	static uint64_t last;
	bool pause = !has_paused && n < last;

	(void)t;
	last = n;
	has_paused |= pause;
	return n * 1000 + (pause ? 50000000 : 0);
}

static unsigned int refusals; /* of so many thread set-ups */

static int refuse(struct op_thread *t)
{
	(void)t;
	return refusals && refusals-- ? -EPERM : 0;
}

static uint32_t event;
static bool deaf;

static void event_sleep(void *shared, unsigned int i, uint32_t round)
{
	uint32_t now;

	(void)shared;
	(void)i;
	while ((now = __atomic_load_n(&event, __ATOMIC_SEQ_CST)) != round)
		syscall(SYS_futex, &event, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
}

static void event_wake(void *shared, unsigned int sleepers, uint32_t round)
{
	(void)shared;
	(void)sleepers;
	if (deaf)
		return;
	__atomic_store_n(&event, round, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &event, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void heating_arm(void *shared)
{
	(void)shared;
	heat_up();
}

static const struct herd_ops herd = {.sleep = event_sleep, .wake = event_wake, .patience_ms = 300};
static const struct herd_ops heating_herd = {
	.arm = heating_arm, .sleep = event_sleep, .wake = event_wake};

#define NAMED(name)                                                                                \
	.family = "wake", .op = name, .subject = "port", .variant = "v", .setup = set_up,          \
	.teardown = tear_down

static const struct bench_op plain = {NAMED("plain"), .run = spin_run};
static const struct bench_op timed = {
	NAMED("timed"), .timed = timed_run,
	.params = {{"thousands", 3, {1, 2, 3}, 1u << 1}, {"absent", 2, {-7, 8}, PARAM_ALL_QUICK}}};
static const char *const colours[] = {"red", "green", "blue"};
static const struct bench_op coloured = {
	NAMED("coloured"), .timed = timed_run,
	.params = {{"thousands", 1, {1}, 1}, {"colour", 2, {2, 0}, PARAM_ALL_QUICK}},
	.named = {"colour", colours}};
static const struct bench_op wild = {NAMED("wild"), .timed = wild_run};
static const struct bench_op cold = {NAMED("cold"), .timed = cold_run};
static const struct bench_op pausing = {NAMED("pausing"), .timed = paused_run};
static const struct bench_op team = {NAMED("team"),
				     .flags = OP_SCALES,
				     .batch = 1,
				     .background = 1,
				     .run = nap_run,
				     .background_run = nap_background,
				     .params = {{"zeta", 1, {5}, PARAM_ALL_QUICK}}};
static const struct bench_op scaling = {NAMED("scaling"), .flags = OP_SCALES, .batch = 1,
					.run = nap_run};
static const struct bench_op woken = {NAMED("woken"), .herd = &herd,
				      .params = {{"sleepers", 2, {1, 3}, 1u << 1}}};
static const struct bench_op moving = {NAMED("moving"), .run = moving_run};
static const struct bench_op heating[] = {
	{NAMED("heating"), .run = heating_run},
	{NAMED("heating"), .run = heating_run, .flags = OP_BY_TIME, .batch = 1},
	{NAMED("heating"), .herd = &heating_herd, .params = {{"sleepers", 1, {1}, 1}}},
};
static const struct bench_op refused = {NAMED("refused"), .run = spin_run, .thread_setup = refuse};
static const struct bench_op refused_team = {NAMED("refused"), .flags = OP_BY_TIME, .run = nap_run,
					     .batch = 1, .thread_setup = refuse};
static const struct bench_op left_out = {NAMED("left_out"), .flags = OP_LEFT_OUT, .run = spin_run};
static const struct bench_op in_full = {NAMED("in_full"), .flags = OP_FULL_ONLY, .run = spin_run};
static const struct bench_op pairs = {NAMED("pairs"), .flags = OP_PU_PAIRS,
				      .batch = 1,     .background = 1,
				      .run = nap_run, .background_run = nap_background};

/* ---- running ---- */

static void reset(void)
{
	static char program[] = "cases_test", min_time[] = "--benchmark_min_time=0.001";
	char *argument[] = {program, min_time, NULL};
	int arguments = 2;

	CHECK(!gb_initialize(&arguments, argument));
	options = (struct options){
		.quick = true, .window_ms = 10, .repetitions = 2, .max_repetitions = 2};
	context = (struct case_context){.options = &options,
					.topo = topo,
					.run_id = "a run",
					.host = "a host",
					.execution = "native"};
	set_ups = tear_downs = rows = named = 0;
	setup_error = 0;
	setup_why = NULL;
	deaf = false;
}

/* A cell ends at a comma that is not between quotes; these have no quotes in them. */
static char *cell_end(char *cell)
{
	char *quote = *cell == '"' ? strchr(cell + 1, '"') : NULL;

	return strchr(quote ? quote : cell, ',');
}

static void split_rows(void)
{
	for (char *line = strtok(text, "\n"); line && rows < MOST_ROWS; line = strtok(NULL, "\n")) {
		size_t cell = 0;

		for (char *end = line; line && cell < CELLS; cell++, line = end) {
			end = cell_end(line);
			if (end)
				*end++ = '\0';
			row[rows][cell] = line;
		}
		CHECK(cell == CELLS && !line);
		rows++;
	}
}

static void read_rows(void)
{
	size_t room = 0;
	FILE *file = fopen(path, "r");

	free(text);
	text = NULL;
	if (!CHECK(file) || !CHECK(getdelim(&text, &room, EOF, file) > 0))
		exit(1);
	fclose(file);
	split_rows();
	CHECK(rows > 0);
	rows--; /* the header */
}

static void take_names(void)
{
	for (const struct bench_case *c = context.first; c && named < MOST_ROWS; c = c->next)
		snprintf(names[named++], sizeof(names[0]), "%s", c->name);
}

static int run(const struct bench_op *op)
{
	const struct op_table table = {op, 1}, *const tables[] = {&table};
	int ret = cases_make(&context, tables, 1);
	char why[256];

	if (!ret)
		ret = cases_select(&context);
	if (!ret) {
		take_names();
		unlink(path);
		CHECK(!rows_open(&context.rows, path, why, sizeof(why)));
		ret = cases_prepare(&context);
		if (!ret)
			ret = cases_run(&context);
		CHECK(!rows_close(context.rows, why, sizeof(why)));
		read_rows();
	}
	gb_shutdown();
	cases_free(&context);
	return ret;
}

/* The file's Nth row, from 0. */
static char **row_at(size_t n)
{
	static char *none[CELLS];

	if (CHECK(n < rows))
		return row[n + 1];
	for (int i = 0; i < CELLS; i++)
		none[i] = "";
	return none;
}

static bool is_named(const char *name)
{
	for (size_t i = 0; i < named; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static size_t rows_with(enum cell cell, const char *value)
{
	size_t n = 0;

	for (size_t i = 0; i < rows; i++)
		n += !strcmp(row_at(i)[cell], value);
	return n;
}

static size_t rows_about(enum cell cell, double value)
{
	size_t n = 0;

	for (size_t i = 0; i < rows; i++)
		n += fabs(atof(row_at(i)[cell]) - value) < value * 1e-6;
	return n;
}

static size_t rows_flagged(const char *flag)
{
	size_t n = 0;

	for (size_t i = 0; i < rows; i++)
		n += strstr(row_at(i)[FLAGS], flag) != NULL;
	return n;
}

/* ---- the tests ---- */

static void test_plain(void)
{
	reset();
	CHECK(!run(&plain));
	CHECK(named == 1 && is_named("wake/plain/port/variant:v/threads:1/pin:compact"));
	CHECK(rows == 2);
	for (size_t i = 0; i < rows; i++) {
		char **r = row_at(i);

		CHECK_TEXT(r[0], "1");
		CHECK_TEXT(r[RUN_ID], "a run");
		CHECK_TEXT(r[HOST], "a host");
		CHECK_TEXT(r[EXECUTION], "native");
		CHECK_TEXT(r[SUBJECT], "port");
		CHECK_TEXT(r[FAMILY], "wake");
		CHECK_TEXT(r[OP], "plain");
		CHECK_TEXT(r[VARIANT], "v");
		CHECK_TEXT(r[THREADS], "1");
		CHECK_TEXT(r[PIN], "compact");
		CHECK_TEXT(r[PARAMS], "");
		CHECK_TEXT(r[REP], i ? "1" : "0");
		CHECK(atof(r[ITERATIONS]) >= 1 && atof(r[REAL]) > 0 && atof(r[CPU]) > 0);
		CHECK(atof(r[OPS_PER_S]) * atof(r[REAL]) > 0.999e9);
		CHECK(!*r[P50] && !*r[OVERLAP] && !*r[FAIRNESS] && !*r[FLAGS] && !*r[ERROR]);
	}
	/* Each repetition has a set-up of its own: none has the memory of another. */
	CHECK(set_ups == 2 && tear_downs == 2);
}

static void test_params(void)
{
	reset();
	CHECK(!run(&timed));
	CHECK(rows == 2 * 2);
	CHECK(is_named("wake/timed/port/variant:v/absent:-7/thousands:2/threads:1/pin:compact"));
	CHECK(rows_with(PARAMS, "absent:-7;thousands:2") == 2);
	CHECK(rows_with(PARAMS, "absent:8;thousands:2") == 2);
	CHECK(rows_about(REAL, 2000) == 4);

	reset();
	options.quick = false;
	CHECK(!run(&timed));
	CHECK(rows == 6 * 2);
	CHECK(rows_about(REAL, 1000) == 4 && rows_about(REAL, 3000) == 4);
	CHECK(set_ups == 12 && tear_downs == 12);
}

static void test_named_values(void)
{
	reset();
	CHECK(!run(&coloured));
	CHECK(is_named("wake/coloured/port/variant:v/colour:blue/thousands:1/threads:1/"
		       "pin:compact"));
	CHECK(rows_with(PARAMS, "colour:blue;thousands:1") == 2);
	CHECK(rows_with(PARAMS, "colour:red;thousands:1") == 2);
}

static void test_team(void)
{
	reset();
	options.threads[0] = 3;
	options.threads[1] = 1;
	options.threads[2] = 3;
	options.thread_counts = 3;
	options.pins = "none";
	CHECK(!run(&team));
	CHECK(rows == 2 * 2);
	CHECK(is_named("wake/team/port/variant:v/background:1/zeta:5/threads:3/pin:none"));
	CHECK(rows_with(THREADS, "3") == 2 && rows_with(THREADS, "1") == 2);
	CHECK(rows_with(PARAMS, "background:1;zeta:5") == 4);
	for (size_t i = 0; i < rows; i++) {
		char **r = row_at(i);

		CHECK(atof(r[REAL]) >= 1e6 && atof(r[ITERATIONS]) >= 1);
		CHECK(*r[OVERLAP] && *r[FAIRNESS] && !*r[ERROR]);
	}
}

static void test_threads(void)
{
	char all[16];

	/* What does not scale is timed once, whatever was asked. */
	reset();
	options.threads[0] = 2;
	options.threads[1] = 5;
	options.thread_counts = 2;
	CHECK(!run(&plain));
	CHECK(rows == 2 && rows_with(THREADS, "1") == 2);

	reset();
	CHECK(!run(&scaling));
	snprintf(all, sizeof(all), "%u", pin_pu_count(topo));
	CHECK(rows_with(THREADS, "1") == 2 && rows_with(THREADS, all) == 2);
	reset();
	options.quick = false;
	options.pins = "compact";
	snprintf(all, sizeof(all), "%u", 2 * pin_pu_count(topo));
	CHECK(!run(&scaling));
	CHECK(rows_with(THREADS, all) == 2 && rows_with(FLAGS, "oversubscribed") == 2);
}

static void test_herd(void)
{
	static const char *const ops[] = {"woken_waker", "woken_first", "woken_median",
					  "woken_last"};

	reset();
	CHECK(!run(&woken));
	CHECK(is_named("wake/woken/port/variant:v/sleepers:3/pin:none"));
	CHECK(rows == 4 * 2 && rows_with(PARAMS, "sleepers:3") == rows);
	for (size_t i = 0; i < rows; i++) {
		char **r = row_at(i);

		CHECK_TEXT(r[OP], ops[i % 4]);
		CHECK_TEXT(r[THREADS], "4");
		/* Where the rounds are too few for a percentile there is none. */
		CHECK(atof(r[ITERATIONS]) < 20 ? !*r[P50] : !strcmp(r[P50], r[REAL]));
		CHECK(atof(r[ITERATIONS]) < 100 ? !*r[P90] : *r[P90]);
		CHECK(atof(r[ITERATIONS]) >= 1000 || !*r[P99]);
		CHECK(atof(r[REAL]) > 0 && atof(r[MAX]) >= atof(r[REAL]));
		CHECK(atof(r[ITERATIONS]) >= 5 && !*r[CPU] && !*r[ERROR]);
		/* Of one round: its last sleeper is not before its median. */
		if (i % 4 > 1)
			CHECK(atof(r[REAL]) >= atof(row_at(i - 1)[REAL]));
	}
}

/* In a process of its own, for the threads that are left. */
static int lose(void)
{
	unsigned int before;

	reset();
	start_first_thread();
	before = count_tasks();
	deaf = true;
	CHECK(!run(&woken));
	CHECK(rows == 4 && rows_with(ERROR, "a sleeper was not woken") == 4);
	CHECK(rows_with(REAL, "") == 4 && rows_with(ITERATIONS, "") == 4);
	/* Not again, and nothing taken from under those that sleep. */
	CHECK(!tasks_are_ours() || count_tasks() == before + 3);
	CHECK(set_ups == 1 && tear_downs == 0);
	/* What comes afterwards is timed. */
	reset();
	CHECK(!run(&woken));
	CHECK(rows == 8 && rows_with(ERROR, "") == 8);
	return check_result();
}

static void test_lost(void)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		syscall(SYS_exit_group, lose());
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What fails once is not measured again. */
static void test_failing(void)
{
	reset();
	setup_error = -ENOTSUP;
	setup_why = "not on a Sunday";
	CHECK(!run(&plain));
	CHECK(rows == 1 && rows_with(ERROR, "not on a Sunday") == 1 && rows_with(REAL, "") == 1);
	CHECK(tear_downs == 0);

	reset();
	setup_error = -ENOMEM;
	CHECK(!run(&woken));
	CHECK(rows == 4 && rows_with(ERROR, "Cannot allocate memory") == 4);

	for (int team = 0; team < 2; team++) {
		reset();
		refusals = 1;
		CHECK(!run(team ? &refused_team : &refused));
		CHECK(rows == 1 && rows_with(ERROR, "Operation not permitted") == 1);
		CHECK(rows_with(REAL, "") == 1 && tear_downs == 1);
	}
}

/* After a benchmark of one thread the caller is where it was, whatever became of it. */
static void test_affinity(const struct bench_op *op)
{
	cpu_set_t before, after;

	sched_getaffinity(0, sizeof(before), &before);
	reset();
	refusals = op == &refused;
	CHECK(!run(op));
	sched_getaffinity(0, sizeof(after), &after);
	CHECK(CPU_EQUAL(&before, &after));
}

static void test_pins(void)
{
	/* The profile's: one thread takes the first only; the user's: all of them. */
	reset();
	options.quick = false;
	CHECK(!run(&plain));
	CHECK(rows == 2 && rows_with(PIN, "compact") == 2);
	reset();
	options.pins = "kind:99,none,scatter";
	CHECK(!run(&plain));
	CHECK(rows == 5 && rows_with(PIN, "none") == 2 && rows_with(PIN, "scatter") == 2);
	CHECK(rows_with(PIN, "kind:99") == 1 && rows_with(ERROR, "") == 4);
	for (size_t i = 0; i < rows; i++) {
		char **r = row_at(i);

		if (strcmp(r[PIN], "kind:99"))
			continue;
		CHECK_HAS(r[ERROR], "kind:99");
		CHECK_TEXT(r[REAL], "");
	}
}

static void refuse_pins(const char *pins, const char *what)
{
	reset();
	options.pins = pins;
	CHECK(run(&plain) == -EINVAL);
	CHECK_HAS(context.why, "--pin=");
	CHECK_HAS(context.why, what);
}

static void test_bad_pins(void)
{
	char digits[400] = "list:0";

	refuse_pins("none,nonsense", "nonsense");
	refuse_pins("nonsense,none", "nonsense");
	refuse_pins(",", "''");
	for (size_t i = strlen(digits); i < sizeof(digits) - 1; i += strlen(",0"))
		snprintf(&digits[i], sizeof(digits) - i, ",0");
	refuse_pins(digits, "too long");
}

static void test_selected(void)
{
	reset();
	CHECK(run(&left_out) == -ENOENT && named == 0);
	reset();
	CHECK(run(&in_full) == -ENOENT && named == 0);
	reset();
	options.quick = false;
	CHECK(!run(&in_full) && named == 1);
	reset();
	options.families = "seq,probe";
	CHECK(run(&plain) == -ENOENT);
	reset();
	options.families = "seq,wake";
	CHECK(!run(&plain));
}

static void test_flags(void)
{
	reset();
	options.overlap_floor = 1; /* nobody starts and stops at one nanosecond */
	options.threads[0] = 4;
	options.thread_counts = 1;
	CHECK(!run(&scaling));
	CHECK(rows_with(FLAGS, "low-overlap;oversubscribed") + rows_with(FLAGS, "low-overlap") ==
	      rows);
	reset();
	options.overlap_floor = 1;
	CHECK(!run(&plain));
	CHECK_TEXT(row_at(0)[FLAGS], "");

	reset();
	context.execution = "kernel-icount";
	CHECK(!run(&plain));
	CHECK(rows_with(FLAGS, "emulated") == 2 && rows_with(EXECUTION, "kernel-icount") == 2);

	if (pin_pu_count(topo) < 2)
		return;
	reset();
	CHECK(!run(&moving));
	CHECK(rows_with(FLAGS, "misplaced") == 2);
}

/* What the machine did to a repetition is in its row, whichever way it was timed. */
static void test_disturbed(void)
{
	for (size_t i = 0; i < sizeof(heating) / sizeof(*heating); i++) {
		fake_make();
		heat_up();
		reset();
		options.pins = "compact";
		CHECK(!disturb_open(&context.disturb, topo, fake_root));
		CHECK(!run(&heating[i]));
		CHECK(rows > 0 && rows_with(FLAGS, "throttled") == rows);
		disturb_close(context.disturb);
		fake_remove();
	}
}

static void test_pairs(void)
{
	unsigned int pus = pin_pu_count(topo);
	char pin[64];

	if (pus < 2)
		return;
	snprintf(pin, sizeof(pin), "list:%d,%d", pin_pu_at(topo, 0), pin_pu_at(topo, 1));
	reset();
	CHECK(!run(&pairs));
	CHECK(named == (pus < 5 ? pus : 5) - 1);
	CHECK_HAS(names[0], pin);
	CHECK_HAS(names[0], "wake/pairs/port/variant:v/threads:1/pin:list:");
}

static void test_filter(void)
{
	static char program[] = "cases_test", only[] = "--benchmark_filter=thousands:(1|3)/",
		    but[] = "--benchmark_filter=-absent:8";
	char *argument[] = {program, NULL, NULL};
	int arguments;

	for (int i = 0; i < 2; i++) {
		reset();
		options.quick = false;
		arguments = 2;
		argument[1] = i ? but : only;
		CHECK(!gb_initialize(&arguments, argument));
		CHECK(!run(&timed));
		CHECK(named == (i ? 3 : 4) && rows == named * 2);
		CHECK(rows_about(REAL, 1000) == (i ? 2 : 4));
		CHECK(rows_with(PARAMS, "absent:8;thousands:2") == 0);
	}
}

static void test_twins(void)
{
	reset();
	options.quick = false;
	options.twins = 2;
	CHECK(!run(&timed));
	/* The second and the fifth of six, as often as all others. */
	CHECK(rows == 8 * 2 && rows_with(FLAGS, "twin") == 2 * 2);
	CHECK(rows_with(PARAMS, "absent:8;thousands:1") == 2 * 2);
	CHECK(rows_with(PARAMS, "absent:-7;thousands:3") == 2 * 2);
	CHECK(set_ups == 8 * 2 && tear_downs == 8 * 2);
	/* Of a herd too: all of its rows. */
	reset();
	options.twins = 100;
	CHECK(!run(&woken));
	CHECK(rows == 4 * 2 * 2 && rows_flagged("twin") == 4 * 2);
	/* Not where times mean nothing, nor of what cannot be run. */
	reset();
	options.twins = 100;
	context.execution = "qemu-user";
	CHECK(!run(&plain));
	CHECK(rows == 2 && rows_with(FLAGS, "emulated") == 2);
	reset();
	options.twins = 100;
	options.pins = "kind:99";
	CHECK(!run(&plain));
	CHECK(rows == 1);
}

static void test_settling(void)
{
	reset();
	options.repetitions = 2;
	options.max_repetitions = 9;
	options.target = 0.02;
	CHECK(!run(&timed));
	/* Six of each; the last says that it is settled. */
	CHECK(rows == 2 * 6 && rows_with(FLAGS, "unsettled") == 2 * 5);
	for (size_t i = 0; i < rows; i++)
		CHECK_TEXT(row_at(i)[FLAGS], atof(row_at(i)[REP]) < 5 ? "unsettled" : "");
	reset();
	options.repetitions = 2;
	options.max_repetitions = 9;
	options.target = 0.02;
	CHECK(!run(&wild));
	CHECK(rows == 9 && rows_with(FLAGS, "unsettled") == 9);
	reset();
	options.max_repetitions = 9;
	options.target = 0.02;
	context.execution = "qemu-user";
	CHECK(!run(&wild));
	CHECK(rows == 2 && rows_with(FLAGS, "emulated") == 2);
	/* Rejected repetitions do not count. */
	reset();
	options.repetitions = 7;
	options.max_repetitions = 8;
	options.target = 1;
	options.overlap_floor = 1;
	options.threads[0] = 4;
	options.thread_counts = 1;
	CHECK(!run(&scaling));
	CHECK(rows == 8 && rows_flagged("low-overlap") == 8 && rows_flagged("unsettled") == 8);
}

/* The first repetition finds how many operations its time wants; the others take as many. */
static void test_iterations(void)
{
	reset();
	options.repetitions = options.max_repetitions = 5;
	CHECK(!run(&plain));
	CHECK(rows == 5 && atof(row_at(0)[ITERATIONS]) > 1000);
	CHECK(rows_with(ITERATIONS, row_at(0)[ITERATIONS]) == 5);
	reset();
	CHECK(!run(&pausing));
	CHECK(has_paused && rows == 2 && rows_about(REAL, 1000) == 2);
	CHECK(atof(row_at(0)[ITERATIONS]) >= 1000);
	CHECK_TEXT(row_at(1)[ITERATIONS], row_at(0)[ITERATIONS]);
}

/* In the repetitions too that do not have to look for a number of iterations. */
static void test_warm_up(void)
{
	reset();
	CHECK(!run(&cold));
	CHECK(rows == 2 && rows_about(REAL, 1000) == 2);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/rows.csv", folder);
	load_topology();
	test_lost();
	test_plain();
	test_params();
	test_named_values();
	test_team();
	test_threads();
	test_herd();
	test_failing();
	test_affinity(&plain);
	test_affinity(&refused);
	test_affinity(&woken);
	test_pins();
	test_bad_pins();
	test_selected();
	test_flags();
	test_disturbed();
	test_pairs();
	test_filter();
	test_twins();
	test_settling();
	test_iterations();
	test_warm_up();
	pin_topology_free(topo);
	free(text);
	unlink(path);
	rmdir(folder);
	return check_result();
}
