// SPDX-License-Identifier: GPL-2.0-or-later
/* From a table of operations to rows: each with each of its values, warmed up, then repeated. */
#include "twin.h"

#include <linux/math64.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#define MOST_REPETITIONS 32
#define LEAST_OPS	 16

/* What the clock says of the repetitions of one figure. */
struct series {
	u64 ns[MOST_REPETITIONS];
	u64 ops, parts;
};

struct rows {
	const struct twin_limits *limits;
	struct series *series; /* of each figure */
	unsigned int count;
};

static u64 ns_of(const struct twin_trial *t)
{
	u64 ns = 0;

	for (int i = 0; i < TWIN_FIGURES; i++)
		ns += t->figure[i].ns;
	return ns;
}

static bool in_team(const struct twin_trial *t)
{
	return t->op->threads && t->threads > 1;
}

/* One repetition. */
static int run(struct twin_trial *t, u64 n)
{
	memset(t->figure, 0, sizeof(t->figure));
	if (fatal_signal_pending(current))
		return -EINTR;
	return in_team(t) ? twin_team_run(t, n) : t->op->run(t, n);
}

/* Whether it took as long as a repetition should, or cannot be made to. */
static bool long_enough(const struct twin_trial *t, u64 wanted_ns, u64 n)
{
	if (in_team(t))
		return ns_of(t) * 2 > wanted_ns * t->threads;
	return ns_of(t) * 2 > wanted_ns || t->figure[0].ops > n ||
	       (t->op->most && n >= t->op->most);
}

/* How many operations make a repetition; those that were tried have warmed it up. */
static int find_count(struct twin_trial *t, u64 wanted_ns, u64 *n)
{
	int ret;

	for (*n = LEAST_OPS;; *n *= 2) {
		ret = run(t, *n);
		if (ret || long_enough(t, wanted_ns, *n))
			return ret;
	}
}

/* A team does not do the same number each time: the time is that of the first one's. */
static void note(struct series *s, int rep, const struct twin_figure *f)
{
	if (!rep) {
		s->ops = f->ops;
		s->parts = f->parts;
	}
	s->ns[rep] = f->ops && f->ops != s->ops ? div64_u64(f->ns * s->ops, f->ops) : f->ns;
}

/* How many repetitions there were, at least 2, or -errno. */
static int repeat(struct twin_trial *t, struct rows *rows)
{
	const struct twin_limits *limits = rows->limits;
	u64 n, spent = 0;
	int rep, ret = find_count(t, limits->repetition_ns, &n);

	for (rep = 0; !ret && rep < limits->repetitions; rep++) {
		if (rep >= 2 && spent > limits->budget_ns)
			break;
		ret = run(t, n);
		for (int i = 0; i < TWIN_FIGURES; i++)
			note(&rows->series[i], rep, &t->figure[i]);
		spent += ns_of(t);
	}
	return ret ?: rep;
}

static int put_params(char *to, size_t len, const struct twin_trial *t)
{
	int at = 0;

	to[0] = '\0';
	for (int i = 0; i < ARRAY_SIZE(t->param) && t->op->param[i].name; i++) {
		const struct twin_param *p = &t->op->param[i];

		at += scnprintf(to + at, len - at, "%s%s:", i ? ";" : "", p->name);
		if (p->names)
			at += scnprintf(to + at, len - at, "%s", p->names[t->param[i]]);
		else
			at += scnprintf(to + at, len - at, "%lu", t->param[i]);
	}
	return at;
}

/* row,FAMILY,OP,VARIANT,THREADS,PARAMS,SLEEPS,OPS,PARTS,NS NS ..,ERROR */
static void print_row(const struct twin_trial *t, int figure, const struct series *s, int reps,
		      const char *error)
{
	char params[64], ns[MOST_REPETITIONS * 12] = "";
	int at = 0;

	put_params(params, sizeof(params), t);
	for (int i = 0; i < reps; i++)
		at += scnprintf(ns + at, sizeof(ns) - at, "%s%llu", i ? " " : "", s->ns[i]);
	pr_info("row,%s,%s,%s,%u,%s,%s,%llu,%llu,%s,%s\n", t->op->family, t->op->name[figure],
		t->op->variant, t->threads, params, t->op->sleeps ? "sleeps" : "",
		reps ? s->ops : 0, reps ? s->parts : 0, ns, error);
}

static void print_rows(const struct twin_trial *t, struct rows *rows, int reps)
{
	char error[48] = "";

	if (t->op->lacks)
		reps = 0;
	else if (reps < 0)
		snprintf(error, sizeof(error), "it failed with %d", reps);
	for (int i = 0; i < TWIN_FIGURES && t->op->name[i]; i++) {
		print_row(t, i, &rows->series[i], max(reps, 0), t->op->lacks ?: error);
		rows->count++;
	}
}

static int measure(struct twin_trial *t, struct rows *rows)
{
	int ret = 0;

	if (!t->op->lacks) {
		ret = t->op->setup ? t->op->setup(t) : 0;
		if (!ret)
			ret = repeat(t, rows);
		if (t->op->teardown)
			t->op->teardown(t);
		twin_world_free(t);
	}
	print_rows(t, rows, ret);
	return ret == -EINTR ? ret : 0;
}

static bool wanted(const struct twin_op *op, const char *only)
{
	char name[64];

	for (int i = 0; i < TWIN_FIGURES && op->name[i]; i++) {
		snprintf(name, sizeof(name), "%s/%s", op->family, op->name[i]);
		if (!only || strstr(name, only))
			return true;
	}
	return false;
}

/* One operation with one choice of its values. */
static int try_one(const struct twin_op *op, unsigned long first, unsigned long second,
		   struct rows *rows)
{
	struct twin_trial *t = kzalloc(sizeof(*t), GFP_KERNEL);
	spinlock_t user_lock;
	int ret;

	if (!t)
		return -ENOMEM;
	t->op = op;
	t->param[0] = first;
	t->param[1] = second;
	t->threads = op->threads ? rows->limits->threads : 1;
	t->mm = current->mm;
	spin_lock_init(&user_lock);
	t->user_lock = &user_lock;
	ret = measure(t, rows);
	kfree(t);
	return ret;
}

static int try_all(const struct twin_op *op, struct rows *rows)
{
	const struct twin_param *a = &op->param[0], *b = &op->param[1];
	int ret = 0;

	for (unsigned int i = 0; i < max(a->count, 1u); i++)
		for (unsigned int j = 0; j < max(b->count, 1u) && !ret; j++)
			if (a->values[i] <= rows->limits->largest)
				ret = try_one(op, a->values[i], b->values[j], rows);
	return ret;
}

int twin_run_all(const struct twin_table *table, const struct twin_limits *limits,
		 unsigned int *count)
{
	struct rows rows = {.limits = limits};
	int ret = 0;

	rows.series = kcalloc(TWIN_FIGURES, sizeof(*rows.series), GFP_KERNEL);
	if (!rows.series)
		return -ENOMEM;
	for (size_t i = 0; i < table->count && !ret; i++)
		if (wanted(&table->ops[i], limits->only))
			ret = try_all(&table->ops[i], &rows);
	*count += rows.count;
	kfree(rows.series);
	return ret;
}
