/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mnbench binary: the command line, the families, the files. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../platforms/arch.h"
#include "baton.h"
#include "cases.h"
#include "clock.h"
#include "counts.h"
#include "disturb.h"
#include "gbench_c.h"
#include "machine.h"
#include "options.h"
#include "perfctr.h"
#include "pin.h"
#include "plant.h"
#include "plans.h"
#include "rows.h"
#include "text.h"
#include "units.h"

#ifndef MNBENCH_VERSION
#define MNBENCH_VERSION "unknown"
#endif

enum { EXIT_OK = 0, EXIT_BROKEN = 1, EXIT_BAD_INPUT = 2 };

extern const struct op_table seq_ops, srcu_ops, urcu_ops, wake_ops, itree_base_ops, probe_ops;

/* The notifier units' tables, by CMake. */
#define UNIT(name) extern const struct op_table name##_notifier, name##_devices, name##_itree, name##_twin;
MNBENCH_UNITS(UNIT)
#undef UNIT

#define UNIT(name) &name##_notifier, &name##_devices, &name##_itree, &name##_twin,
static const struct op_table *const tables[] = {
	MNBENCH_UNITS(UNIT) & seq_ops, &srcu_ops, &urcu_ops, &wake_ops, &itree_base_ops, &probe_ops,
};

static int fail(int status, const char *why)
{
	fprintf(stderr, "mnbench: %s\n", why);
	return status;
}

/* Out of reach of the user's input, or because of it? */
static int status_of(int ret)
{
	switch (ret) {
	case 0:
		return EXIT_OK;
	case -ENOMEM:
	case -EIO:
		return EXIT_BROKEN;
	default:
		return EXIT_BAD_INPUT;
	}
}

/* ---- what the profile sets ---- */

/* Before the user's own flags, of which the last one wins. */
static char **with_profile(int *argc, char **argv, bool quick)
{
	static char min_time[2][32] = {"--benchmark_min_time=0.05", "--benchmark_min_time=0.01"};
	char **more = calloc((size_t)*argc + 2, sizeof(*more));

	if (!more)
		return NULL;
	more[0] = argv[0];
	more[1] = min_time[quick];
	memcpy(&more[2], &argv[1], (size_t)(*argc - 1) * sizeof(*more));
	*argc += 1;
	return more;
}

/* ---- a run ---- */

static int write_files(const struct case_context *context, const char *counters, char *why,
		       size_t len)
{
	const struct options *o = context->options;
	const struct machine_library libraries[] = {
		{"google-benchmark", gb_library_version()},
		{"hwloc", MNBENCH_HWLOC_VERSION},
		{"liburcu", MNBENCH_URCU_VERSION},
		{NULL, NULL},
	};
	const struct machine_facts facts = {
		.run_id = context->run_id,
		.arch = ARCH_NAME,
		.execution = context->execution,
		.topo = context->topo,
		.libraries = libraries,
		.counters = counters[0] ? counters : NULL,
		.order_seed = (double)o->seed,
		.clock = clock_survey(),
	};
	int ret = 0;

	if (o->machine)
		ret = machine_write(o->machine, &facts, why, len);
	if (!ret && o->topology)
		ret = pin_export_xml(context->topo, o->topology, why, len);
	return ret;
}

static void make_up_run_id(const char *host, char *id, size_t len)
{
	time_t now = time(NULL);
	char stamp[32];

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime(&now));
	snprintf(id, len, "%s-%s", stamp, host);
}

/* The CPU's, if it is one. False: there are none, which is to be said. */
static bool open_counters(const struct case_context *context, char *state, size_t len)
{
	if (strcmp(context->execution, "native") || context->options->count)
		return true;
	return !perfctr_open(state, len);
}

static int run_benchmarks(struct case_context *context)
{
	const struct options *o = context->options;
	char counters[256] = "";
	bool counted = true;
	int ret = clock_check(context->why, sizeof(context->why));

	if (!ret && o->resume && access(o->csv, F_OK))
		ret = text_fail(-errno, context->why, sizeof(context->why), "--resume: %s: %s",
				o->csv, strerror(errno));
	if (!ret && o->count)
		ret = counts_open(o->count, context->why, sizeof(context->why));
	/* Before the others: a file that another run has is refused before they say otherwise. */
	if (!ret && o->csv)
		ret = rows_open(&context->rows, o->csv, context->why, sizeof(context->why));
	if (!ret && o->resume)
		ret = cases_find_run(context);
	if (!ret && !o->count)
		ret = cases_prepare(context);
	if (!ret)
		counted = open_counters(context, counters, sizeof(counters));
	if (!ret)
		ret = write_files(context, counters, context->why, sizeof(context->why));
	if (!ret && o->count) {
		ret = cases_count(context);
	} else if (!ret) {
		if (!counted)
			fprintf(stderr, "counters: %s\n", counters);
		fprintf(stderr, "seed %" PRIu64 "\n", o->seed);
		ret = cases_run(context);
	}
	if (!ret)
		ret = rows_close(context->rows, context->why, sizeof(context->why));
	else
		rows_close(context->rows, NULL, 0);
	if (!ret)
		return counts_close(context->why, sizeof(context->why));
	counts_close(NULL, 0);
	return ret;
}

static int run(const struct options *options, const struct pin_topology *topo)
{
	char host[256] = "unknown", id[320];
	struct baton baton = {.in = stdin, .out = stdout};
	struct case_context context = {.options = options,
				       .topo = topo,
				       .baton = options->baton ? &baton : NULL,
				       .run_id = options->run_id};
	int ret;

	gethostname(host, sizeof(host) - 1);
	make_up_run_id(host, id, sizeof(id));
	if (!context.run_id)
		context.run_id = id;
	context.host = host;
	context.execution = options->execution ? options->execution : machine_execution();

	/* What happens to an emulator changes nothing that its times could tell. */
	if (!strcmp(context.execution, "native") && disturb_open(&context.disturb, topo, ""))
		return fail(EXIT_BROKEN, "out of memory");
	ret = cases_make(&context, tables, sizeof(tables) / sizeof(tables[0]));
	if (!ret)
		ret = cases_select(&context);
	if (!ret && !gb_list_requested())
		ret = run_benchmarks(&context);
	cases_free(&context);
	disturb_close(context.disturb);
	return ret ? fail(status_of(ret), context.why) : EXIT_OK;
}

static int answer(const struct options *options, const struct pin_topology *topo)
{
	char why[1024];
	int ret = plans_answer(options, topo, why, sizeof(why));

	return ret ? fail(status_of(ret), why) : EXIT_OK;
}

static void tell_disagreement(const struct pin_topology *topo)
{
	char text[512];

	if (!pin_agrees(topo, text, sizeof(text)))
		fprintf(stderr, "mnbench: topology: %s\n", text);
}

static int start(struct options *options, int argc, char **argv)
{
	const struct pin_source source = {.xml = options->from_xml,
					  .synthetic = options->synthetic};
	struct pin_topology *topo;
	char why[1024];
	int ret;

	if (!plans_asked(options) && (options->from_xml || options->synthetic))
		return fail(EXIT_BAD_INPUT,
			    "--from and --synthetic go with --plan and --draw only");
	if (options_check_rest(argc, argv, why, sizeof(why)))
		return fail(EXIT_BAD_INPUT, why);
	ret = pin_topology_load(&topo, &source, why, sizeof(why));
	if (ret)
		return fail(status_of(ret), why);
	tell_disagreement(topo);
	if (plans_asked(options))
		ret = answer(options, topo);
	else
		ret = run(options, topo);
	gb_shutdown();
	pin_topology_free(topo);
	return ret;
}

/* One that is short to type. */
static void make_up_seed(struct options *options)
{
	uint32_t seed = (uint32_t)time(NULL);

	if (options->has_seed)
		return;
	getentropy(&seed, sizeof(seed));
	options->seed = seed;
}

int main(int argc, char **argv)
{
	struct options options;
	char why[1024];
	char **args;
	int ret;

	if (plant_parse(&argc, argv, why, sizeof(why)) ||
	    options_parse(&options, &argc, argv, why, sizeof(why)))
		return fail(EXIT_BAD_INPUT, why);
	if (options.help) {
		options_print_help();
		return EXIT_OK;
	}
	if (options.version) {
		printf("mnbench %s (%s), Google Benchmark %s\n", MNBENCH_VERSION, ARCH_NAME,
		       gb_library_version());
		return EXIT_OK;
	}
	make_up_seed(&options);
	/* The other end may go before us: that ends the run, not the row that is being written. */
	if (options.baton)
		signal(SIGPIPE, SIG_IGN);
	args = with_profile(&argc, argv, options.quick);
	if (!args)
		return fail(EXIT_BROKEN, "out of memory");
	if (gb_initialize(&argc, args))
		ret = fail(EXIT_BAD_INPUT, gb_last_error());
	else
		ret = start(&options, argc, args);
	free(args);
	return ret;
}
