/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cases.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../platforms/arch.h"
#include "gbench_c.h"
#include "herd.h"
#include "pin.h"
#include "rows.h"
#include "team.h"

/* Room for a policy's name: lists of PUs are long. */
#define PIN_POLICY 256

/* One repetition's figures, beyond what Google Benchmark reports. */
struct figures {
	struct team_result team;
	struct herd_result herd;
};

struct bench_case {
	struct bench_case *next;
	struct case_context *context;
	struct op_run run;
	unsigned int sleepers; /* of a herd; else 0 */
	char pin[PIN_POLICY];
	char params[128]; /* key:value;..., sorted */
	char why[320];	  /* not empty: it cannot be run, for this reason */
	bool oversubscribed, misplaced;
	bool abandoned;		 /* threads are left in it: nothing of it is freed */
	struct figures *figures; /* of each repetition so far */
	size_t repetitions;
};

static struct bench_case *all_cases;
/* The one whose shared state stands: building a million intervals once is enough. */
static struct bench_case *prepared;

long op_param(const struct op_run *run, const char *name)
{
	for (int i = 0; i < OP_PARAMS && run->op->params[i].name; i++)
		if (!strcmp(run->op->params[i].name, name))
			return run->param[i];
	abort(); /* the family's table is wrong */
}

/* ---- running ---- */

static void unprepare(void)
{
	if (prepared && prepared->run.op->teardown)
		prepared->run.op->teardown(&prepared->run);
	prepared = NULL;
}

/* On the PU of the first thread, for the memory that comes from where it is first touched. */
static int set_up(struct bench_case *c)
{
	int ret = pin_bind_self(c->run.topo, &c->run.slots[0]);

	if (!ret && c->run.op->setup)
		ret = c->run.op->setup(&c->run);
	pin_unbind_self(c->run.topo);
	return ret;
}

/* What a set-up leaves that failed half way is left too: it was out of memory or of its depth. */
static int prepare(struct bench_case *c)
{
	int ret;

	c->run.why = NULL;
	if (prepared == c)
		return 0;
	unprepare();
	ret = set_up(c);
	if (!ret)
		prepared = c;
	return ret;
}

/* The run becomes a row without figures, and so do the repetitions after it. */
static void give_up(gb_state *st, const struct bench_case *c, int ret)
{
	const char *why = c->run.why ? c->run.why : strerror(-ret);

	if (ret == -ENOTSUP)
		gb_skip_with_message(st, why);
	else
		gb_skip_with_error(st, why);
}

/* True: the run has become a row without figures. */
static bool skipped(gb_state *st, struct bench_case *c)
{
	int ret;

	if (c->why[0]) {
		gb_skip_with_message(st, c->why);
		return true;
	}
	ret = prepare(c);
	if (ret)
		give_up(st, c, ret);
	return ret;
}

static void time_alone(gb_state *st, struct bench_case *c, struct op_thread *t)
{
	const struct bench_op *op = c->run.op;
	uint64_t n = gb_begin(st), ns = 0;

	if (op->timed)
		ns = op->timed(t, n);
	else
		op->run(t, n);
	gb_end(st);
	if (op->timed)
		gb_set_iteration_time(st, (double)ns * 1e-9);
}

/* One thread, as many operations as Google Benchmark says. */
static void run_alone(gb_state *st, void *user)
{
	struct bench_case *c = user;
	const struct bench_op *op = c->run.op;
	struct op_thread t = {.run = &c->run};

	int ret;

	if (skipped(st, c))
		return;
	ret = pin_bind_self(c->run.topo, &c->run.slots[0]);
	if (!ret && op->thread_setup)
		ret = op->thread_setup(&t);
	if (ret) {
		give_up(st, c, ret);
	} else {
		time_alone(st, c, &t);
		c->misplaced |= !pin_in_place(&c->run.slots[0]);
		if (op->thread_teardown)
			op->thread_teardown(&t);
	}
	/* A pin outlives its benchmark otherwise. */
	pin_unbind_self(c->run.topo);
}

/* The place for the figures of the repetition that runs now. */
static struct figures *next_figures(struct bench_case *c)
{
	struct figures *more = realloc(c->figures, (c->repetitions + 1) * sizeof(*more));

	if (!more)
		return NULL;
	c->figures = more;
	return &more[c->repetitions++];
}

/* NULL: the run has become a row without figures. */
static struct figures *figures_for(gb_state *st, struct bench_case *c)
{
	struct figures *f;

	if (skipped(st, c))
		return NULL;
	f = next_figures(c);
	if (!f)
		give_up(st, c, -ENOMEM);
	return f;
}

static uint64_t window_ns(const struct bench_case *c)
{
	return c->context->options->window_ms * 1000000ull;
}

/* Both of these measure by their own clocks, once a repetition. */
static void run_team(gb_state *st, void *user)
{
	struct bench_case *c = user;
	struct figures *f = figures_for(st, c);
	int ret;

	if (!f)
		return;
	ret = team_measure(&c->run, window_ns(c), &f->team);
	if (ret) {
		give_up(st, c, ret);
		return;
	}
	c->misplaced |= f->team.misplaced;
	gb_begin(st);
	gb_end(st);
	gb_set_iteration_time(st, f->team.real_ns_per_op * 1e-9);
	gb_counter_set(st, "overlap", f->team.overlap, GB_COUNTER_PLAIN);
	gb_counter_set(st, "fairness", f->team.fairness, GB_COUNTER_PLAIN);
	gb_counter_set(st, "ops_per_s", f->team.ops_per_s, GB_COUNTER_PLAIN);
}

/* Threads still use the shared state: it stays as it is. */
static void abandon(struct bench_case *c)
{
	c->abandoned = true;
	prepared = NULL;
}

static void run_herd(gb_state *st, void *user)
{
	static const char *const names[HERD_FIGURES] = {"waker_ns", "first_ns", "median_ns",
							"last_ns"};
	struct bench_case *c = user;
	struct figures *f = figures_for(st, c);
	int ret;

	if (!f)
		return;
	ret = herd_measure(&c->run, c->sleepers, window_ns(c), &f->herd);
	if (ret) {
		give_up(st, c, ret);
		if (ret == -ETIMEDOUT)
			abandon(c);
		return;
	}
	c->misplaced |= f->herd.misplaced;
	gb_begin(st);
	gb_end(st);
	gb_set_iteration_time(st, f->herd.figure[HERD_LAST].p50 * 1e-9);
	for (int i = 0; i < HERD_FIGURES; i++)
		gb_counter_set(st, names[i], f->herd.figure[i].p50, GB_COUNTER_PLAIN);
}

/* ---- registering ---- */

static bool is_team(const struct bench_case *c)
{
	return c->run.threads > 1 || c->run.op->background || c->run.op->flags & OP_BY_TIME;
}

static int register_one(struct bench_case *c, const char *name)
{
	const struct bench_op *op = c->run.op;
	gb_function fn = op->herd ? run_herd : is_team(c) ? run_team : run_alone;
	gb_benchmark *b = gb_register(name, fn, c);
	int ret = b ? 0 : -EINVAL;

	if (!ret)
		ret = fn == run_alone && !op->timed ? gb_use_real_time(b) : gb_use_manual_time(b);
	/* These two run by time themselves. */
	if (!ret && fn != run_alone)
		ret = gb_iterations(b, 1);
	if (ret)
		snprintf(c->context->why, sizeof(c->context->why), "%s: %s", name, gb_last_error());
	return ret;
}

static void append(char *text, size_t room, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, room - used, format, args);
	va_end(args);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The parameters as the row and the name have them: sorted, with the background threads. */
static void describe_params(struct bench_case *c)
{
	const struct bench_op *op = c->run.op;
	char text[OP_PARAMS + 1][48];
	size_t n = 0;

	for (; n < OP_PARAMS && op->params[n].name; n++)
		snprintf(text[n], sizeof(text[n]), "%s:%ld", op->params[n].name, c->run.param[n]);
	if (op->background && !(op->flags & OP_PU_PAIRS))
		snprintf(text[n++], sizeof(text[0]), "background:%u", op->background);
	qsort(text, n, sizeof(text[0]), by_text);
	for (size_t i = 0; i < n; i++)
		append(c->params, sizeof(c->params), "%s%s", i ? ";" : "", text[i]);
}

static void make_name(const struct bench_case *c, char *name, size_t room)
{
	const struct bench_op *op = c->run.op;

	snprintf(name, room, "%s/%s/%s/variant:%s", op->family, op->op, op->subject, op->variant);
	if (c->params[0])
		append(name, room, "/%s", c->params);
	for (char *p = name; *p; p++)
		if (*p == ';')
			*p = '/';
	if (!op->herd)
		append(name, room, "/threads:%u", c->run.threads);
	append(name, room, "/pin:%s", c->pin);
}

/* Sleepers that share the waker's PU go where the others are, in turn. */
static void set_waker_apart(struct bench_case *c, struct pin_slot *slots, unsigned int sleepers)
{
	unsigned int from = 0;

	for (unsigned int i = 1; i <= sleepers; i++) {
		if (slots[i].pu != slots[0].pu)
			continue;
		for (unsigned int tries = 0; tries < sleepers; tries++) {
			from = from % sleepers + 1;
			if (slots[from].pu != slots[0].pu)
				break;
		}
		slots[i] = slots[from];
	}
	if (slots[0].pu < 0 || slots[sleepers].pu == slots[0].pu)
		snprintf(c->why, sizeof(c->why), "%s has no PU for the waker alone", c->pin);
}

static int place(struct bench_case *c, unsigned int places)
{
	struct pin_slot *slots = calloc(places, sizeof(*slots));
	char why[192];
	int ret;

	if (!slots)
		return -ENOMEM;
	c->run.slots = slots;
	ret = pin_plan(c->context->topo, c->pin, places, slots, &c->oversubscribed, why,
		       sizeof(why));
	if (ret == -ENOTSUP) {
		snprintf(c->why, sizeof(c->why), "%s", why);
		return 0;
	}
	if (ret)
		snprintf(c->context->why, sizeof(c->context->why), "--pin=%s: %s", c->pin, why);
	else if (c->run.op->flags & OP_WAKER_APART)
		set_waker_apart(c, slots, c->sleepers);
	return ret;
}

static int add_case(struct case_context *context, const struct bench_op *op, const long *param,
		    unsigned int threads, const char *pin, size_t pin_len)
{
	struct bench_case *c = calloc(1, sizeof(*c));
	char name[768];
	int ret;

	if (!c)
		return -ENOMEM;
	c->next = all_cases;
	all_cases = c;
	c->context = context;
	c->run.op = op;
	c->run.topo = context->topo;
	c->run.threads = threads;
	memcpy(c->run.param, param, sizeof(c->run.param));
	if (op->herd)
		c->sleepers = (unsigned int)op_param(&c->run, "sleepers");
	snprintf(c->pin, sizeof(c->pin), "%.*s", (int)pin_len, pin);
	describe_params(c);
	ret = place(c, threads + op->background + c->sleepers);
	if (ret)
		return ret;
	make_name(c, name, sizeof(name));
	return register_one(c, name);
}

/* ---- the factors ---- */

static const char *default_pins(const struct case_context *context, const struct bench_op *op)
{
	if (op->flags & OP_WAKER_APART)
		return "compact,scatter";
	/* Sleepers are where the scheduler wants them, unless asked otherwise. */
	if (op->herd)
		return context->options->quick ? "none" : "none,compact,scatter";
	return context->options->quick ? "compact" : "compact,scatter,smt,llc,xllc,xnode";
}

/* Of the profile's policies one thread needs but the first: it has only one place to be. */
static int add_pins(struct case_context *context, const struct bench_op *op, const long *param,
		    unsigned int threads)
{
	const char *rest = context->options->pins, *pin;
	size_t len;
	int ret = 0;

	if (!rest)
		rest = default_pins(context, op);
	while (!ret && (pin = pin_policy_next(&rest, &len))) {
		ret = add_case(context, op, param, threads, pin, len);
		if (!context->options->pins && threads + op->background == 1 && !op->herd)
			break;
	}
	return ret;
}

static bool seen_before(const unsigned int *counts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (counts[i] == counts[n])
			return true;
	return false;
}

static size_t default_threads(const struct case_context *context, unsigned int *counts)
{
	unsigned int pus = pin_pu_count(context->topo);
	size_t n = 0;

	for (unsigned int t = 1; t <= pus && n < MAX_THREAD_COUNTS - 2; t *= 2) {
		if (context->options->quick && t > 2)
			break;
		counts[n++] = t;
	}
	counts[n++] = pus;
	if (!context->options->quick)
		counts[n++] = 2 * pus;
	return n;
}

static int add_threads(struct case_context *context, const struct bench_op *op, const long *param)
{
	unsigned int counts[MAX_THREAD_COUNTS];
	size_t n = context->options->thread_counts;
	int ret = 0;

	if (n)
		memcpy(counts, context->options->threads, sizeof(counts));
	else
		n = default_threads(context, counts);
	for (size_t i = 0; i < n && !ret; i++) {
		/* What is not made for several threads is timed with one, whatever was asked. */
		if (!(op->flags & OP_SCALES))
			counts[i] = 1;
		if (!seen_before(counts, i))
			ret = add_pins(context, op, param, counts[i]);
	}
	return ret;
}

static bool wanted(const struct case_context *context, const struct op_param *p, unsigned int i)
{
	return !context->options->quick || p->quick & 1u << i;
}

/* Every choice of the parameters from the DEPTHth on. */
static int add_params(struct case_context *context, const struct bench_op *op, long *param,
		      int depth)
{
	const struct op_param *p = &op->params[depth];
	int ret = 0;

	if (depth == OP_PARAMS || !p->name)
		return add_threads(context, op, param);
	for (unsigned int i = 0; i < p->count && !ret; i++) {
		if (!wanted(context, p, i))
			continue;
		param[depth] = p->values[i];
		ret = add_params(context, op, param, depth + 1);
	}
	return ret;
}

/* Quick: from the first PU to a few others. Full: every pair, on machines not too large. */
static int add_pairs(struct case_context *context, const struct bench_op *op)
{
	unsigned int pus = pin_pu_count(context->topo), first, second;
	unsigned int firsts = !context->options->quick && pus <= 64 ? pus : 1;
	unsigned int most = context->options->quick ? 5 : pus;
	long none[OP_PARAMS] = {0};
	char pin[64];
	int ret = 0;

	for (first = 0; first < firsts && !ret; first++) {
		for (second = first + 1; second < pus && second < most && !ret; second++) {
			snprintf(pin, sizeof(pin), "list:%d,%d", pin_pu_at(context->topo, first),
				 pin_pu_at(context->topo, second));
			ret = add_case(context, op, none, 1, pin, strlen(pin));
		}
	}
	if (pus == 1)
		ret = add_case(context, op, none, 1, "compact", strlen("compact"));
	return ret;
}

static int add_op(struct case_context *context, const struct bench_op *op)
{
	long param[OP_PARAMS] = {0};

	if (op->flags & OP_LEFT_OUT || !options_has(context->options->families, op->family))
		return 0;
	if (op->flags & OP_FULL_ONLY && context->options->quick)
		return 0;
	return op->flags & OP_PU_PAIRS ? add_pairs(context, op) : add_params(context, op, param, 0);
}

/* All that the user named, whatever is timed: what is not understood must not go unnoticed. */
static int check_pins(struct case_context *context)
{
	const char *rest = context->options->pins, *pin;
	char policy[PIN_POLICY], why[192];
	struct pin_slot slot;
	size_t len;
	int ret;

	while (rest && (pin = pin_policy_next(&rest, &len))) {
		snprintf(policy, sizeof(policy), "%.*s", (int)len, pin);
		if (len >= sizeof(policy)) {
			snprintf(context->why, sizeof(context->why),
				 "--pin=%.40s...: too long; write ranges of PUs such as 0-63",
				 policy);
			return -EINVAL;
		}
		ret = pin_plan(context->topo, policy, 1, &slot, NULL, why, sizeof(why));
		if (ret && ret != -ENOTSUP) {
			snprintf(context->why, sizeof(context->why), "--pin=%s: %s", policy, why);
			return ret;
		}
	}
	return 0;
}

int cases_register(struct case_context *context, const struct op_table *const *tables, size_t count)
{
	int ret = check_pins(context);

	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t]->count && !ret; i++)
			ret = add_op(context, &tables[t]->ops[i]);
	if (ret && !context->why[0])
		snprintf(context->why, sizeof(context->why), "%s", strerror(-ret));
	return ret;
}

void cases_free(void)
{
	struct bench_case *c;

	unprepare();
	while ((c = all_cases)) {
		all_cases = c->next;
		if (c->abandoned)
			continue;
		free((void *)c->run.slots);
		free(c->figures);
		free(c);
	}
}

/* ---- rows ---- */

static void set_flags(const struct case_context *context, const struct bench_case *c,
		      double overlap, char *flags, size_t room)
{
	const struct {
		bool set;
		const char *name;
	} known[] = {
		{strcmp(context->execution, "native"), "emulated"},
		{overlap < context->options->overlap_floor, "low-overlap"},
		{c->misplaced, "misplaced"},
		{c->oversubscribed, "oversubscribed"},
	};

	flags[0] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].set)
			append(flags, room, "%s%s", flags[0] ? ";" : "", known[i].name);
}

static int emit(struct case_context *context, const struct row *row)
{
	return rows_append(context->rows, row, 1, context->why, sizeof(context->why));
}

static void fill_alone(struct row *row, const struct gb_result *result)
{
	row->iterations = (double)result->iterations;
	row->real_ns_per_op = result->real_ns;
	row->cpu_ns_per_op = result->cpu_ns;
	row->ops_per_s = 1e9 / result->real_ns;
}

static void fill_team(struct row *row, const struct team_result *team)
{
	row->iterations = (double)team->ops;
	row->real_ns_per_op = team->real_ns_per_op;
	row->cpu_ns_per_op = team->cpu_ns_per_op;
	row->ops_per_s = team->ops_per_s;
	row->overlap = team->overlap;
	row->fairness = team->fairness;
}

/* A herd's run has four figures: a row each, so that each can be compared. */
static int emit_herd(struct case_context *context, struct row *row, const struct herd_result *herd)
{
	static const char *const names[HERD_FIGURES] = {"waker", "first", "median", "last"};
	const char *whole = row->op;
	char op[64];
	int ret = 0;

	for (int i = 0; i < HERD_FIGURES && !ret; i++) {
		const struct herd_stat *stat = &herd->figure[i];

		snprintf(op, sizeof(op), "%s_%s", whole, names[i]);
		row->op = op;
		row->iterations = (double)herd->rounds;
		row->real_ns_per_op = row->p50_ns = stat->p50;
		row->p90_ns = stat->p90;
		row->p99_ns = stat->p99;
		row->max_ns = stat->max;
		ret = emit(context, row);
	}
	row->op = whole;
	return ret;
}

/* A result without figures has no place in c->figures either. */
static const struct figures *figures_of(const struct bench_case *c, const struct gb_result *result)
{
	size_t rep = (size_t)result->repetition;

	return rep < c->repetitions ? &c->figures[rep] : NULL;
}

int case_result(const struct gb_result *result, void *user)
{
	static const struct herd_result no_herd;
	struct case_context *context = user;
	struct bench_case *c = result->user;
	const struct figures *f;
	char flags[96];
	struct row row;

	if (result->run_type != GB_ITERATION || !context->rows)
		return 0;
	f = figures_of(c, result);
	set_flags(context, c, f && is_team(c) && result->status == GB_OK ? f->team.overlap : 1,
		  flags, sizeof(flags));
	row_init(&row);
	row.run_id = context->run_id;
	row.host = context->host;
	row.arch = ARCH_NAME;
	row.execution = context->execution;
	row.subject = c->run.op->subject;
	row.family = c->run.op->family;
	row.op = c->run.op->op;
	row.variant = c->run.op->variant;
	row.threads = c->run.threads + c->sleepers;
	row.pin = c->pin;
	row.params = c->params;
	row.rep = (double)result->repetition;
	row.flags = flags;
	if (result->status != GB_OK)
		row.error = result->message[0] ? result->message : "failed";
	if (c->run.op->herd)
		return emit_herd(context, &row, f ? &f->herd : &no_herd);
	if (is_team(c) && f)
		fill_team(&row, &f->team);
	else
		fill_alone(&row, result);
	return emit(context, &row);
}
