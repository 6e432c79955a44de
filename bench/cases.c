/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pin.h"
#include "text.h"

long op_param(const struct op_run *run, const char *name)
{
	for (int i = 0; i < OP_PARAMS && run->op->params[i].name; i++)
		if (!strcmp(run->op->params[i].name, name))
			return run->param[i];
	abort(); /* the family's table is wrong */
}

/* ---- one case ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void describe_param(const struct bench_op *op, const char *name, long value, char *text,
			   size_t room)
{
	if (op->named.param && !strcmp(op->named.param, name))
		snprintf(text, room, "%s:%s", name, op->named.names[value]);
	else
		snprintf(text, room, "%s:%ld", name, value);
}

/* The parameters as the row and the name have them: sorted, with the background threads. */
static void describe_params(struct bench_case *c)
{
	const struct bench_op *op = c->run.op;
	char text[OP_PARAMS + 1][48];
	size_t n = 0;

	for (; n < OP_PARAMS && op->params[n].name; n++)
		describe_param(op, op->params[n].name, c->run.param[n], text[n], sizeof(text[n]));
	if (op->background && !(op->flags & OP_PU_PAIRS))
		snprintf(text[n++], sizeof(text[0]), "background:%u", op->background);
	qsort(text, n, sizeof(text[0]), by_text);
	for (size_t i = 0; i < n; i++)
		text_append(c->params, sizeof(c->params), "%s%s", i ? ";" : "", text[i]);
}

/* The name without its subject and variant is the group's: those that are compared. */
static int make_names(struct bench_case *c)
{
	const struct bench_op *op = c->run.op;
	char params[sizeof(c->params) + 1] = "", threads[32] = "";

	if (c->params[0])
		snprintf(params, sizeof(params), "/%s", c->params);
	for (char *p = params; *p; p++)
		if (*p == ';')
			*p = '/';
	if (!op->herd)
		snprintf(threads, sizeof(threads), "/threads:%u", c->run.threads);
	if (asprintf(&c->name, "%s/%s/%s/variant:%s%s%s/pin:%s", op->family, op->op, op->subject,
		     op->variant, params, threads, c->pin) < 0)
		c->name = NULL;
	if (asprintf(&c->group, "%s/%s%s%s/pin:%s", op->family, op->op, params, threads, c->pin) <
	    0)
		c->group = NULL;
	return c->name && c->group ? 0 : -ENOMEM;
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

/* After that one; NULL: at the end of the list. */
static struct bench_case *new_case(struct case_context *context, struct bench_case *after)
{
	struct bench_case *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->context = context;
	if (!after)
		after = context->last;
	c->next = after ? after->next : NULL;
	*(after ? &after->next : &context->first) = c;
	if (!c->next)
		context->last = c;
	return c;
}

static int make_case(struct bench_case *c, const struct bench_op *op, const long *param,
		     unsigned int threads, const char *pin, size_t pin_len)
{
	int ret;

	c->run.op = op;
	c->run.topo = c->context->topo;
	c->run.disturb = c->context->disturb;
	c->run.threads = threads;
	memcpy(c->run.param, param, sizeof(c->run.param));
	if (op->herd)
		c->sleepers = (unsigned int)op_param(&c->run, "sleepers");
	snprintf(c->pin, sizeof(c->pin), "%.*s", (int)pin_len, pin);
	describe_params(c);
	ret = place(c, threads + op->background + c->sleepers);
	return ret ? ret : make_names(c);
}

static int add_case(struct case_context *context, const struct bench_op *op, const long *param,
		    unsigned int threads, const char *pin, size_t pin_len)
{
	struct bench_case *c = new_case(context, NULL);

	return c ? make_case(c, op, param, threads, pin, pin_len) : -ENOMEM;
}

int case_add_twin(struct bench_case *c)
{
	struct bench_case *twin = new_case(c->context, c);
	int ret = twin ? make_case(twin, c->run.op, c->run.param, c->run.threads, c->pin,
				   strlen(c->pin))
		       : -ENOMEM;

	if (!ret)
		twin->twin_of = c;
	return ret;
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

int cases_make(struct case_context *context, const struct op_table *const *tables, size_t count)
{
	int ret = check_pins(context);

	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t]->count && !ret; i++)
			ret = add_op(context, &tables[t]->ops[i]);
	if (ret && !context->why[0])
		snprintf(context->why, sizeof(context->why), "%s", strerror(-ret));
	return ret;
}

void case_free(struct bench_case *c)
{
	if (c->abandoned)
		return;
	free((void *)c->run.slots);
	free(c->name);
	free(c->group);
	free(c);
}

void cases_free(struct case_context *context)
{
	struct bench_case *c;

	while ((c = context->first)) {
		context->first = c->next;
		case_free(c);
	}
	context->last = NULL;
	schedule_free(context->schedule);
	free(context->found_run_id);
}
