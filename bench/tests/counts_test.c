/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting against a plugin of our own: what an operation comes to, and when nobody answers. */
#include "case.h"
#include "check.h"
#include "counts.h"
#include "gbench_c.h"
#include "part.h"
#include "places.h"
#include "rows.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[] = "/tmp/mnbench-counts-XXXXXX";
static char table[64], answer[80];

enum answers { HONEST, NONE, STALE, CUT_OFF, SILENT_LATER };

/* The plugin: what is counted is what is executed while it is asked to. */
static struct {
	enum answers how;
	bool counting;
	unsigned int asked;
	uint64_t count[COUNT_KINDS];
} plugin;

static const uint64_t of_marks[COUNT_KINDS] = {9, 4, 3, 0, 1};
static const uint64_t of_op[COUNT_KINDS] = {20, 6, 5, 2, 1};

static void execute(const uint64_t *counts, uint64_t times)
{
	for (int i = 0; i < COUNT_KINDS && plugin.counting; i++)
		plugin.count[i] += counts[i] * times;
}

static void tell(unsigned long tag)
{
	const uint64_t *n = plugin.count;
	FILE *file;

	plugin.asked++;
	if (plugin.how == NONE || (plugin.how == SILENT_LATER && plugin.asked > 3))
		return;
	file = fopen(answer, "w");
	if (!CHECK(file))
		return;
	fprintf(file, plugin.how == CUT_OFF ? "mnbench-counts tag %lu: %lu" : COUNT_ANSWER_FORMAT,
		plugin.how == STALE ? tag - 1 : tag, n[0], n[1], n[2], n[3], n[4]);
	fclose(file);
	memset(plugin.count, 0, sizeof(plugin.count));
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list args;
	long a[6];

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number != COUNT_SYSCALL)
		return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (a[0] == COUNT_TELL) {
		tell((unsigned long)a[1]);
	} else {
		CHECK(plugin.counting == (a[0] == COUNT_END));
		execute(of_marks, a[0] == COUNT_END);
		plugin.counting = a[0] == COUNT_BEGIN;
	}
	errno = ENOSYS;
	return -1;
}

/* ---- operations ---- */

static const uint64_t of_first[COUNT_KINDS] = {1000, 100, 100, 10, 10};
static unsigned int runs;
static bool parts_mute; /* the plugin, from there on */

/* With a cost of its own for each call, and a greater one for the first. */
static void run(struct op_thread *t, uint64_t n)
{
	(void)t;
	execute(of_first, runs++ ? 1 : 50);
	execute(of_op, n);
}

/* Forth and back; what is between the parts does not count. */
static uint64_t timed(struct op_thread *t, uint64_t n)
{
	(void)t;
	if (parts_mute)
		plugin.how = NONE;
	for (uint64_t done = 0; done < n; done += 256) {
		uint64_t began = part_begin();

		execute(of_op, 256);
		part_end(began);
		execute(of_first, 256);
	}
	return n;
}

static void dies(struct op_thread *t, uint64_t n)
{
	(void)t;
	(void)n;
	signal(SIGILL, SIG_DFL);
	raise(SIGILL);
}

static int refuse(struct op_thread *t)
{
	t->run->why = "no place for it";
	return -EPERM;
}

#define NAMED(what) .family = "seq", .op = what, .subject = "port", .variant = "v"
static const struct bench_op ops[] = {
	{NAMED("whole"), .run = run},
	{NAMED("parts"), .timed = timed},
	{NAMED("dies"), .run = dies},
	{NAMED("refused"), .run = run, .thread_setup = refuse},
	{NAMED("uncounted"), .run = run, .uncounted = "a reason, \"with\" quotes"},
	{NAMED("team"), .run = run, .flags = OP_SCALES, .background = 1, .background_run = NULL},
};

static void reset(enum answers how)
{
	memset(&plugin, 0, sizeof(plugin));
	plugin.how = how;
	runs = 0;
	unlink(answer);
	unlink(table);
}

static const char *content(void)
{
	static char text[4096];
	FILE *file = fopen(table, "r");

	memset(text, 0, sizeof(text));
	if (CHECK(file)) {
		CHECK(fread(text, 1, sizeof(text) - 1, file) > 0);
		fclose(file);
	}
	return text;
}

/* ---- the tests ---- */

static void test_measure(const struct bench_op *op)
{
	struct op_run of = {.op = op, .threads = 1};
	struct op_thread t = {.run = &of};
	struct counts counts;
	char why[256];

	reset(HONEST);
	CHECK(!counts_open(table, why, sizeof(why)));
	CHECK(!counts_measure(&t, &counts));
	CHECK(counts.ops == 4096);
	for (int i = 0; i < COUNT_KINDS; i++)
		CHECK(counts.per_op[i] == (double)of_op[i]);
	CHECK(!counts_close(why, sizeof(why)));
	CHECK(!part_hooks && !plugin.counting);
}

static void test_nobody_answers(void)
{
	const enum answers silent[] = {NONE, STALE, CUT_OFF};
	char why[256];

	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		reset(silent[i]);
		CHECK(counts_open(table, why, sizeof(why)) == -ENOTSUP);
		CHECK_HAS(why, "nobody counts here; scripts/mnbench count");
		CHECK(!counts_close(NULL, 0));
		CHECK(access(table, F_OK));
		CHECK(!part_hooks);
	}
}

static void test_answers_no_more(void)
{
	struct op_run of = {.op = &ops[0], .threads = 1};
	struct op_thread t = {.run = &of};
	struct counts counts;
	char why[256];

	reset(SILENT_LATER);
	CHECK(!counts_open(table, why, sizeof(why)));
	CHECK(counts_measure(&t, &counts) == -ENOTSUP);
	CHECK_HAS(of.why, "does not answer any more");
	CHECK(!counts_close(why, sizeof(why)));
}

static void test_a_table_that_cannot_be(void)
{
	char why[256], path[96];

	reset(HONEST);
	snprintf(path, sizeof(path), "%s/none/counts.csv", folder);
	CHECK(counts_open(path, why, sizeof(why)) < 0);
	CHECK_HAS(why, path);
	counts_close(NULL, 0);
}

/* From operations to the table: each alone, in a process of its own. */
static const char *count_cases(void)
{
	static char program[] = "counts_test";
	char *argument[] = {program, NULL}, why[256];
	int arguments = 1;
	struct options options = {.quick = true, .count = table};
	struct case_context context = {.options = &options,
				       .topo = topo,
				       .execution = "qemu-user",
				       .run_id = "id",
				       .host = "box"};
	const struct op_table some = OP_TABLE(ops), *const tables[] = {&some};

	reset(HONEST);
	CHECK(!gb_initialize(&arguments, argument));
	CHECK(!counts_open(table, why, sizeof(why)));
	CHECK(!cases_make(&context, tables, 1) && !cases_select(&context));
	CHECK(!cases_count(&context));
	CHECK(!counts_close(why, sizeof(why)));
	gb_shutdown();
	cases_free(&context);
	return content();
}

static void test_cases(void)
{
	const char *text = count_cases();

	CHECK_HAS(text, "arch,execution,subject,family,op,variant,threads,pin,params,"
			"insns,loads,stores,atomics,fences,error\n");
	CHECK_HAS(text, ",qemu-user,port,seq,whole,v,1,compact,,20,6,5,2,1,\n");
	CHECK_HAS(text, ",port,seq,parts,v,1,compact,,20,6,5,2,1,\n");
	CHECK_HAS(text,
		  ",port,seq,dies,v,1,compact,,,,,,,its process ended: Illegal instruction\n");
	CHECK_HAS(text, ",port,seq,refused,v,1,compact,,,,,,,no place for it\n");
	CHECK_HAS(text,
		  ",port,seq,uncounted,v,1,compact,,,,,,,\"a reason, \"\"with\"\" quotes\"\n");
	CHECK(!strstr(text, ",team,"));
	CHECK(runs == 0); /* not in this process */
}

/* The last one's answer, to a process that asked as often, is no answer to this one. */
static void test_an_answer_to_another(void)
{
	parts_mute = true;
	CHECK_HAS(count_cases(), ",port,seq,parts,v,1,compact,,,,,,,the plugin does not answer");
	parts_mute = false;
}

int main(void)
{
	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	snprintf(table, sizeof(table), "%s/counts.csv", folder);
	snprintf(answer, sizeof(answer), "%s.answer", table);
	load_topology();
	test_measure(&ops[0]);
	test_measure(&ops[1]);
	test_nobody_answers();
	test_answers_no_more();
	test_a_table_that_cannot_be();
	test_cases();
	test_an_answer_to_another();
	pin_topology_free(topo);
	unlink(answer);
	unlink(table);
	rmdir(folder);
	return check_result();
}
